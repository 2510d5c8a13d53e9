/* A file system in an image: made, filled, edited, read back through our own code. tests/image/
 * holds it against e2fsck and the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "image/fsys_node.h"
#include "image/nested.h"
#include "image/probe.h"
#include "image/swap.h"

#define MIB	    (UINT64_C(1) << 20)
#define IMAGE_BYTES (64 * MIB)
#define FORMAT_TIME 1700000000
#define CHUNK_BYTES 1500
#define CHUNKS	    4000

struct fixture {
	struct image *image;
	struct fsys *fsys;
	struct extent where;
	struct err err;
};

static void assert_done(struct fixture *fixture, int r)
{
	if (r < 0)
		fail_msg("%d: %s", r, fixture->err.text);
}

static void assert_refused(struct fixture *fixture, int r, int wanted, const char *message)
{
	assert_int_equal(r, wanted);
	assert_string_equal(fixture->err.text, message);
	err_clear(&fixture->err);
}

static int setup_kind(void **state, enum filesystem_kind kind)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);
	struct fsys_options options = { .kind = kind,
					.label = "test",
					.time_seconds = FORMAT_TIME };
	int fd = memfd_create("image", MFD_CLOEXEC);

	fixture->where = (struct extent){ MIB, IMAGE_BYTES - MIB };
	memset(options.uuid, 7, sizeof options.uuid);
	assert_done(fixture,
		    image_create(fd, "image", IMAGE_BYTES, &fixture->image, &fixture->err));
	assert_done(fixture, fsys_format(fixture->image, &fixture->where, &options, &fixture->fsys,
					 &fixture->err));
	*state = fixture;
	return 0;
}

static int setup_ext4(void **state)
{
	return setup_kind(state, FILESYSTEM_EXT4);
}

static int setup_ext3(void **state)
{
	return setup_kind(state, FILESYSTEM_EXT3);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	fsys_discard(fixture->fsys);
	image_close(fixture->image);
	err_clear(&fixture->err);
	free(fixture);
	return 0;
}

static void reopen(struct fixture *fixture, bool writable)
{
	assert_done(fixture, fsys_close(take(&fixture->fsys), &fixture->err));
	assert_done(fixture, fsys_open(fixture->image, &fixture->where, writable, &fixture->fsys,
				       &fixture->err));
}

static void assert_content(struct fixture *fixture, const char *path, const char *wanted)
{
	CLEANUP(free_cleanup) char *data = NULL;
	size_t length;

	assert_done(fixture, fsys_read(fixture->fsys, path, MIB, &data, &length, &fixture->err));
	assert_int_equal(length, strlen(wanted));
	assert_string_equal(data, wanted);
}

static void put(struct fixture *fixture, const char *path, const char *data)
{
	assert_done(fixture,
		    fsys_put(fixture->fsys, path, data, strlen(data), NULL, &fixture->err));
}

static void test_put_and_read(void **state)
{
	struct fixture *fixture = *state;
	uint64_t before = fsys_free_bytes(fixture->fsys);

	put(fixture, "/etc/hostname", "one\n");
	put(fixture, "etc//./hostname", "two\n");
	assert_content(fixture, "/etc/../etc/hostname", "two\n");
	reopen(fixture, true);
	assert_content(fixture, "/etc/hostname", "two\n");
	assert_int_equal(before - fsys_free_bytes(fixture->fsys), 2 * 4096);
	put(fixture, "/etc/empty", "");
	assert_content(fixture, "/etc/empty", "");
	assert_true(fsys_exists(fixture->fsys, "/etc/empty"));
	assert_false(fsys_exists(fixture->fsys, "/etc/none"));
	assert_false(fsys_exists(fixture->fsys, "/etc/hostname/none"));
}

static void test_attributes(void **state)
{
	static const struct fsys_attributes wanted = {
		.mode = 04750, .uid = 70000, .gid = 3000000000u, .time_seconds = 1600000000
	};
	struct fixture *fixture = *state;
	struct fsys_attributes got;

	assert_done(fixture, fsys_put(fixture->fsys, "/su", "x", 1, &wanted, &fixture->err));
	put(fixture, "/su", "replaced"); /* mode and owner stay */
	reopen(fixture, true);
	assert_done(fixture, fsys_get_attributes(fixture->fsys, "/su", &got, &fixture->err));
	assert_int_equal(got.mode, S_IFREG | wanted.mode);
	assert_int_equal(got.uid, wanted.uid);
	assert_int_equal(got.gid, wanted.gid);
	assert_int_equal(got.time_seconds, FORMAT_TIME);
	assert_done(fixture, fsys_set_mode(fixture->fsys, "/su", 0600, &fixture->err));
	assert_done(fixture, fsys_get_attributes(fixture->fsys, "/su", &got, &fixture->err));
	assert_int_equal(got.mode, S_IFREG | 0600);
}

