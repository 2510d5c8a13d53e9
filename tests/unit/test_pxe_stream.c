/* Disk images as streams: what comes out is what went in, whatever was on the disk before, and a
 * stream that was cut, changed or made to do harm leaves no disk that boots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zstd.h>

#include "base/fs.h"
#include "pxe/stream.h"

#define DISK_BYTES  ((24u << 20) + 512)
#define EXTRA_BYTES (3u << 20) /* of the real disk, behind the image */
#define HEAD_BYTES  (1u << 20)

struct fixture {
	char *folder, *image, *path;
	unsigned char *plain, *after;
	char *stream;
	size_t length;
	struct stream_facts facts;
	int disk;
};

static void plain_fill(unsigned char *plain)
{
	srandom(7);
	for (int i = 0; i < 60; i++) {
		size_t length = 1 + (size_t)random() % (i % 10 == 0 ? 3u << 20 : 20000u);
		size_t at = (size_t)random() % (DISK_BYTES - length);

		for (size_t j = 0; j < length; j++)
			plain[at + j] = (unsigned char)random();
	}
	memset(plain + (9u << 20), 0, 4u << 20);
	memcpy(plain + 510, "\x55\xaa", 2);
	memcpy(plain + DISK_BYTES - 4, "last", 4);
}

/* Holes where 4 KiB are zero, so that runs of data begin and end within blocks. */
static void image_make(struct fixture *fixture)
{
	CLEANUP(fd_cleanup) int fd = open(fixture->image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, DISK_BYTES), 0);
	for (size_t at = 0; at < DISK_BYTES; at += 4096) {
		size_t part = DISK_BYTES - at < 4096 ? DISK_BYTES - at : 4096;

		if (!mem_is_zero(fixture->plain + at, part))
			assert_int_equal(fd_pwrite_all(fd, fixture->plain + at, part, at), 0);
	}
}

static int setup(void **state)
{
	struct fixture *fixture = mem_alloc(sizeof *fixture);

	assert_int_equal(temp_dir(NULL, &fixture->folder, NULL), 0);
	fixture->image = path_join(fixture->folder, "disk.raw");
	fixture->path = path_join(fixture->folder, "disk.stream");
	fixture->plain = mem_alloc(DISK_BYTES);
	fixture->after = mem_alloc(DISK_BYTES + EXTRA_BYTES);
	plain_fill(fixture->plain);
	image_make(fixture);
	assert_int_equal(stream_pack(fixture->image, fixture->path, &fixture->facts, NULL), 0);
	assert_int_equal(
		file_read(fixture->path, 64u << 20, &fixture->stream, &fixture->length, NULL), 0);
	fixture->disk = memfd_create("disk", MFD_CLOEXEC);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	tree_remove(fixture->folder, NULL);
	close(fixture->disk);
	free(fixture->folder);
	free(fixture->image);
	free(fixture->path);
	free(fixture->plain);
	free(fixture->after);
	free(fixture->stream);
	free(fixture);
	return 0;
}

/* A disk that was used before. */
static void disk_used(struct fixture *fixture)
{
	memset(fixture->after, 0xee, DISK_BYTES + EXTRA_BYTES);
	assert_int_equal(fd_pwrite_all(fixture->disk, fixture->after, DISK_BYTES + EXTRA_BYTES, 0),
			 0);
}

static void disk_look(struct fixture *fixture)
{
	assert_int_equal(fd_pread_all(fixture->disk, fixture->after, DISK_BYTES + EXTRA_BYTES, 0),
			 DISK_BYTES + EXTRA_BYTES);
}

/* max_part 0: all at once. */
static int stream_write(struct fixture *fixture, const char *data, size_t length, size_t max_part,
			const char *sha256, struct err *err)
{
	CLEANUP(stream_writer_cleanup) struct stream_writer *writer = NULL;
	int r = stream_writer_new(fixture->disk, DISK_BYTES, &writer, err);

	while (r == 0 && length > 0) {
		size_t part = max_part ? 1 + (size_t)random() % max_part : length;

		if (part > length)
			part = length;
		r = stream_writer_feed(writer, data, part, err);
		data += part;
		length -= part;
	}
	return r < 0 ? r : stream_writer_end(writer, sha256, err);
}

