/* The file: records, each a header of two little-endian 64-bit numbers (offset; length, with the
 * top bit for data) and, for data, the bytes. What was a hole needs no bytes. Every block is noted
 * once, as it was before it was first written. */
#include "image/undo.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"

#define MAX_BYTES   ((uint64_t)64 << 20)
#define CHUNK_BYTES ((size_t)1 << 20)
#define DATA_FLAG   (UINT64_C(1) << 63)

/* Blocks are noted as a whole. Which of them are noted already is kept in maps of MAP_BLOCKS. */
#define BLOCK_BYTES 4096u
#define MAP_BLOCKS  ((uint64_t)1 << 18)

struct header {
	uint64_t offset, length;
};

struct undo {
	char *path;
	FILE *stream;
	struct hash *hash;
	struct extent hole; /* noted last and not written yet: its neighbour may join it */
	uint64_t size_bytes;
	uint8_t **noted; /* a bit for each block; NULL: none of that map */
	size_t noted_count;
	char *chunk;
};

int undo_begin(const char *path, struct undo **ret_undo, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *stream = fd < 0 ? NULL : fdopen(fd, "w");

	if (!stream)
		return err_errno(err, errno, "%s: cannot be made", path);
	fd_take(&fd);
	struct undo *undo = mem_alloc(sizeof *undo);
	undo->path = str_copy(path);
	undo->stream = stream;
	undo->hash = hash_new();
	undo->chunk = mem_alloc(CHUNK_BYTES);
	*ret_undo = undo;
	return 0;
}

static void undo_free(struct undo *undo)
{
	if (undo->stream)
		fclose(undo->stream);
	hash_free(undo->hash);
	for (size_t i = 0; i < undo->noted_count; i++)
		free(undo->noted[i]);
	free(undo->noted);
	free(undo->chunk);
	free(undo->path);
	free(undo);
}

void undo_discard(struct undo *undo)
{
	if (!undo)
		return;
	unlink(undo->path);
	undo_free(undo);
}

void undo_cleanup(struct undo **undo)
{
	undo_discard(*undo);
}

/* ---- keeping ---- */

/* Beyond the limit only the size is counted. */
static int bytes_add(struct undo *undo, const void *data, size_t length, struct err *err)
{
	undo->size_bytes += length;
	if (undo->size_bytes > MAX_BYTES)
		return 0;
	hash_add(undo->hash, data, length);
	if (fwrite(data, 1, length, undo->stream) != length)
		return err_errno(err, errno, "%s: cannot be written", undo->path);
	return 0;
}

static int header_add(struct undo *undo, uint64_t offset, uint64_t length, struct err *err)
{
	const struct header header = { htole64(offset), htole64(length) };

	return bytes_add(undo, &header, sizeof header, err);
}

static int hole_write(struct undo *undo, struct err *err)
{
	struct extent hole = undo->hole;

	undo->hole.size_bytes = 0;
	return hole.size_bytes ? header_add(undo, hole.start_bytes, hole.size_bytes, err) : 0;
}

static int hole_note(struct undo *undo, uint64_t offset, uint64_t length, struct err *err)
{
	if (length == 0)
		return 0;
	if (undo->hole.size_bytes && undo->hole.start_bytes + undo->hole.size_bytes == offset) {
		undo->hole.size_bytes += length;
		return 0;
	}
	int r = hole_write(undo, err);
	undo->hole = (struct extent){ offset, length };
	return r;
}

static int data_note(struct undo *undo, struct image *image, const struct extent *run,
		     struct err *err)
{
	int r = hole_write(undo, err);

	for (uint64_t at = 0; r == 0 && at < run->size_bytes;) {
		uint64_t left = run->size_bytes - at;
		size_t part = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;

		r = image_read(image, run->start_bytes + at, undo->chunk, part, err);
		if (r == 0)
			r = header_add(undo, run->start_bytes + at, part | DATA_FLAG, err);
		if (r == 0)
			r = bytes_add(undo, undo->chunk, part, err);
		at += part;
	}
	return r;
}

/* Metadata is written again and again as it was; zeros go to holes. */
static bool is_same(struct undo *undo, struct image *image, uint64_t offset, const void *data,
		    size_t length)
{
	struct extent run;
	int runs = image_next_data(image, offset, offset + length, &run, NULL);

	if (!data)
		return runs == 0;
	return runs == 1 && run.size_bytes == length && length <= CHUNK_BYTES &&
	       image_read(image, offset, undo->chunk, length, NULL) == 0 &&
	       memcmp(undo->chunk, data, length) == 0;
}

