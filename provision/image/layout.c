/* The arithmetic of partitions: sizes in, places out. It knows neither disks nor libraries. */
#include "image/layout.h"

#include <errno.h>
#include <string.h>

#define ALIGNMENT_BYTES	   (UINT64_C(1) << 20)
#define SECTOR_BYTES	   UINT64_C(512)
#define BOOT_AREA_BYTES	   ALIGNMENT_BYTES
#define GPT_BACKUP_BYTES   (33 * SECTOR_BYTES) /* 32 sectors of entries and the header; UEFI 5.3 */
#define MBR_MAX_PARTITIONS 4
#define MBR_MAX_BYTES	   ((UINT64_C(1) << 32) * SECTOR_BYTES) /* 32-bit sector numbers */

static uint64_t round_down(uint64_t bytes)
{
	return bytes & ~(ALIGNMENT_BYTES - 1);
}

/* Saturates, so that no size makes the sum small again. */
static uint64_t add_rounded_up(uint64_t sum, uint64_t bytes)
{
	if (bytes > INT64_MAX || sum > INT64_MAX)
		return INT64_MAX;
	return sum + round_down(bytes + ALIGNMENT_BYTES - 1);
}

int layout_check(const struct disk_spec *spec, struct err *err)
{
	size_t max = spec->table == TABLE_MBR ? MBR_MAX_PARTITIONS : LAYOUT_MAX_PARTITIONS;
	size_t rests = 0;

	if (spec->partition_count > max)
		return err_set(err, -EINVAL,
			       "%zu partitions: a disk with %s takes at most %zu; leave some out%s",
			       spec->partition_count, table_kind_name(spec->table), max,
			       spec->table == TABLE_MBR ? " or use gpt" : "");
	for (size_t i = 0; i < spec->partition_count; i++) {
		if (spec->partitions[i].size_bytes == PARTITION_REST)
			rests++;
		else if (spec->partitions[i].size_bytes == 0)
			return err_set(err, -EINVAL, "partition %zu: has no size", i + 1);
	}
	if (rests > 1)
		return err_set(err, -EINVAL,
			       "%zu partitions ask for the rest of the disk: one can have it",
			       rests);
	return 0;
}

/* What the partitions with a size take, and whether one takes the rest. */
static uint64_t fixed_bytes(const struct disk_spec *spec, bool *ret_has_rest)
{
	uint64_t sum = 0;

	*ret_has_rest = false;
	for (size_t i = 0; i < spec->partition_count; i++) {
		if (spec->partitions[i].size_bytes == PARTITION_REST)
			*ret_has_rest = true;
		else
			sum = add_rounded_up(sum, spec->partitions[i].size_bytes);
	}
	return sum;
}

static int check_mbr_reach(const struct layout *layout, struct err *err)
{
	for (size_t i = 0; i < layout->partition_count; i++) {
		const struct extent *where = &layout->partitions[i];

		if (where->start_bytes >= MBR_MAX_BYTES || where->size_bytes >= MBR_MAX_BYTES) {
			CLEANUP(free_cleanup) char *size = size_format(where->size_bytes);

			return err_set(err, -EINVAL,
				       "partition %zu: %s at byte %ju is beyond the 2TiB that mbr "
				       "can name: use gpt",
				       i + 1, size, (uintmax_t)where->start_bytes);
		}
	}
	return 0;
}

int layout_plan(const struct disk_spec *spec, struct layout *ret_layout, struct err *err)
{
	struct layout layout = { .table = spec->table, .disk_bytes = spec->size_bytes };
	uint64_t start = ALIGNMENT_BYTES, end = spec->size_bytes;
	bool has_rest;
	int r = layout_check(spec, err);

	if (r < 0)
		return r;
	if (spec->table == TABLE_GPT) {
		layout.boot_area = (struct extent){ start, BOOT_AREA_BYTES };
		start += BOOT_AREA_BYTES;
		end -= end < GPT_BACKUP_BYTES ? end : GPT_BACKUP_BYTES;
	} else {
		layout.boot_area = (struct extent){ SECTOR_BYTES, start - SECTOR_BYTES };
	}
	end = round_down(end);

	uint64_t fixed = fixed_bytes(spec, &has_rest);
	uint64_t needed = add_rounded_up(fixed, has_rest ? ALIGNMENT_BYTES : 0);
	uint64_t room = end > start ? end - start : 0;
	if (needed > room || spec->size_bytes > INT64_MAX) {
		CLEANUP(free_cleanup) char *want = size_format(needed);
		CLEANUP(free_cleanup) char *have = size_format(room);
		CLEANUP(free_cleanup) char *disk = size_format(spec->size_bytes);

		return err_set(err, -EINVAL,
			       "the partitions take %s%s, but a disk of %s with %s has room for "
			       "%s: make the disk larger or the partitions smaller",
			       want, has_rest ? " at least" : "", disk,
			       table_kind_name(spec->table), have);
	}

	for (size_t i = 0; i < spec->partition_count; i++) {
		uint64_t size = spec->partitions[i].size_bytes;

		size = size == PARTITION_REST ? room - fixed : add_rounded_up(0, size);
		layout.partitions[layout.partition_count++] = (struct extent){ start, size };
		start += size;
	}
	if (spec->table == TABLE_MBR)
		r = check_mbr_reach(&layout, err);
	if (r == 0)
		*ret_layout = layout;
	return r;
}
