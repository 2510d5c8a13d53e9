/* The folder in memory that base trees are made in, and temporary ones: what a killed build left
 * goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/memory_folder.h"
#include "os/work_folder.h"

/* The number of a process that was. */
static pid_t ended_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

static char *folder_of(pid_t pid)
{
	return str_format("%s/nestctl-%u-%d", MEMORY_FOLDER, (unsigned)geteuid(), (int)pid);
}

static void tree_put(const char *folder)
{
	CLEANUP(free_cleanup) char *inner = path_join(folder, "tree/usr");
	CLEANUP(free_cleanup) char *file = path_join(inner, "file");

	assert_int_equal(dir_make(inner, 0700, NULL), 0);
	assert_int_equal(file_write(file, "x", 1, 0600, NULL), 0);
}

/* The same under its name at once: another nestctl may take it away at any moment. */
static void tree_leave(const char *folder)
{
	CLEANUP(free_cleanup)
	char *made = str_format("%s/nestctl-test-%d-new", MEMORY_FOLDER, (int)getpid());

	tree_put(made);
	assert_int_equal(rename(made, folder), 0);
}

static void test_left_over(void **state)
{
	CLEANUP(free_cleanup) char *dead = folder_of(ended_process());
	CLEANUP(free_cleanup) char *alive = folder_of(getppid());
	CLEANUP(free_cleanup)
	char *foreign = str_format("%s/nestctl-test-%d", MEMORY_FOLDER, (int)getpid());
	char *folder = NULL;

	(void)state;
	unsetenv("TMPDIR");
	if (!memory_folder(1))
		skip();
	tree_leave(dead);
	tree_put(alive);
	tree_put(foreign);
	work_folder_make(1, &folder);
	assert_non_null(folder);
	assert_false(path_exists(dead));
	assert_true(path_exists(alive));
	assert_true(path_exists(foreign));
	tree_put(folder);
	CLEANUP(free_cleanup) char *name = str_copy(folder);
	work_folder_cleanup(&folder);
	assert_false(path_exists(name));
	assert_int_equal(tree_remove(alive, NULL), 0);
	assert_int_equal(tree_remove(foreign, NULL), 0);
}

/* Where others than processes of this machine may be at work nothing young goes. */
static void test_left_over_on_disk(void **state)
{
	const struct timespec old[] = { { .tv_sec = 1700000000 }, { .tv_sec = 1700000000 } };
	CLEANUP(free_cleanup) char *above = NULL;
	CLEANUP(free_cleanup) char *folder = NULL;
	char *left[2];

	(void)state;
	assert_int_equal(temp_dir(NULL, &above, NULL), 0);
	for (int young = 0; young < 2; young++) {
		left[young] = str_format("%s/nestctl-%u-%d-abcdef", above, (unsigned)geteuid(),
					 (int)ended_process());
		tree_put(left[young]);
	}
	assert_int_equal(utimensat(AT_FDCWD, left[0], old, 0), 0);
	assert_int_equal(temp_dir(above, &folder, NULL), 0);
	assert_false(path_exists(left[0]));
	assert_true(path_exists(left[1]));
	assert_int_equal(tree_remove(above, NULL), 0);
	free(left[0]);
	free(left[1]);
}

static void test_no_folder(void **state)
{
	char *folder = NULL;

	(void)state;
	setenv("TMPDIR", "/tmp", 1);
	work_folder_make(1, &folder);
	assert_null(folder);
	unsetenv("TMPDIR");
	work_folder_make(UINT64_MAX, &folder);
	assert_null(folder);
	work_folder_cleanup(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_left_over),
		cmocka_unit_test(test_left_over_on_disk),
		cmocka_unit_test(test_no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