/* Marks the block; false if it was marked before. */
static bool block_mark(struct undo *undo, uint64_t block)
{
	size_t map = (size_t)(block / MAP_BLOCKS), bit = (size_t)(block % MAP_BLOCKS);

	if (map >= undo->noted_count) {
		undo->noted = mem_grow(undo->noted, map + 1, sizeof *undo->noted);
		while (undo->noted_count <= map)
			undo->noted[undo->noted_count++] = NULL;
	}
	if (!undo->noted[map])
		undo->noted[map] = mem_alloc(MAP_BLOCKS / 8);
	if (undo->noted[map][bit / 8] & 1u << bit % 8)
		return false;
	undo->noted[map][bit / 8] |= (uint8_t)(1u << bit % 8);
	return true;
}

/* Keeps whole blocks from start on. */
static int blocks_note(struct undo *undo, struct image *image, uint64_t start, uint64_t end,
		       struct err *err)
{
	struct extent run;
	int r;

	while ((r = image_next_data(image, start, end, &run, err)) > 0) {
		r = hole_note(undo, start, run.start_bytes - start, err);
		if (r == 0)
			r = data_note(undo, image, &run, err);
		if (r < 0)
			return r;
		start = run.start_bytes + run.size_bytes;
	}
	return r < 0 ? r : hole_note(undo, start, end - start, err);
}

int undo_note(struct undo *undo, struct image *image, uint64_t offset, const void *data,
	      uint64_t length, bool *ret_same, struct err *err)
{
	uint64_t block = offset / BLOCK_BYTES, size = image_size_bytes(image);
	uint64_t last = (offset + length + BLOCK_BYTES - 1) / BLOCK_BYTES;
	int r = 0;

	*ret_same = is_same(undo, image, offset, data, length);
	if (*ret_same)
		return 0;
	while (r == 0 && block < last) {
		uint64_t first = block;

		while (block < last && block_mark(undo, block))
			block++;
		uint64_t end = block * BLOCK_BYTES < size ? block * BLOCK_BYTES : size;
		if (block > first)
			r = blocks_note(undo, image, first * BLOCK_BYTES, end, err);
		block += block < last; /* that one was noted before */
	}
	return r;
}

int undo_finish(struct undo *undo, char ret_hash[HASH_HEX_LENGTH + 1], struct err *err)
{
	CLEANUP(undo_cleanup) struct undo *owned = undo;
	int r = hole_write(undo, err);

	if (r < 0)
		return r;
	if (undo->size_bytes > MAX_BYTES)
		return err_set(err, -EFBIG, "%s: more than %" PRIu64 " MiB", undo->path,
			       MAX_BYTES >> 20);
	if (fclose(take(&undo->stream)) != 0)
		return err_errno(err, errno, "%s: cannot be written", undo->path);
	hash_finish_hex(take(&undo->hash), ret_hash);
	undo_free(take(&owned));
	return 0;
}

/* ---- giving back ---- */

static int record_apply(struct image *image, const char *record, struct err *err)
{
	struct header header;

	memcpy(&header, record, sizeof header);
	uint64_t offset = le64toh(header.offset), length = le64toh(header.length);
	if (length & DATA_FLAG)
		return image_write(image, offset, record + sizeof header,
				   (size_t)(length & ~DATA_FLAG), err);
	return image_zero(image, offset, length, err);
}

/* The length of the record, header and bytes; 0 if the text ends before. */
static size_t record_length(const char *record, size_t left)
{
	struct header header;

	if (left < sizeof header)
		return 0;
	memcpy(&header, record, sizeof header);
	uint64_t length = le64toh(header.length);
	uint64_t bytes = length & DATA_FLAG ? length & ~DATA_FLAG : 0;
	return bytes > left - sizeof header ? 0 : sizeof header + (size_t)bytes;
}

int undo_apply(struct image *image, const char *path, const char *hash, struct err *err)
{
	CLEANUP(free_cleanup) char *text = NULL;
	char found[HASH_HEX_LENGTH + 1] = "";
	size_t length = 0, part = 1;
	int r = file_read(path, MAX_BYTES, &text, &length, err);

	if (r < 0)
		return r;
	struct hash *sum = hash_new();
	hash_add(sum, text, length);
	hash_finish_hex(sum, found);
	if (!str_equal(found, hash))
		return err_set(err, -EBADMSG, "%s: is not what the build wrote", path);
	for (size_t at = 0; r == 0 && part > 0 && at < length; at += part) {
		part = record_length(text + at, length - at);
		if (part > 0)
			r = record_apply(image, text + at, err);
	}
	return r;
}
