/* Streams of disk images, by libzstd. What is in the zstd frame, all numbers little endian:
 *
 *	magic		16 bytes
 *	disk_bytes	64 bits
 *	records		offset 64 bits, length 64 bits, then the bytes; in the order of the disk
 *	the head	a record at offset 0 with the first MiB, which ends the stream
 *
 * A format of our own, because a tar with a sparse member, by libarchive, is not simpler here: its
 * map must be known before the first byte of data, so that an image is read twice; it is pulled
 * where the network pushes, which takes a thread in between; and a hostile map grows in memory
 * without a limit. Nothing in here grows.
 */
#include "pxe/stream.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <zstd.h>

#include "base/fs.h"
#include "image/image.h"

#define MAGIC	     "nestctl disk 1\n\0" /* 16 bytes with the NUL that ends it */
#define MAGIC_BYTES  16
#define HEADER_BYTES 24
#define RECORD_BYTES 16
#define HEAD_BYTES   (UINT64_C(1) << 20)
#define BLOCK_BYTES  ((size_t)65536) /* what is zero in a whole block is a hole */
#define CHUNK_BYTES  ((size_t)1 << 20)
#define LEVEL	     3 /* 900 MiB in 3.4 s on two cores; level 1: 2.7 s, and a tenth larger */
#define WORKERS	     2
#define WINDOW_LOG   21 /* 2 MiB: bounds the memory of who reads it */

static uint64_t head_bytes(uint64_t disk_bytes)
{
	return disk_bytes < HEAD_BYTES ? disk_bytes : HEAD_BYTES;
}

/* ---- making ---- */

struct packer {
	struct image *image;
	const char *path;
	int fd;
	ZSTD_CCtx *zstd;
	struct hash *hash;
	uint64_t stream_bytes;
	char chunk[CHUNK_BYTES];
	char out[CHUNK_BYTES];
};

static void packer_cleanup(struct packer **packer)
{
	ZSTD_freeCCtx((*packer)->zstd);
	hash_free((*packer)->hash);
	free(*packer);
}

static int packer_add(struct packer *packer, const void *data, size_t length, bool last,
		      struct err *err)
{
	ZSTD_inBuffer in = { data, length, 0 };
	size_t left;

	do {
		ZSTD_outBuffer out = { packer->out, sizeof packer->out, 0 };

		left = ZSTD_compressStream2(packer->zstd, &out, &in,
					    last ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return err_set(err, -EIO, "%s: cannot be compressed: %s", packer->path,
				       ZSTD_getErrorName(left));
		int r = fd_write_all(packer->fd, packer->out, out.pos);
		if (r < 0)
			return err_errno(err, -r, "%s: cannot be written", packer->path);
		hash_add(packer->hash, packer->out, out.pos);
		packer->stream_bytes += out.pos;
	} while (last ? left > 0 : in.pos < in.size);
	return 0;
}

static int record_add(struct packer *packer, uint64_t offset, const char *data, size_t length,
		      struct err *err)
{
	const uint64_t record[] = { htole64(offset), htole64(length) };
	int r = packer_add(packer, record, RECORD_BYTES, false, err);

	return r < 0 ? r : packer_add(packer, data, length, offset == 0, err);
}

/* A chunk without its blocks that are zero, each run of others as a record. */
static int chunk_add(struct packer *packer, uint64_t offset, size_t length, struct err *err)
{
	size_t begin = 0;
	int r = 0;

	for (size_t at = 0; r == 0 && at < length; at += BLOCK_BYTES) {
		size_t block = length - at < BLOCK_BYTES ? length - at : BLOCK_BYTES;
		size_t end = at + block;

		if (mem_is_zero(packer->chunk + at, block))
			end = at;
		if (end > begin && (end == at || end == length))
			r = record_add(packer, offset + begin, packer->chunk + begin, end - begin,
				       err);
		if (end == at)
			begin = at + block;
	}
	return r;
}

/* Up to a block's end: the next run of data may begin in the same block. */
static size_t chunk_length(uint64_t at, uint64_t end, uint64_t disk_bytes)
{
	uint64_t over = end % BLOCK_BYTES;
	uint64_t block_end = over ? end + BLOCK_BYTES - over : end;
	uint64_t length = (block_end < disk_bytes ? block_end : disk_bytes) - at;

	return length < CHUNK_BYTES ? (size_t)length : CHUNK_BYTES;
}

static int data_add(struct packer *packer, uint64_t disk_bytes, struct err *err)
{
	uint64_t at = head_bytes(disk_bytes);
	struct extent run;
	int r;

	while ((r = image_next_data(packer->image, at, disk_bytes, &run, err)) > 0) {
		at = run.start_bytes - run.start_bytes % BLOCK_BYTES;
		size_t length = chunk_length(at, run.start_bytes + run.size_bytes, disk_bytes);

		r = image_read(packer->image, at, packer->chunk, length, err);
		if (r == 0)
			r = chunk_add(packer, at, length, err);
		if (r < 0)
			return r;
		at += length;
	}
	return r;
}

static int image_add(struct packer *packer, uint64_t disk_bytes, struct err *err)
{
	char header[HEADER_BYTES] = MAGIC;
	size_t head = (size_t)head_bytes(disk_bytes);
	const uint64_t size = htole64(disk_bytes);

	memcpy(header + MAGIC_BYTES, &size, sizeof size);
	int r = packer_add(packer, header, sizeof header, false, err);
	if (r == 0)
		r = data_add(packer, disk_bytes, err);
	if (r == 0)
		r = image_read(packer->image, 0, packer->chunk, head, err);
	return r < 0 ? r : record_add(packer, 0, packer->chunk, head, err);
}

static ZSTD_CCtx *compressor_new(void)
{
	ZSTD_CCtx *zstd = ZSTD_createCCtx();

	ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, WINDOW_LOG);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	/* A libzstd without threads refuses, and does it alone. */
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_nbWorkers, WORKERS);
	return zstd;
}

