/* In the gap before the first partition, because it must be there with the partition table, not a
 * moment later: a file in the root file system could be written only when the table is, and power
 * may fail in between.
 */
#include "pxe/disk_mark.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fs.h"

#define MAGIC	     "nestctl: an install that is not finished\n"
#define SECTOR_BYTES DISK_MARK_BYTES
#define HEAD_BYTES   ((size_t)1 << 20)

#define MBR_ENTRY_AT	446
#define MBR_ENTRY_BYTES 16
#define MBR_GPT		0xee
/* UEFI specification, 5.3: as everybody writes them. */
#define GPT_ENTRIES_AT	  1024
#define GPT_ENTRIES	  128
#define GPT_ENTRY_BYTES	  128
#define GPT_FIRST_LBA_AT  32
#define GPT_USABLE_SECTOR 34

int disk_mark_owner(const char *ca_path, const char *machine, char ret_owner[HASH_HEX_LENGTH + 1],
		    struct err *err)
{
	char authority[HASH_HEX_LENGTH + 1];
	int r = hash_file(ca_path, authority, err);

	if (r < 0)
		return r;
	struct hash *hash = hash_new();
	hash_field(hash, "authority", authority);
	hash_field(hash, "machine", machine);
	hash_finish_hex(hash, ret_owner);
	return 0;
}

static void mark_text(const char *owner, char ret_sector[SECTOR_BYTES])
{
	memset(ret_sector, 0, SECTOR_BYTES);
	snprintf(ret_sector, SECTOR_BYTES, "%s%s\n", MAGIC, owner);
}

static uint64_t earlier(uint64_t first, uint64_t other)
{
	return other && other < first ? other : first;
}

/* The sectors that belong to nobody; a boot loader may have some of them. */
static void gap_find(const char *head, size_t length, uint64_t *ret_begin, uint64_t *ret_end)
{
	bool gpt = false;

	*ret_begin = 1;
	*ret_end = length / SECTOR_BYTES;
	for (size_t i = 0; i < 4; i++) {
		const char *entry = head + MBR_ENTRY_AT + i * MBR_ENTRY_BYTES;
		uint32_t first;

		memcpy(&first, entry + 8, sizeof first);
		if ((uint8_t)entry[4] == MBR_GPT)
			gpt = true;
		else if (entry[4])
			*ret_end = earlier(*ret_end, le32toh(first));
	}
	if (!gpt)
		return;
	*ret_begin = GPT_USABLE_SECTOR;
	for (size_t i = 0; i < GPT_ENTRIES; i++) {
		const char *entry = head + GPT_ENTRIES_AT + i * GPT_ENTRY_BYTES;
		uint64_t first;

		memcpy(&first, entry + GPT_FIRST_LBA_AT, sizeof first);
		*ret_end = earlier(*ret_end, le64toh(first));
	}
}

size_t disk_mark_put(char *head, size_t length, const char *owner)
{
	uint64_t begin, end;

	if (length < HEAD_BYTES)
		return 0;
	gap_find(head, length, &begin, &end);
	for (uint64_t i = end; i-- > begin;) {
		if (!mem_is_zero(head + i * SECTOR_BYTES, SECTOR_BYTES))
			continue;
		mark_text(owner, head + i * SECTOR_BYTES);
		return i * SECTOR_BYTES;
	}
	return 0;
}

/* The first sector from there on; length: none. */
static size_t mark_find(const char *head, size_t length, size_t from, const char *owner)
{
	char mark[SECTOR_BYTES];

	mark_text(owner, mark);
	for (size_t at = from; at + SECTOR_BYTES <= length; at += SECTOR_BYTES)
		if (memcmp(head + at, mark, SECTOR_BYTES) == 0)
			return at;
	return length;
}

bool disk_mark_is(const char *head, size_t length, const char *owner)
{
	return mark_find(head, length, 0, owner) < length;
}

int disk_mark_clear(const char *path, const char *owner, struct err *err)
{
	CLEANUP(fd_cleanup) int disk = open(path, O_RDWR | O_CLOEXEC);
	CLEANUP(free_cleanup) char *head = mem_alloc(HEAD_BYTES);
	ssize_t length = disk < 0 ? -errno : fd_pread_all(disk, head, HEAD_BYTES, 0);
	int r = length < 0 ? (int)length : 0;

	for (size_t at = 0; r == 0; at += SECTOR_BYTES) {
		at = mark_find(head, (size_t)length, at, owner);
		if (at >= (size_t)length)
			break;
		memset(head + at, 0, SECTOR_BYTES);
		r = fd_pwrite_all(disk, head + at, SECTOR_BYTES, at);
	}
	if (r == 0 && fsync(disk) < 0)
		r = -errno;
	return r < 0 ? err_errno(err, -r, "%s: the mark of the install cannot be removed", path)
		     : 0;
}