static void test_symlinks(void **state)
{
	struct fixture *fixture = *state;
	char slow[201];

	memset(slow, 'x', 200);
	slow[200] = '\0';
	put(fixture, "/usr/lib/os-release", "here");
	assert_done(fixture, fsys_put_symlink(fixture->fsys, "/lib", "usr/lib", &fixture->err));
	assert_done(fixture, fsys_put_symlink(fixture->fsys, "/etc/os-release",
					      "../../../../lib/os-release", &fixture->err));
	assert_done(fixture, fsys_put_symlink(fixture->fsys, "/slow", slow, &fixture->err));
	assert_done(fixture, fsys_put_symlink(fixture->fsys, "/a", "/b", &fixture->err));
	assert_done(fixture, fsys_put_symlink(fixture->fsys, "/b", "a", &fixture->err));
	reopen(fixture, true);
	assert_content(fixture, "/etc/os-release", "here");
	assert_refused(fixture,
		       fsys_read(fixture->fsys, "/a", MIB, &(char *){ 0 }, NULL, &fixture->err),
		       -ELOOP, "/a: too many symlinks");
	put(fixture, "/a", "a file now"); /* the link is replaced, not what it names */
	assert_content(fixture, "/b", "a file now");
}

static void test_refusals(void **state)
{
	struct fixture *fixture = *state;
	struct fsys *fsys = fixture->fsys;
	char name[300];

	memset(name, 'n', sizeof name - 1);
	name[299] = '\0';
	put(fixture, "/dir/file", "x");
	assert_refused(fixture, fsys_remove(fsys, "/dir", &fixture->err), -ENOTEMPTY,
		       "/dir: the folder is not empty: remove what is in it first");
	assert_refused(fixture, fsys_remove(fsys, "/", &fixture->err), -EINVAL,
		       "/: the root folder cannot be removed");
	assert_refused(fixture, fsys_put(fsys, "/dir", "x", 1, NULL, &fixture->err), -EISDIR,
		       "putting /dir: /dir: is a folder and stays one");
	assert_refused(fixture, fsys_put(fsys, "/dir/file/x", "x", 1, NULL, &fixture->err),
		       -ENOTDIR, "putting /dir/file/x: /dir/file/x: file is no folder");
	assert_int_equal(fsys_put(fsys, name, "x", 1, NULL, &fixture->err), -ENAMETOOLONG);
	err_clear(&fixture->err);
	assert_refused(fixture,
		       fsys_read(fsys, "/dir/file", 0, &(char *){ 0 }, NULL, &fixture->err), -EFBIG,
		       "/dir/file: has 1 bytes, more than 0");
	reopen(fixture, false);
	assert_refused(fixture, fsys_remove(fixture->fsys, "/dir/file", &fixture->err), -EROFS,
		       "image: was opened for reading alone");
}

static int name_collect(void *context, const struct fsys_entry *entry)
{
	buf_format(context, "%s:%o:%s ", entry->name, entry->mode,
		   entry->target ? entry->target : "");
	return 0;
}

