/* Copies between file systems, and the folder in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
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

/* A copy to a path that fails says of what, and leaves nothing there. */
static void test_copy_that_fails(void **state)
{
	CLEANUP(free_cleanup) char *folder = NULL;
	CLEANUP(fd_cleanup) int memory = memfd_create("copy", MFD_CLOEXEC);
	struct rlimit old, small;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(temp_dir(NULL, &folder, NULL), 0);
	CLEANUP(free_cleanup) char *missing = path_join(folder, "missing");
	CLEANUP(free_cleanup) char *to = path_join(folder, "to");
	CLEANUP(free_cleanup)
	char *wanted = str_format("%s: cannot be opened: No such file or directory", missing);
	assert_int_equal(file_copy_new(missing, to, 0600, &err), -ENOENT);
	assert_string_equal(err.text, wanted);
	assert_false(path_exists(to));
	err_clear(&err);

	CLEANUP(free_cleanup) char *from = str_format("/proc/self/fd/%d", memory);
	CLEANUP(free_cleanup)
	char *large = str_format("%s to %s: copying a file: File too large", from, to);
	assert_int_equal(ftruncate(memory, FILE_BYTES), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ FILE_BYTES / 2, old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int r = file_copy_new(from, to, 0600, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(r, -EFBIG);
	assert_string_equal(err.text, large);
	assert_false(path_exists(to));
	err_clear(&err);
	assert_int_equal(rmdir(folder), 0);
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

/* As root a device would be gone for everybody. */
static void test_what_is_no_file_is_not_replaced(void **state)
{
	char folder[] = "/tmp/nestctl-test-fs-XXXXXX", text[8] = "";
	CLEANUP(free_cleanup) char *pipe = NULL;
	struct stat status;

	(void)state;
	assert_non_null(mkdtemp(folder));
	pipe = path_join(folder, "pipe");
	assert_int_equal(mkfifo(pipe, 0600), 0);
	CLEANUP(fd_cleanup) int fd = open(pipe, O_RDWR | O_CLOEXEC);
	assert_int_equal(file_write(pipe, "new", 3, 0600, NULL), -EINVAL);
	assert_int_equal(file_check_out(pipe, NULL), 0);
	assert_int_equal(file_write_out(pipe, "new", 3, 0600, NULL), 0);
	assert_int_equal(read(fd, text, sizeof text), 3);
	assert_string_equal(text, "new");
	assert_int_equal(lstat(pipe, &status), 0);
	assert_true(S_ISFIFO(status.st_mode));
	assert_int_equal(tree_remove(folder, NULL), 0);
}

static void test_where_nothing_can_be_written(void **state)
{
	(void)state;
	assert_int_equal(file_check_out("/", NULL), -EISDIR);
	assert_int_equal(file_check_out("/nonexistent/x", NULL), -ENOENT);
	assert_int_equal(file_check_out("/dev/null/x", NULL), -ENOTDIR);
	assert_int_equal(file_check_out("new", NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy_between_file_systems),
		cmocka_unit_test(test_copy_that_fails),
		cmocka_unit_test(test_what_is_no_file_is_not_replaced),
		cmocka_unit_test(test_where_nothing_can_be_written),
		cmocka_unit_test(test_memory_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
