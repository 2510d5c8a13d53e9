/* Where the partitions of a disk lie: arithmetic only, no disk. */
#pragma once
#include "image/image.h"
#include "profile/stack.h"

#define LAYOUT_MAX_PARTITIONS 16

struct layout {
	enum table_kind table;
	uint64_t disk_bytes;
	struct extent partitions[LAYOUT_MAX_PARTITIONS]; /* in the order of the spec */
	size_t partition_count;
	/* Where core.img goes: LBA 1 up to the first partition for MBR; the BIOS boot partition
	 * that GPT gets by itself (not in partitions). */
	struct extent boot_area;
};

/* Can the table hold these partitions, wherever they lie? -EINVAL with the reason. */
int layout_check(const struct disk_spec *spec, struct err *err);
/* 1 MiB alignment; checks first. -EINVAL, with both sizes named, if they do not fit. */
int layout_plan(const struct disk_spec *spec, struct layout *ret_layout, struct err *err);