static void test_list(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(buf_done) struct buf text = { 0 };

	put(fixture, "/d/b", "x");
	put(fixture, "/d/a", "x");
	assert_done(fixture, fsys_put_symlink(fixture->fsys, "/d/c", "a", &fixture->err));
	assert_done(fixture, fsys_make_dir(fixture->fsys, "/d/0", NULL, &fixture->err));
	assert_done(fixture, fsys_remove(fixture->fsys, "/d/b", &fixture->err));
	assert_done(fixture, fsys_list(fixture->fsys, "/d", name_collect, &text, &fixture->err));
	assert_string_equal(buf_str(&text), "0:40755: a:100644: c:120777:a ");
}

/* Every byte of what was written out of order is where it was put, the rest is zero. */
static void test_random_order(void **state)
{
	struct fixture *fixture = *state;
	struct fsys_node node = { .mode = S_IFREG | 0644 };
	struct fsys_file *file;
	size_t size = (size_t)CHUNKS * CHUNK_BYTES;
	CLEANUP(free_cleanup) char *wanted = mem_alloc(size), *got = NULL;
	size_t length;

	assert_done(fixture,
		    fsys_node_make(fixture->fsys, "/disk0.raw", &node, &file, &fixture->err));
	for (size_t i = 0; i < CHUNKS; i++) {
		size_t chunk = i * 1571 % CHUNKS, offset = chunk * CHUNK_BYTES;

		if (chunk % 16 >= 9) /* holes */
			continue;
		memset(wanted + offset, (int)(chunk % 251) + 1, CHUNK_BYTES);
		assert_done(fixture, fsys_file_write(file, offset, wanted + offset, CHUNK_BYTES,
						     &fixture->err));
	}
	fsys_file_set_size(file, size);
	assert_done(fixture, fsys_file_close(file, &fixture->err));
	reopen(fixture, false);
	assert_done(fixture,
		    fsys_read(fixture->fsys, "/disk0.raw", size, &got, &length, &fixture->err));
	assert_int_equal(length, size);
	assert_memory_equal(got, wanted, size);
}

static void test_discard_gives_back(void **state)
{
	struct fixture *fixture = *state;
	struct fsys_node node = { .mode = S_IFREG | 0644 };
	uint64_t before = fsys_free_bytes(fixture->fsys);
	CLEANUP(free_cleanup) char *data = mem_alloc(3 * MIB);
	struct fsys_file *file;

	assert_done(fixture, fsys_node_make(fixture->fsys, "/x", &node, &file, &fixture->err));
	assert_done(fixture, fsys_file_write(file, 0, data, 3 * MIB, &fixture->err));
	assert_true(fsys_free_bytes(fixture->fsys) < before);
	fsys_file_discard(file);
	assert_int_equal(fsys_free_bytes(fixture->fsys), before);
	assert_false(fsys_exists(fixture->fsys, "/x"));
}

/* Random writes, zeros and reads against a plain buffer; holes are given back. */
static void test_nested_image(void **state)
{
	struct fixture *fixture = *state;
	uint64_t before = fsys_free_bytes(fixture->fsys), size = 2 * MIB + 12345, seed = 42;
	CLEANUP(free_cleanup) char *wanted = mem_alloc(size), *got = mem_alloc(size);
	CLEANUP(free_cleanup) char *noise = mem_alloc(size);
	struct image *image;
	struct extent run;

	memset(noise, 'n', size);
	assert_done(fixture, nested_create(fixture->fsys, "/vm/disk0.raw", size, NULL, &image,
					   &fixture->err));
	for (int i = 0; i < 3000; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		uint64_t offset = (seed >> 16) % size, length = (seed >> 40) % 30000;

		if (length > size - offset)
			length = size - offset;
		if (i % 3 == 0) {
			assert_done(fixture, image_zero(image, offset, length, &fixture->err));
			memset(wanted + offset, 0, length);
		} else {
			assert_done(fixture,
				    image_write(image, offset, noise, length, &fixture->err));
			memcpy(wanted + offset, noise, length);
		}
		if (i % 50 == 0) {
			assert_done(fixture, image_read(image, 0, got, size, &fixture->err));
			assert_memory_equal(got, wanted, size);
		}
	}
	assert_int_equal(image_write(image, size - 1, noise, 2, NULL), -EBADMSG);
	assert_int_equal(image_next_data(image, 0, size, &run, NULL), 1);
	assert_done(fixture, image_zero(image, 0, size, &fixture->err));
	/* All that may be left is the last block: the image ends within it. */
	if (image_next_data(image, 0, size, &run, NULL) == 1 && run.size_bytes > 4096)
		fail_msg("%ju bytes of data are left", (uintmax_t)run.size_bytes);
	assert_done(fixture, image_write(image, 5000, "end", 3, &fixture->err));
	assert_done(fixture, image_finish(image, &fixture->err));
	put(fixture, "/other", "x");
	reopen(fixture, true);
	free(take(&got));
	assert_done(fixture,
		    fsys_read(fixture->fsys, "/vm/disk0.raw", size, &got, NULL, &fixture->err));
	assert_memory_equal(got + 4999, "\0end", 5);
	assert_done(fixture, fsys_remove(fixture->fsys, "/vm/disk0.raw", &fixture->err));
	assert_done(fixture, fsys_remove(fixture->fsys, "/vm", &fixture->err));
	assert_done(fixture, fsys_remove(fixture->fsys, "/other", &fixture->err));
	assert_int_equal(fsys_free_bytes(fixture->fsys), before);
}