static void test_facts(void **state)
{
	struct fixture *fixture = *state;
	char hex[HASH_HEX_LENGTH + 1];

	assert_int_equal(fixture->facts.disk_bytes, DISK_BYTES);
	assert_int_equal(fixture->facts.stream_bytes, fixture->length);
	assert_int_equal(hash_file(fixture->path, hex, NULL), 0);
	assert_string_equal(fixture->facts.sha256, hex);
	assert_true(fixture->length < DISK_BYTES / 2);
}

static void test_what_went_in(void **state)
{
	static const size_t parts[] = { 0, 7, 5000, 300000, 1 };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		disk_used(fixture);
		assert_int_equal(stream_write(fixture, fixture->stream, fixture->length, parts[i],
					      fixture->facts.sha256, NULL),
				 0);
		disk_look(fixture);
		assert_memory_equal(fixture->after, fixture->plain, DISK_BYTES);
		for (size_t j = DISK_BYTES; j < DISK_BYTES + EXTRA_BYTES; j++)
			assert_int_equal(fixture->after[j], 0xee);
	}
}

static void refused(struct fixture *fixture, const char *data, size_t length, const char *sha256,
		    const char *message)
{
	struct err err = { 0 };

	disk_used(fixture);
	assert_int_equal(stream_write(fixture, data, length, 100000, sha256, &err), -EBADMSG);
	if (!strstr(err.text, message))
		fail_msg("\"%s\" is not in \"%s\"", message, err.text);
	err_clear(&err);
	disk_look(fixture);
	assert_true(mem_is_zero(fixture->after, HEAD_BYTES));
	for (size_t i = DISK_BYTES; i < DISK_BYTES + EXTRA_BYTES; i++)
		assert_int_equal(fixture->after[i], 0xee);
}

static void test_cut(void **state)
{
	struct fixture *fixture = *state;

	refused(fixture, fixture->stream, fixture->length - 1, fixture->facts.sha256, "cut short");
	refused(fixture, fixture->stream, 100, fixture->facts.sha256, "cut short");
	refused(fixture, "", 0, fixture->facts.sha256, "cut short");
}

static void test_flipped(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 20; i++) {
		size_t at = (size_t)random() % fixture->length;

		fixture->stream[at] ^= 0x10;
		refused(fixture, fixture->stream, fixture->length, fixture->facts.sha256,
			"the image ");
		fixture->stream[at] ^= 0x10;
	}
}

static void test_overlong(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *longer = mem_alloc(2 * fixture->length);

	memcpy(longer, fixture->stream, fixture->length);
	memcpy(longer + fixture->length, fixture->stream, fixture->length);
	refused(fixture, longer, fixture->length + 1, fixture->facts.sha256, "more bytes follow");
	refused(fixture, longer, 2 * fixture->length, fixture->facts.sha256, "more bytes follow");
}

static void test_wrong_hash(void **state)
{
	struct fixture *fixture = *state;

	fixture->facts.sha256[5] = fixture->facts.sha256[5] == '0' ? '1' : '0';
	refused(fixture, fixture->stream, fixture->length, fixture->facts.sha256, "has the hash");
}

static void test_after_a_failure(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(stream_writer_cleanup) struct stream_writer *writer = NULL;

	disk_used(fixture);
	assert_int_equal(stream_writer_new(fixture->disk, DISK_BYTES, &writer, NULL), 0);
	assert_int_equal(stream_writer_feed(writer, "no stream", 9, NULL), -EBADMSG);
	assert_int_equal(stream_writer_feed(writer, fixture->stream, fixture->length, NULL),
			 -EBADMSG);
	assert_int_equal(stream_writer_end(writer, fixture->facts.sha256, NULL), -EBADMSG);
	assert_int_equal(stream_writer_end(writer, fixture->facts.sha256, NULL), -EINVAL);
}

/* ---- streams that were made to do harm ---- */

struct record {
	uint64_t offset, length;
	size_t given; /* bytes that follow */
};

static void hostile(struct fixture *fixture, uint64_t disk_bytes, const struct record *records,
		    size_t count, const char *message)
{
	CLEANUP(buf_done) struct buf content = { 0 };
	uint64_t size = htole64(disk_bytes);

	buf_add(&content, "nestctl disk 1\n", 16);
	buf_add(&content, &size, sizeof size);
	for (size_t i = 0; i < count; i++) {
		const uint64_t fields[] = { htole64(records[i].offset),
					    htole64(records[i].length) };
		CLEANUP(free_cleanup) char *data = mem_alloc(records[i].given + 1);

		memset(data, 0xdd, records[i].given);
		buf_add(&content, fields, sizeof fields);
		buf_add(&content, data, records[i].given);
	}
	size_t room = ZSTD_compressBound(content.length);
	CLEANUP(free_cleanup) char *stream = mem_alloc(room);
	size_t length = ZSTD_compress(stream, room, content.data, content.length, 1);
	assert_false(ZSTD_isError(length));
	refused(fixture, stream, length, fixture->facts.sha256, message);
}

