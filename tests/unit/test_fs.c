/* Copies between file systems, and the folder in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/memory_folder.h"

#define FILE_BYTES (1u << 20)
#define DATA_AT	   300000
#define DATA_BYTES 200001

/* A file with a hole before its data and one behind. */
static void holed_file_make(int fd, char *ret_text)
{
	memset(ret_text, 0, FILE_BYTES);
	for (size_t i = 0; i < DATA_BYTES; i++)
		ret_text[DATA_AT + i] = (char)(i % 251 + 1);
	assert_int_equal(ftruncate(fd, FILE_BYTES), 0);
	assert_int_equal(pwrite(fd, ret_text + DATA_AT, DATA_BYTES, DATA_AT), DATA_BYTES);
}

static void copy_check(int from, int to, const char *text)
{
	static char copied[FILE_BYTES];
	struct stat status;

	assert_int_equal(file_copy_sparse(from, to, NULL), 0);
	assert_int_equal(pread(to, copied, FILE_BYTES, 0), FILE_BYTES);
	assert_memory_equal(copied, text, FILE_BYTES);
	assert_int_equal(fstat(to, &status), 0);
	assert_in_range(status.st_blocks * 512, DATA_BYTES, FILE_BYTES / 2);
	close(from);
	close(to);
}

/* From a file system on a disk to memory and back, where the kernel copies nothing by itself. */
static void test_copy_between_file_systems(void **state)
{
	static char text[FILE_BYTES];
	int disk[2], memory[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		disk[i] = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		memory[i] = memfd_create("copy", MFD_CLOEXEC);
		assert_true(disk[i] >= 0 && memory[i] >= 0);
	}
	holed_file_make(disk[0], text);
	copy_check(disk[0], memory[0], text);
	holed_file_make(memory[1], text);
	copy_check(memory[1], disk[1], text);
}

static void test_memory_folder(void **state)
{
	const char *folder = memory_folder(1);

	(void)state;
	assert_true(memory_available_bytes() > 0);
	assert_null(memory_folder(memory_available_bytes()));
	assert_null(memory_folder(UINT64_MAX));
	if (folder)
		assert_string_equal(folder, "/dev/shm");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy_between_file_systems),
		cmocka_unit_test(test_memory_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