int stream_pack(const char *image, const char *path, struct stream_facts *ret_facts,
		struct err *err)
{
	CLEANUP(image_cleanup) struct image *opened = NULL;
	CLEANUP(temp_done) struct temp temp = TEMP_INIT;
	CLEANUP(packer_cleanup) struct packer *packer = mem_alloc(sizeof *packer);
	struct stream_facts facts = { 0 };
	int r = image_open(image, false, &opened, err);

	if (r == 0)
		r = temp_open(&temp, path, 0600, err);
	if (r < 0)
		return r;
	packer->image = opened;
	packer->path = path;
	packer->fd = temp.fd;
	packer->zstd = compressor_new();
	packer->hash = hash_new();
	facts.disk_bytes = image_size_bytes(opened);
	r = image_add(packer, facts.disk_bytes, err);
	if (r == 0)
		r = temp_publish(&temp, err);
	if (r < 0)
		return err_wrap(err, r, "%s as a stream", image);
	facts.stream_bytes = packer->stream_bytes;
	hash_finish_hex(take(&packer->hash), facts.sha256);
	*ret_facts = facts;
	return 0;
}

/* ---- writing ---- */

enum writer_state { WRITER_HEADER, WRITER_RECORD, WRITER_DATA, WRITER_HEAD, WRITER_WHOLE };

struct stream_writer {
	int disk;
	uint64_t disk_bytes;
	ZSTD_DCtx *zstd;
	struct hash *hash;
	enum writer_state state;
	bool frame_ended;
	int failed; /* what ended it, once and for all */
	char fields[HEADER_BYTES];
	size_t fields_length;
	uint64_t at;   /* the next byte on the disk: all before it, from the head on, is written */
	uint64_t left; /* of the record */
	char out[CHUNK_BYTES];
	char head[HEAD_BYTES];
};

static int disk_failed(int r, struct err *err)
{
	return r < 0 ? err_errno(err, -r, "the disk cannot be written") : 0;
}

static int bad(struct err *err, const char *what)
{
	return err_set(err, -EBADMSG, "the image is damaged or no image of this disk: %s", what);
}

int stream_writer_new(int disk, uint64_t disk_bytes, struct stream_writer **ret_writer,
		      struct err *err)
{
	/* What booted from this disk before must not boot either from here on. */
	int r = disk_failed(fd_zero(disk, 0, head_bytes(disk_bytes)), err);

	if (r < 0)
		return r;
	struct stream_writer *writer = mem_alloc(sizeof *writer);
	writer->disk = disk;
	writer->disk_bytes = disk_bytes;
	writer->zstd = ZSTD_createDCtx();
	writer->hash = hash_new();
	writer->at = head_bytes(disk_bytes);
	ZSTD_DCtx_setParameter(writer->zstd, ZSTD_d_windowLogMax, WINDOW_LOG);
	*ret_writer = writer;
	return 0;
}

/* Takes what is missing of the fields; true when they are complete. */
static bool fields_take(struct stream_writer *writer, size_t want, const char **data,
			size_t *length)
{
	size_t missing = want - writer->fields_length;
	size_t part = *length < missing ? *length : missing;

	memcpy(writer->fields + writer->fields_length, *data, part);
	writer->fields_length += part;
	*data += part;
	*length -= part;
	if (writer->fields_length < want)
		return false;
	writer->fields_length = 0;
	return true;
}

static uint64_t field(const struct stream_writer *writer, size_t at)
{
	uint64_t value;

	memcpy(&value, writer->fields + at, sizeof value);
	return le64toh(value);
}

static int header_check(struct stream_writer *writer, struct err *err)
{
	uint64_t disk_bytes = field(writer, MAGIC_BYTES);

	if (memcmp(writer->fields, MAGIC, MAGIC_BYTES) != 0)
		return bad(err, "it does not begin as one");
	if (disk_bytes != writer->disk_bytes)
		return err_set(err, -EBADMSG,
			       "the image is of a disk of %" PRIu64 " bytes, not %" PRIu64,
			       disk_bytes, writer->disk_bytes);
	writer->state = WRITER_RECORD;
	return 0;
}