static void test_nested_given_up(void **state)
{
	struct fixture *fixture = *state;
	uint64_t before = fsys_free_bytes(fixture->fsys);
	struct image *image;

	assert_done(fixture,
		    nested_create(fixture->fsys, "/x", 8 * MIB, NULL, &image, &fixture->err));
	assert_int_equal(image_fd(image), -1);
	assert_done(fixture, swap_format(image, &(struct extent){ MIB, 4 * MIB }, "s",
					 (uint8_t[16]){ 1 }, &fixture->err));
	struct probe probe;
	assert_done(fixture,
		    probe_extent(image, &(struct extent){ MIB, 4 * MIB }, &probe, &fixture->err));
	assert_string_equal(probe.type, "swap");
	image_close(image);
	assert_int_equal(fsys_free_bytes(fixture->fsys), before);
	assert_false(fsys_exists(fixture->fsys, "/x"));
}

static void test_full(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *data = mem_alloc(IMAGE_BYTES);

	put(fixture, "/keep", "old");
	memset(data, 'x', IMAGE_BYTES);
	assert_int_equal(fsys_put(fixture->fsys, "/keep", data, IMAGE_BYTES, NULL, &fixture->err),
			 -ENOSPC);
	err_clear(&fixture->err);
	reopen(fixture, true);
	assert_content(fixture, "/keep", "old");
	assert_done(fixture, fsys_put(fixture->fsys, "/keep", data, 8 * MIB, NULL, &fixture->err));
}

static void test_swap(void **state)
{
	static const struct extent where = { 4096, 16 * MIB };
	static const uint8_t uuid[16] = { 1, 2, 3 };
	struct fixture *fixture = *state;
	struct probe probe;

	fsys_discard(take(&fixture->fsys));
	assert_done(fixture, swap_format(fixture->image, &where, "a label of more than 15 bytes",
					 uuid, &fixture->err));
	assert_done(fixture, probe_extent(fixture->image, &where, &probe, &fixture->err));
	assert_string_equal(probe.type, "swap");
	assert_string_equal(probe.label, "a label of more");
	assert_string_equal(probe.uuid, "01020300-0000-0000-0000-000000000000");
	assert_refused(
		fixture,
		swap_format(fixture->image, &(struct extent){ 0, 40959 }, "", uuid, &fixture->err),
		-EINVAL, "image: 40959 bytes are too small for swap (at least 40960)");
}

#define BOTH(test)                                                                                 \
	cmocka_unit_test_setup_teardown(test, setup_ext4, teardown),                               \
		cmocka_unit_test_setup_teardown(test, setup_ext3, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_put_and_read),
		BOTH(test_attributes),
		BOTH(test_symlinks),
		BOTH(test_refusals),
		BOTH(test_list),
		BOTH(test_random_order),
		BOTH(test_discard_gives_back),
		BOTH(test_nested_image),
		BOTH(test_nested_given_up),
		BOTH(test_full),
		cmocka_unit_test_setup_teardown(test_swap, setup_ext4, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
