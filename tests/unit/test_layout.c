/* Where partitions lie, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "image/layout.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

static int plan(enum table_kind table, uint64_t disk, const uint64_t *sizes, size_t count,
		struct layout *ret_layout, struct err *err)
{
	struct partition_spec partitions[32] = { 0 };
	struct disk_spec spec = {
		.size_bytes = disk,
		.table = table,
		.partitions = partitions,
		.partition_count = count,
	};

	for (size_t i = 0; i < count; i++)
		partitions[i].size_bytes = sizes[i];
	return layout_plan(&spec, ret_layout, err);
}

static void assert_extent(const struct extent *where, uint64_t start, uint64_t size)
{
	assert_int_equal(where->start_bytes, start);
	assert_int_equal(where->size_bytes, size);
}

static void assert_refused(enum table_kind table, uint64_t disk, const uint64_t *sizes,
			   size_t count, const char *message)
{
	struct layout layout = { .disk_bytes = 42 };
	struct err err = { 0 };

	assert_int_equal(plan(table, disk, sizes, count, &layout, &err), -EINVAL);
	assert_string_equal(err.text, message);
	assert_int_equal(layout.disk_bytes, 42); /* outputs are assigned last */
	err_clear(&err);
}

static void test_mbr(void **state)
{
	static const uint64_t sizes[] = { 512 * MIB, PARTITION_REST };
	struct layout layout;

	(void)state;
	assert_int_equal(plan(TABLE_MBR, 12 * GIB, sizes, 2, &layout, NULL), 0);
	assert_extent(&layout.partitions[0], MIB, 512 * MIB);
	assert_extent(&layout.partitions[1], 513 * MIB, 12 * GIB - 513 * MIB);
	assert_extent(&layout.boot_area, 512, MIB - 512);
	assert_int_equal(layout.partition_count, 2);
}

static void test_gpt(void **state)
{
	static const uint64_t sizes[] = { PARTITION_REST, 512 * MIB };
	struct layout layout;

	(void)state;
	assert_int_equal(plan(TABLE_GPT, 4 * GIB, sizes, 2, &layout, NULL), 0);
	assert_extent(&layout.boot_area, MIB, MIB);
	/* The last MiB holds the second copy of the table. */
	assert_extent(&layout.partitions[0], 2 * MIB, 4 * GIB - 515 * MIB);
	assert_extent(&layout.partitions[1], 4 * GIB - 513 * MIB, 512 * MIB);
}

static void test_rounds_up(void **state)
{
	static const uint64_t sizes[] = { 1, MIB + 1, PARTITION_REST };
	struct layout layout;

	(void)state;
	assert_int_equal(plan(TABLE_MBR, 8 * MIB + 511, sizes, 3, &layout, NULL), 0);
	assert_extent(&layout.partitions[0], MIB, MIB);
	assert_extent(&layout.partitions[1], 2 * MIB, 2 * MIB);
	assert_extent(&layout.partitions[2], 4 * MIB, 4 * MIB);
}

static void test_exact_fit(void **state)
{
	static const uint64_t sizes[] = { 3 * MIB, 4 * MIB };
	struct layout layout;

	(void)state;
	assert_int_equal(plan(TABLE_MBR, 8 * MIB, sizes, 2, &layout, NULL), 0);
	assert_int_equal(plan(TABLE_GPT, 10 * MIB, sizes, 2, &layout, NULL), 0);
	assert_refused(
		TABLE_GPT, 9 * MIB + 16 * KIB, sizes, 2,
		"the partitions take 7MiB, but a disk of 9232KiB with gpt has room for 6MiB: "
		"make the disk larger or the partitions smaller");
	assert_refused(
		TABLE_MBR, 8 * MIB - 512, sizes, 2,
		"the partitions take 7MiB, but a disk of 8388096 with mbr has room for 6MiB: "
		"make the disk larger or the partitions smaller");
}

static void test_no_room(void **state)
{
	static const uint64_t rest[] = { 7 * MIB, PARTITION_REST };
	static const uint64_t huge[] = { UINT64_MAX - 1, INT64_MAX, INT64_MAX };

	(void)state;
	assert_refused(
		TABLE_MBR, 8 * MIB, rest, 2,
		"the partitions take 8MiB at least, but a disk of 8MiB with mbr has room for "
		"7MiB: make the disk larger or the partitions smaller");
	assert_refused(
		TABLE_MBR, 0, rest, 1,
		"the partitions take 7MiB, but a disk of 0 with mbr has room for 0: make the "
		"disk larger or the partitions smaller");
	/* A sum that wraps must not look small. */
	assert_refused(
		TABLE_GPT, GIB, huge, 3,
		"the partitions take 9223372036854775807, but a disk of 1GiB with gpt has room "
		"for 1021MiB: make the disk larger or the partitions smaller");
}

static void test_counts(void **state)
{
	static const uint64_t five[] = { MIB, MIB, MIB, MIB, MIB };
	static const uint64_t rests[] = { PARTITION_REST, MIB, PARTITION_REST };
	static const uint64_t none[] = { MIB, 0 };
	uint64_t many[17];
	struct layout layout;

	(void)state;
	for (size_t i = 0; i < 17; i++)
		many[i] = MIB;
	assert_refused(TABLE_MBR, GIB, five, 5,
		       "5 partitions: a disk with mbr takes at most 4; leave some out or use gpt");
	assert_int_equal(plan(TABLE_GPT, GIB, many, 16, &layout, NULL), 0);
	assert_refused(TABLE_GPT, GIB, many, 17,
		       "17 partitions: a disk with gpt takes at most 16; leave some out");
	assert_refused(TABLE_GPT, GIB, rests, 3,
		       "2 partitions ask for the rest of the disk: one can have it");
	assert_refused(TABLE_GPT, GIB, none, 2, "partition 2: has no size");
}

static void test_mbr_reach(void **state)
{
	static const uint64_t rest[] = { GIB, PARTITION_REST };
	static const uint64_t far[] = { 2 * TIB - 2 * MIB, GIB, GIB };
	struct layout layout;

	(void)state;
	assert_int_equal(plan(TABLE_GPT, 3 * TIB, rest, 2, &layout, NULL), 0);
	assert_int_equal(plan(TABLE_MBR, 2 * TIB, rest, 2, &layout, NULL), 0);
	assert_refused(TABLE_MBR, 3 * TIB + GIB + MIB, rest, 2,
		       "partition 2: 3TiB at byte 1074790400 is beyond the 2TiB that mbr can "
		       "name: use gpt");
	assert_refused(TABLE_MBR, 3 * TIB, far, 3,
		       "partition 3: 1GiB at byte 2200095948800 is beyond the 2TiB that mbr can "
		       "name: use gpt");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mbr),	  cmocka_unit_test(test_gpt),
		cmocka_unit_test(test_rounds_up), cmocka_unit_test(test_exact_fit),
		cmocka_unit_test(test_no_room),	  cmocka_unit_test(test_counts),
		cmocka_unit_test(test_mbr_reach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