/* A record begins behind the one before; what lies between is a hole, in which nothing of the
 * disk's former life may be left: file systems have blocks there that they expect to be zero. */
static int record_begin(struct stream_writer *writer, struct err *err)
{
	uint64_t offset = field(writer, 0), length = field(writer, 8);
	bool is_head = offset == 0;
	uint64_t end = is_head ? writer->disk_bytes : offset;

	if (is_head ? length != head_bytes(writer->disk_bytes)
		    : offset < writer->at || offset > writer->disk_bytes ||
			      length > writer->disk_bytes - offset || length == 0)
		return bad(err, "a part of it lies where it cannot be");
	int r = disk_failed(fd_zero(writer->disk, writer->at, end - writer->at), err);
	if (r < 0)
		return r;
	writer->at = is_head ? 0 : offset;
	writer->left = length;
	writer->state = is_head ? WRITER_HEAD : WRITER_DATA;
	return 0;
}

static int data_take(struct stream_writer *writer, const char **data, size_t *length,
		     struct err *err)
{
	size_t part = *length < writer->left ? *length : (size_t)writer->left;
	bool is_head = writer->state == WRITER_HEAD;
	int r = 0;

	if (is_head)
		memcpy(writer->head + writer->at, *data, part);
	else
		r = disk_failed(fd_pwrite_all(writer->disk, *data, part, writer->at), err);
	writer->at += part;
	writer->left -= part;
	*data += part;
	*length -= part;
	if (writer->left == 0)
		writer->state = is_head ? WRITER_WHOLE : WRITER_RECORD;
	return r;
}

static int content_take(struct stream_writer *writer, const char *data, size_t length,
			struct err *err)
{
	int r = 0;

	while (r == 0 && length > 0)
		switch (writer->state) {
		case WRITER_HEADER:
			if (fields_take(writer, HEADER_BYTES, &data, &length))
				r = header_check(writer, err);
			break;
		case WRITER_RECORD:
			if (fields_take(writer, RECORD_BYTES, &data, &length))
				r = record_begin(writer, err);
			break;
		case WRITER_DATA:
		case WRITER_HEAD:
			r = data_take(writer, &data, &length, err);
			break;
		case WRITER_WHOLE:
			r = bad(err, "it goes on behind its end");
			break;
		}
	return r;
}

static int unpack(struct stream_writer *writer, const void *data, size_t length, struct err *err)
{
	ZSTD_inBuffer in = { data, length, 0 };
	bool full = false; /* there may be more in the decompressor */
	int r = 0;

	while (r == 0 && (in.pos < in.size || full)) {
		ZSTD_outBuffer out = { writer->out, sizeof writer->out, 0 };

		if (writer->frame_ended)
			return bad(err, "more bytes follow its end");
		size_t status = ZSTD_decompressStream(writer->zstd, &out, &in);
		if (ZSTD_isError(status))
			return bad(err, ZSTD_getErrorName(status));
		writer->frame_ended = status == 0;
		full = !writer->frame_ended && out.pos == out.size;
		r = content_take(writer, writer->out, out.pos, err);
	}
	return r;
}

int stream_writer_feed(struct stream_writer *writer, const void *data, size_t length,
		       struct err *err)
{
	if (writer->failed || !writer->hash)
		return err_set(err, writer->failed ? writer->failed : -EINVAL,
			       "the image was refused or ended before");
	hash_add(writer->hash, data, length);
	writer->failed = unpack(writer, data, length, err);
	return writer->failed;
}

static int end_check(struct stream_writer *writer, const char *sha256, struct err *err)
{
	char hex[HASH_HEX_LENGTH + 1];

	if (!writer->hash)
		return err_set(err, -EINVAL, "the image was ended before");
	hash_finish_hex(take(&writer->hash), hex);
	if (writer->failed)
		return err_set(err, writer->failed, "the image was refused before");
	if (writer->state != WRITER_WHOLE || !writer->frame_ended)
		return bad(err, "it is cut short");
	if (strcmp(hex, sha256) != 0)
		return err_set(err, -EBADMSG, "the image has the hash %s, not %s", hex, sha256);
	return 0;
}

int stream_writer_end(struct stream_writer *writer, const char *sha256, struct err *err)
{
	size_t head = (size_t)head_bytes(writer->disk_bytes);
	int r = end_check(writer, sha256, err);

	if (r == 0 && fsync(writer->disk) < 0)
		r = disk_failed(-errno, err);
	if (r == 0)
		r = disk_failed(fd_pwrite_all(writer->disk, writer->head, head, 0), err);
	if (r == 0 && fsync(writer->disk) < 0)
		r = disk_failed(-errno, err);
	return r;
}

void stream_writer_cleanup(struct stream_writer **writer)
{
	if (!*writer)
		return;
	ZSTD_freeDCtx((*writer)->zstd);
	hash_free((*writer)->hash);
	free(*writer);
}
