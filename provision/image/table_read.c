/* Reading partition tables, by libblkid: it works on a descriptor and never writes or asks. */
#include "image/table.h"

#include <blkid/blkid.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECTOR_BYTES	 512
#define MBR_TYPES_BYTES	 450 /* type of the first entry; the others follow every 16 bytes */
#define MBR_PROTECTIVE	 0xee
#define GPT_HEADER_BYTES 512
#define GPT_OTHER_BYTES	 32 /* in the header: sector of the other copy */
#define MBR_ACTIVE	 0x80

static void probe_cleanup(blkid_probe *probe)
{
	if (*probe)
		blkid_free_probe(*probe);
}

static int entry_read(struct image *image, blkid_partition partition, enum table_kind kind,
		      struct table_entry *ret_entry, struct err *err)
{
	struct table_entry entry = { .number = (unsigned)blkid_partition_get_partno(partition) };
	uint64_t start = (uint64_t)blkid_partition_get_start(partition);
	uint64_t size = (uint64_t)blkid_partition_get_size(partition);
	uint64_t disk = image_size_bytes(image) / SECTOR_BYTES;
	const char *name = blkid_partition_get_name(partition);
	const char *type = blkid_partition_get_type_string(partition);
	const char *uuid = blkid_partition_get_uuid(partition);

	/* An extended partition is a frame, libblkid gives it two sectors. */
	if (start > disk || size > disk - start)
		return err_set(err, -EBADMSG,
			       "%s: partition %u ends at sector %" PRIu64 ", the image has %" PRIu64
			       ": it is cut short",
			       image_path(image), entry.number, start + size, disk);
	entry.where = (struct extent){ start * SECTOR_BYTES, size * SECTOR_BYTES };
	snprintf(entry.names.uuid, sizeof entry.names.uuid, "%s", uuid ? uuid : "");
	if (kind == TABLE_GPT) {
		snprintf(entry.type, sizeof entry.type, "%s", type ? type : "");
		snprintf(entry.names.label, sizeof entry.names.label, "%s", name ? name : "");
	} else {
		snprintf(entry.type, sizeof entry.type, "%02x",
			 (unsigned)blkid_partition_get_type(partition));
		entry.active = blkid_partition_get_flags(partition) == MBR_ACTIVE;
	}
	*ret_entry = entry;
	return 0;
}

/* A GPT knows the sector of its second copy, at the very end: the surest sign of a cut. */
static int gpt_check(struct image *image, struct err *err)
{
	uint8_t header[GPT_HEADER_BYTES];
	uint64_t other, sectors = image_size_bytes(image) / SECTOR_BYTES;
	int r;

	if (sectors < 2)
		return 0;
	r = image_read(image, SECTOR_BYTES, header, sizeof header, err);
	if (r < 0)
		return r;
	memcpy(&other, header + GPT_OTHER_BYTES, sizeof other);
	other = le64toh(other);
	if (memcmp(header, "EFI PART", 8) == 0 && other >= sectors)
		return err_set(err, -EBADMSG,
			       "%s: its partition table ends at sector %" PRIu64
			       ", the image has %" PRIu64 ": it is cut short",
			       image_path(image), other, sectors);
	return 0;
}

/* No table was found: was there one? */
static int none_check(struct image *image, struct err *err)
{
	uint8_t sector[SECTOR_BYTES];
	int r = image_read(image, 0, sector, sizeof sector, err);

	if (r < 0)
		return r;
	if (sector[510] != 0x55 || sector[511] != 0xaa)
		return 0;
	for (size_t i = 0; i < 4; i++)
		if (sector[MBR_TYPES_BYTES + 16 * i] == MBR_PROTECTIVE)
			return err_set(err, -EBADMSG,
				       "%s: its GPT is damaged, both copies: mend it with gdisk or "
				       "make the image anew",
				       image_path(image));
	return 0;
}

static int list_read(struct image *image, blkid_partlist list, struct table *table, struct err *err)
{
	int count = blkid_partlist_numof_partitions(list);

	for (int i = 0; i < count; i++) {
		if (table->count == sizeof table->entries / sizeof table->entries[0])
			return err_set(err, -EBADMSG, "%s: has more than %zu partitions",
				       image_path(image), table->count);
		int r = entry_read(image, blkid_partlist_get_partition(list, i), table->kind,
				   &table->entries[table->count], err);
		if (r < 0)
			return r;
		table->count++;
	}
	return 0;
}

int table_read(struct image *image, struct table *ret_table, struct err *err)
{
	CLEANUP(probe_cleanup) blkid_probe probe = blkid_new_probe();
	blkid_partlist list = NULL;
	const struct extent whole = { 0, image_size_bytes(image) };
	CLEANUP(fd_cleanup) int fd = -1;
	const char *type = "";
	uint64_t offset;
	int r = gpt_check(image, err);

	memset(ret_table, 0, sizeof *ret_table);
	if (r == 0)
		r = image_view(image, &whole, &fd, &offset, err);
	if (r < 0)
		return r;
	if (!probe || blkid_probe_set_device(probe, fd, 0, 0) != 0)
		return err_set(err, -EIO, "%s: libblkid cannot read it", image_path(image));
	blkid_probe_enable_superblocks(probe, 0);
	blkid_probe_enable_partitions(probe, 1);
	list = blkid_probe_get_partitions(probe);
	if (list && blkid_partlist_get_table(list))
		type = blkid_parttable_get_type(blkid_partlist_get_table(list));
	if (strcmp(type, "gpt") != 0 && strcmp(type, "dos") != 0)
		return none_check(image, err);
	ret_table->present = true;
	ret_table->kind = strcmp(type, "gpt") == 0 ? TABLE_GPT : TABLE_MBR;
	return list_read(image, list, ret_table, err);
}
