/* Writing streams to disks. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <zstd.h>

#include "base/fs.h"
#include "pxe/disk_mark.h"
#include "pxe/stream.h"
#include "pxe/stream_format.h"

#define CHUNK_BYTES	((size_t)1 << 20)
#define HOLE_PART_BYTES (UINT64_C(256) << 20)
#define UNSYNCED_BYTES	(UINT64_C(64) << 20)

enum writer_state { WRITER_HEADER, WRITER_RECORD, WRITER_DATA, WRITER_HEAD, WRITER_WHOLE };

struct stream_writer {
	int disk;
	uint64_t disk_bytes;
	ZSTD_DCtx *zstd;
	struct hash *hash;
	enum writer_state state;
	bool frame_ended;
	int failed; /* what ended it, once and for all */
	char fields[STREAM_HEADER_BYTES];
	size_t fields_length;
	void (*on_wait)(void *context);
	void *context;
	char owner[HASH_HEX_LENGTH + 1]; /* "": it is not marked */
	uint64_t synced;		 /* the disk has what was written before */
	uint64_t at;   /* the next byte on the disk: all before it, from the head on, is written */
	uint64_t left; /* of the record */
	char out[CHUNK_BYTES];
	char head[STREAM_HEAD_MAX];
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
	int r = disk_failed(fd_zero(disk, 0, stream_head_bytes(disk_bytes)), err);

	if (r < 0)
		return r;
	struct stream_writer *writer = mem_alloc(sizeof *writer);
	writer->disk = disk;
	writer->disk_bytes = disk_bytes;
	writer->zstd = ZSTD_createDCtx();
	writer->hash = hash_new();
	writer->at = stream_head_bytes(disk_bytes);
	ZSTD_DCtx_setParameter(writer->zstd, ZSTD_d_windowLogMax, STREAM_WINDOW_LOG);
	*ret_writer = writer;
	return 0;
}

void stream_writer_on_wait(struct stream_writer *writer, void (*on_wait)(void *context),
			   void *context)
{
	writer->on_wait = on_wait;
	writer->context = context;
}

void stream_writer_mark(struct stream_writer *writer, const char *owner)
{
	snprintf(writer->owner, sizeof writer->owner, "%s", owner);
}

static int hole_clear(struct stream_writer *writer, uint64_t end, struct err *err)
{
	int r = 0;

	while (r == 0 && writer->at < end) {
		uint64_t left = end - writer->at;
		uint64_t part = left < HOLE_PART_BYTES ? left : HOLE_PART_BYTES;

		r = disk_failed(fd_zero(writer->disk, writer->at, part), err);
		writer->at += part;
		if (writer->on_wait)
			writer->on_wait(writer->context);
	}
	return r;
}

/* The kernel would gather a good part of the memory before it writes: the last sync would take
 * minutes, in which nothing seems to happen. A hint; where it fails that is so. */
static void write_out(struct stream_writer *writer)
{
	if (writer->at < writer->synced + UNSYNCED_BYTES)
		return;
	sync_file_range(writer->disk, 0, (off_t)writer->synced,
			SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
				SYNC_FILE_RANGE_WAIT_AFTER);
	sync_file_range(writer->disk, (off_t)writer->synced, (off_t)(writer->at - writer->synced),
			SYNC_FILE_RANGE_WRITE);
	writer->synced = writer->at;
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
	uint64_t disk_bytes = field(writer, STREAM_MAGIC_BYTES);

	if (memcmp(writer->fields, STREAM_MAGIC, STREAM_MAGIC_BYTES) != 0)
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

	if (is_head ? length != stream_head_bytes(writer->disk_bytes)
		    : offset < writer->at || offset > writer->disk_bytes ||
			      length > writer->disk_bytes - offset || length == 0)
		return bad(err, "a part of it lies where it cannot be");
	int r = hole_clear(writer, end, err);
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
	if (!is_head)
		write_out(writer);
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
			if (fields_take(writer, STREAM_HEADER_BYTES, &data, &length))
				r = header_check(writer, err);
			break;
		case WRITER_RECORD:
			if (fields_take(writer, STREAM_RECORD_BYTES, &data, &length))
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

static int part_write(struct stream_writer *writer, size_t from, size_t end, struct err *err)
{
	int r = disk_failed(fd_pwrite_all(writer->disk, writer->head + from, end - from, from),
			    err);

	return r == 0 && fsync(writer->disk) < 0 ? disk_failed(-errno, err) : r;
}

/* Power may fail between any two sectors: the mark first, what makes it a disk that somebody may
 * want to keep last. */
static int head_write(struct stream_writer *writer, struct err *err)
{
	size_t length = (size_t)stream_head_bytes(writer->disk_bytes);
	size_t first = length < DISK_MARK_BYTES ? length : DISK_MARK_BYTES;
	size_t mark = *writer->owner ? disk_mark_put(writer->head, length, writer->owner) : 0;
	int r = mark ? part_write(writer, mark, mark + DISK_MARK_BYTES, err) : 0;

	if (r == 0 && length > first)
		r = part_write(writer, first, length, err);
	return r < 0 ? r : part_write(writer, 0, first, err);
}

int stream_writer_end(struct stream_writer *writer, const char *sha256, struct err *err)
{
	int r = end_check(writer, sha256, err);

	if (r == 0 && fsync(writer->disk) < 0)
		r = disk_failed(-errno, err);
	return r < 0 ? r : head_write(writer, err);
}

void stream_writer_cleanup(struct stream_writer **writer)
{
	if (!*writer)
		return;
	ZSTD_freeDCtx((*writer)->zstd);
	hash_free((*writer)->hash);
	free(*writer);
}
