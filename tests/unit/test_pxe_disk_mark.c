/* Where the mark of an install goes, and whose it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/fs.h"
#include "pxe/disk_mark.h"

#define HEAD ((size_t)1 << 20)
#define OURS "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ELSE "10112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static char *mbr(uint8_t type, uint8_t first_sector)
{
	char *head = mem_alloc(HEAD);

	head[446 + 4] = (char)type;
	head[446 + 8] = (char)first_sector;
	return head;
}

static void in_the_last_sector(void **state)
{
	CLEANUP(free_cleanup) char *head = mbr(0x83, 0);

	(void)state;
	assert_int_equal(disk_mark_put(head, HEAD, OURS), HEAD - 512);
	assert_true(disk_mark_is(head, HEAD, OURS));
	assert_false(disk_mark_is(head, HEAD, ELSE));
}

/* Old tables begin their first partition at sector 63, and a boot loader lies before it. */
static void before_the_first_partition(void **state)
{
	CLEANUP(free_cleanup) char *head = mbr(0x83, 63);

	(void)state;
	memset(head + 62 * 512, 1, 512);
	assert_int_equal(disk_mark_put(head, HEAD, OURS), 61 * 512);
	memset(head + 512, 1, 62 * 512);
	assert_int_equal(disk_mark_put(head, HEAD, OURS), 0);
	assert_false(disk_mark_is(head, HEAD, OURS));
}

/* Empty entries of a GPT are nobody's to fill. */
static void behind_the_entries_of_a_gpt(void **state)
{
	CLEANUP(free_cleanup) char *head = mbr(0xee, 1);

	(void)state;
	head[1024 + 32] = 40;
	assert_int_equal(disk_mark_put(head, HEAD, OURS), 39 * 512);
	memset(head + 34 * 512, 1, 6 * 512);
	assert_int_equal(disk_mark_put(head, HEAD, OURS), 0);
}

static void owners_differ(void **state)
{
	CLEANUP(free_cleanup) char *folder = NULL;
	char first[HASH_HEX_LENGTH + 1], again[HASH_HEX_LENGTH + 1], other[HASH_HEX_LENGTH + 1];

	(void)state;
	assert_int_equal(temp_dir(NULL, &folder, NULL), 0);
	CLEANUP(free_cleanup) char *ca = path_join(folder, "ca");
	assert_int_equal(file_write(ca, "one", 3, 0600, NULL), 0);
	assert_int_equal(disk_mark_owner(ca, "r1", first, NULL), 0);
	assert_int_equal(disk_mark_owner(ca, "r1", again, NULL), 0);
	assert_string_equal(first, again);
	assert_int_equal(disk_mark_owner(ca, "r2", other, NULL), 0);
	assert_string_not_equal(first, other);
	assert_int_equal(file_write(ca, "two", 3, 0600, NULL), 0);
	assert_int_equal(disk_mark_owner(ca, "r1", other, NULL), 0);
	assert_string_not_equal(first, other);
	tree_remove(folder, NULL);
	assert_true(disk_mark_owner(ca, "r1", other, NULL) < 0);
}

static void taken_off(void **state)
{
	CLEANUP(free_cleanup) char *folder = NULL;
	CLEANUP(free_cleanup) char *head = mbr(0x83, 0), *before = mbr(0x83, 0), *after = NULL;
	size_t length = 0;

	(void)state;
	assert_int_equal(temp_dir(NULL, &folder, NULL), 0);
	CLEANUP(free_cleanup) char *path = path_join(folder, "disk");
	disk_mark_put(head, HEAD, OURS);
	assert_int_equal(file_write(path, head, HEAD, 0600, NULL), 0);
	assert_int_equal(disk_mark_clear(path, ELSE, NULL), 0);
	assert_int_equal(file_read(path, HEAD, &after, &length, NULL), 0);
	assert_memory_equal(after, head, HEAD);
	free(take(&after));
	assert_int_equal(disk_mark_clear(path, OURS, NULL), 0);
	assert_int_equal(file_read(path, HEAD, &after, &length, NULL), 0);
	assert_memory_equal(after, before, HEAD);
	tree_remove(folder, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_the_last_sector),
		cmocka_unit_test(before_the_first_partition),
		cmocka_unit_test(behind_the_entries_of_a_gpt),
		cmocka_unit_test(owners_differ),
		cmocka_unit_test(taken_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
