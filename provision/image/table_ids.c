/* The bytes of MBR and GPT identifiers. Source: UEFI specification 2.10, 5.2.1 (MBR), 5.3.2 (GPT
 * header) and 5.3.3 (entries). */
#include "image/table_ids.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/hash.h"

#define SECTOR_BYTES	    512
#define MBR_SIGNATURE_BYTES 440 /* where it lies */
#define GPT_ENTRY_BYTES	    128
#define GPT_MAX_ENTRIES	    1024

struct gpt_header {
	char magic[8];
	uint32_t revision, header_bytes, header_crc, reserved;
	uint64_t own_sector, other_sector, first_usable, last_usable;
	uint8_t disk_guid[16];
	uint64_t entries_sector;
	uint32_t entry_count, entry_bytes, entries_crc;
} __attribute__((packed));

/* CRC-32 as in IEEE 802.3, reflected. */
static uint32_t crc32_of(const void *data, size_t length)
{
	const uint8_t *bytes = data;
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static int bytes_read(int fd, void *data, size_t length, uint64_t offset, struct err *err)
{
	ssize_t got = fd_pread_all(fd, data, length, offset);

	if (got != (ssize_t)length)
		return err_set(err, -EIO, "reading the new partition table back");
	return 0;
}

static int bytes_write(int fd, const void *data, size_t length, uint64_t offset, struct err *err)
{
	int r = fd_pwrite_all(fd, data, length, offset);

	return r < 0 ? err_errno(err, -r, "writing the identifiers of the partition table") : 0;
}

/* A GUID has its first three fields in little endian; hash_uuid gives the order of RFC 4122. */
static void guid_make(const char *name, uint8_t ret_guid[16])
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	uint8_t uuid[16];

	hash_uuid(name, uuid);
	for (size_t i = 0; i < sizeof uuid; i++)
		ret_guid[i] = uuid[order[i]];
}

static int mbr_set(int fd, const char *disk_id, struct err *err)
{
	CLEANUP(free_cleanup) char *name = str_format("%s/mbr", disk_id);
	uint8_t uuid[16];

	hash_uuid(name, uuid);
	if (memcmp(uuid, "\0\0\0\0", 4) == 0)
		uuid[0] = 1; /* 0 says: there is none */
	return bytes_write(fd, uuid, 4, MBR_SIGNATURE_BYTES, err);
}

static int gpt_copy_set(int fd, uint64_t sector, const char *disk_id, struct err *err)
{
	uint8_t block[SECTOR_BYTES];
	struct gpt_header *header = (struct gpt_header *)(void *)block;
	int r = bytes_read(fd, block, sizeof block, sector * SECTOR_BYTES, err);

	if (r < 0)
		return r;
	uint32_t count = le32toh(header->entry_count);
	if (memcmp(header->magic, "EFI PART", 8) != 0 || count > GPT_MAX_ENTRIES ||
	    le32toh(header->entry_bytes) != GPT_ENTRY_BYTES ||
	    le32toh(header->header_bytes) > sizeof block)
		return err_set(err, -EBADMSG, "the new partition table is no GPT");

	size_t length = (size_t)count * GPT_ENTRY_BYTES;
	uint64_t offset = le64toh(header->entries_sector) * SECTOR_BYTES;
	CLEANUP(free_cleanup) uint8_t *entries = mem_alloc(length);
	r = bytes_read(fd, entries, length, offset, err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < count; i++) {
		static const uint8_t unused[16];
		uint8_t *entry = entries + (size_t)i * GPT_ENTRY_BYTES;
		CLEANUP(free_cleanup)
		char *name = str_format("%s/partition%" PRIu32, disk_id, i + 1);

		if (memcmp(entry, unused, sizeof unused) != 0)
			guid_make(name, entry + 16); /* behind the type GUID */
	}
	CLEANUP(free_cleanup) char *disk_name = str_format("%s/gpt", disk_id);
	guid_make(disk_name, header->disk_guid);
	header->entries_crc = htole32(crc32_of(entries, length));
	header->header_crc = 0;
	header->header_crc = htole32(crc32_of(header, le32toh(header->header_bytes)));
	r = bytes_write(fd, entries, length, offset, err);
	return r < 0 ? r : bytes_write(fd, block, sizeof block, sector * SECTOR_BYTES, err);
}

int table_set_ids(int fd, enum table_kind kind, const char *disk_id, struct err *err)
{
	struct stat status;
	int r;

	if (kind == TABLE_MBR)
		return mbr_set(fd, disk_id, err);
	if (fstat(fd, &status) < 0)
		return err_errno(err, errno, "examining the partition table");
	r = gpt_copy_set(fd, 1, disk_id, err);
	if (r == 0)
		r = gpt_copy_set(fd, (uint64_t)status.st_size / SECTOR_BYTES - 1, disk_id, err);
	return r;
}
