/* libblkid: what a part of an image holds. Its cache and its devices are not touched. */
#include "image/probe.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void probe_cleanup(blkid_probe *probe)
{
	if (*probe)
		blkid_free_probe(*probe);
}

static void value_copy(blkid_probe probe, const char *name, char *ret_text, size_t size)
{
	const char *value = NULL;

	if (blkid_probe_lookup_value(probe, name, &value, NULL) == 0 && value)
		snprintf(ret_text, size, "%s", value);
}

static void superblocks_enable(blkid_probe probe)
{
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID |
							 BLKID_SUBLKS_LABEL);
}

static void superblock_copy(blkid_probe probe, struct probe *ret_probe)
{
	value_copy(probe, "TYPE", ret_probe->type, sizeof ret_probe->type);
	value_copy(probe, "UUID", ret_probe->uuid, sizeof ret_probe->uuid);
	value_copy(probe, "LABEL", ret_probe->label, sizeof ret_probe->label);
}

int probe_extent(struct image *image, const struct extent *where, struct probe *ret_probe,
		 struct err *err)
{
	CLEANUP(probe_cleanup) blkid_probe probe = blkid_new_probe();
	CLEANUP(fd_cleanup) int fd = -1;
	struct probe found = { 0 };
	uint64_t offset;
	int status, r = image_view(image, where, &fd, &offset, err);

	if (r < 0)
		return r;
	if (!probe || blkid_probe_set_device(probe, fd, (blkid_loff_t)offset,
					     (blkid_loff_t)where->size_bytes) != 0)
		return err_set(err, -EIO, "%s: libblkid cannot read it", image_path(image));
	superblocks_enable(probe);
	status = blkid_do_safeprobe(probe);
	if (status == -2)
		return err_set(err, -EBADMSG,
			       "%s: byte %" PRIu64 ": has the signatures of several file systems: "
			       "clear the old one with wipefs",
			       image_path(image), where->start_bytes);
	if (status < 0)
		return err_set(err, -EIO, "%s: libblkid fails at byte %" PRIu64, image_path(image),
			       where->start_bytes);
	if (status == 0)
		superblock_copy(probe, &found);
	*ret_probe = found;
	return 0;
}

bool probe_device(const char *path, struct probe *ret_probe, struct part_names *ret_names)
{
	CLEANUP(probe_cleanup) blkid_probe probe = blkid_new_probe_from_filename(path);

	if (!probe)
		return false;
	superblocks_enable(probe);
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS);
	if (blkid_do_safeprobe(probe) != 0)
		return false;
	*ret_probe = (struct probe){ 0 };
	superblock_copy(probe, ret_probe);
	*ret_names = (struct part_names){ 0 };
	value_copy(probe, "PART_ENTRY_UUID", ret_names->uuid, sizeof ret_names->uuid);
	value_copy(probe, "PART_ENTRY_NAME", ret_names->label, sizeof ret_names->label);
	return true;
}