static void test_hostile(void **state)
{
	const char *outside = "lies where it cannot be";
	const struct record head = { 0, HEAD_BYTES, HEAD_BYTES };
	const struct {
		struct record records[3];
		size_t count;
		const char *message;
	} cases[] = {
		{ { { DISK_BYTES, 1, 1 } }, 1, outside },
		{ { { DISK_BYTES - 512, 1024, 1024 } }, 1, outside },
		{ { { UINT64_MAX - 511, 1024, 1024 } }, 1, outside },
		{ { { HEAD_BYTES, UINT64_MAX, 512 } }, 1, outside },
		{ { { 512, 512, 512 } }, 1, outside },
		{ { { HEAD_BYTES, 0, 0 } }, 1, outside },
		{ { { 8u << 20, 512, 512 }, { 4u << 20, 512, 512 } }, 2, outside },
		{ { { 0, 512, 512 } }, 1, outside },
		{ { { 0, DISK_BYTES, HEAD_BYTES } }, 1, outside },
		{ { head, { 8u << 20, 512, 512 } }, 2, "goes on behind its end" },
		{ { head }, 1, "has the hash" },
		{ { { HEAD_BYTES, 4096, 10 } }, 1, "cut short" },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		hostile(fixture, DISK_BYTES, cases[i].records, cases[i].count, cases[i].message);
	hostile(fixture, DISK_BYTES + 512, &head, 1, "of a disk of");
}

/* Many disks in a few KiB: refused at the disk's end. */
static void test_bomb(void **state)
{
	struct fixture *fixture = *state;
	const struct record bomb = { HEAD_BYTES, DISK_BYTES - HEAD_BYTES, 200u << 20 };

	hostile(fixture, DISK_BYTES, &bomb, 1, "lies where it cannot be");
}

/* An image with a window as large as zstd knows: the reader's memory is not the sender's choice. */
static void test_large_window(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *zeros = mem_alloc(64u << 20);
	CLEANUP(free_cleanup) char *stream = mem_alloc(1u << 20);
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	ZSTD_inBuffer in = { zeros, 64u << 20, 0 };
	ZSTD_outBuffer out = { stream, 1u << 20, 0 };

	ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, 27);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
	ZSTD_compressStream2(zstd, &out, &in, ZSTD_e_continue);
	assert_int_equal(ZSTD_compressStream2(zstd, &out, &in, ZSTD_e_end), 0);
	ZSTD_freeCCtx(zstd);
	refused(fixture, stream, out.pos, fixture->facts.sha256, "too much memory");
}

static void test_tiny_disk(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(stream_writer_cleanup) struct stream_writer *writer = NULL;
	CLEANUP(free_cleanup) char *stream = NULL;
	struct stream_facts facts;
	size_t length;
	char back[512];

	assert_int_equal(truncate(fixture->image, 512), 0);
	assert_int_equal(stream_pack(fixture->image, fixture->path, &facts, NULL), 0);
	assert_int_equal(file_read(fixture->path, 4096, &stream, &length, NULL), 0);
	disk_used(fixture);
	assert_int_equal(stream_writer_new(fixture->disk, 512, &writer, NULL), 0);
	assert_int_equal(stream_writer_feed(writer, stream, length, NULL), 0);
	assert_int_equal(stream_writer_end(writer, facts.sha256, NULL), 0);
	assert_int_equal(fd_pread_all(fixture->disk, back, sizeof back, 0), sizeof back);
	assert_memory_equal(back, fixture->plain, sizeof back);
}

static void test_nothing_left_behind(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *path = path_join(fixture->folder, "none/stream");
	struct stream_facts facts;

	assert_int_equal(stream_pack("/nonexistent", fixture->path, &facts, NULL), -ENOENT);
	assert_int_equal(stream_pack(fixture->image, path, &facts, NULL), -ENOENT);
	assert_false(path_exists(path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_facts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_went_in, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flipped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overlong, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_hash, setup, teardown),
		cmocka_unit_test_setup_teardown(test_after_a_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bomb, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large_window, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tiny_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_left_behind, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
