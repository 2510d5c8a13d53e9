#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fs.h"
#include "base/hash.h"
#include "bundle/pack.h"

struct fixture {
	char *folder, *tree, *packed;
};

/* tree/b (runs), tree/a/c, empty */
static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);

	*state = fixture;
	if (!fixture || temp_dir(NULL, &fixture->folder, NULL) < 0)
		return -1;
	fixture->tree = path_join(fixture->folder, "tree");
	fixture->packed = path_join(fixture->folder, "x.tar.zst");
	CLEANUP(free_cleanup) char *inner = path_join(fixture->tree, "a");
	CLEANUP(free_cleanup) char *program = path_join(fixture->tree, "b");
	CLEANUP(free_cleanup) char *empty = path_join(inner, "c");
	if (dir_make(inner, 0700, NULL) < 0 || file_write(program, "run", 3, 0700, NULL) < 0)
		return -1;
	return file_write(empty, "", 0, 0600, NULL);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	tree_remove(fixture->folder, NULL);
	free(fixture->folder);
	free(fixture->tree);
	free(fixture->packed);
	free(fixture);
	return 0;
}

static void pack_once(const struct fixture *fixture, char ret_hash[HASH_HEX_LENGTH + 1])
{
	CLEANUP(pack_cleanup) struct pack *pack = NULL;
	uint64_t bytes = 0;

	unlink(fixture->packed);
	assert_int_equal(pack_open(fixture->packed, &pack, NULL), 0);
	assert_int_equal(pack_tree(pack, fixture->tree, "top", NULL), 0);
	assert_false(path_exists(fixture->packed));
	assert_int_equal(pack_publish(pack, &bytes, NULL), 0);
	assert_int_equal(hash_file(fixture->packed, ret_hash, NULL), 0);
	struct stat status;
	assert_int_equal(stat(fixture->packed, &status), 0);
	assert_true(bytes == (uint64_t)status.st_size);
}

static void the_same_files_give_the_same_bytes(void **state)
{
	const struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *program = path_join(fixture->tree, "b");
	char hashes[2][HASH_HEX_LENGTH + 1] = { "", "" };
	const struct timespec long_ago[2] = { { 1000, 5 }, { 1000, 5 } };

	pack_once(fixture, hashes[0]);
	assert_int_equal(utimensat(AT_FDCWD, program, long_ago, 0), 0);
	pack_once(fixture, hashes[1]);
	assert_string_equal(hashes[0], hashes[1]);
}

static void entries_are_sorted_and_readable(void **state)
{
	static const struct {
		const char *name;
		unsigned type, mode;
		int64_t bytes;
	} expected[] = {
		{ "top/", AE_IFDIR, 0755, 0 },
		{ "top/a/", AE_IFDIR, 0755, 0 },
		{ "top/a/c", AE_IFREG, 0644, 0 },
		{ "top/b", AE_IFREG, 0755, 3 },
	};
	const struct fixture *fixture = *state;
	char hash[HASH_HEX_LENGTH + 1];
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;

	pack_once(fixture, hash);
	archive_read_support_filter_zstd(archive);
	archive_read_support_format_tar(archive);
	assert_int_equal(archive_read_open_filename(archive, fixture->packed, 4096), ARCHIVE_OK);
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_OK);
		assert_string_equal(archive_entry_pathname(entry), expected[i].name);
		assert_int_equal(archive_entry_filetype(entry), expected[i].type);
		assert_int_equal(archive_entry_perm(entry), expected[i].mode);
		assert_int_equal(archive_entry_size(entry), expected[i].bytes);
		assert_int_equal(archive_entry_mtime(entry), 0);
		assert_int_equal(archive_entry_uid(entry), 0);
	}
	assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_EOF);
	archive_read_free(archive);
}

/* What is neither file nor folder is refused; nothing is left of the archive. */
static void what_cannot_be_packed_leaves_nothing(void **state)
{
	const struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *pipe = path_join(fixture->tree, "pipe");
	CLEANUP(free_cleanup) char *missing = path_join(fixture->tree, "missing");
	CLEANUP(free_cleanup) char *left = str_format("%s.tmp-%d", fixture->packed, getpid());
	struct pack *pack = NULL;
	struct err err = { 0 };

	unlink(fixture->packed);
	assert_int_equal(pack_open(fixture->packed, &pack, &err), 0);
	assert_true(path_exists(left));
	CLEANUP(free_cleanup) char *no_file = str_format("%s: is no file", fixture->tree);
	assert_int_equal(pack_file(pack, fixture->tree, "x", &err), -EINVAL);
	assert_string_equal(err.text, no_file);
	CLEANUP(free_cleanup)
	char *not_there = str_format("%s: cannot be read: No such file or directory", missing);
	assert_int_equal(pack_file(pack, missing, "x", &err), -ENOENT);
	assert_string_equal(err.text, not_there);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	CLEANUP(free_cleanup) char *no_pipe = str_format("%s: is no file", pipe);
	assert_int_equal(pack_tree(pack, fixture->tree, "top", &err), -EINVAL);
	assert_string_equal(err.text, no_pipe);
	unlink(pipe);
	err_clear(&err);
	pack_cleanup(&pack);
	assert_false(path_exists(fixture->packed));
	assert_false(path_exists(left));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_files_give_the_same_bytes),
		cmocka_unit_test(entries_are_sorted_and_readable),
		cmocka_unit_test(what_cannot_be_packed_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
