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
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID |
							 BLKID_SUBLKS_LABEL | BLKID_SUBLKS_USAGE);
	status = blkid_do_safeprobe(probe);
	if (status == -2)
		return err_set(err, -EBADMSG,
			       "%s: byte %" PRIu64 ": has the signatures of several file systems: "
			       "clear the old one with wipefs",
			       image_path(image), where->start_bytes);
	if (status < 0)
		return err_set(err, -EIO, "%s: libblkid fails at byte %" PRIu64, image_path(image),
			       where->start_bytes);
	if (status == 0) {
		value_copy(probe, "TYPE", found.type, sizeof found.type);
		value_copy(probe, "UUID", found.uuid, sizeof found.uuid);
		value_copy(probe, "LABEL", found.label, sizeof found.label);
		value_copy(probe, "USAGE", found.usage, sizeof found.usage);
	}
	*ret_probe = found;
	return 0;
}
