/* Making streams. */
#include "pxe/stream.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <zstd.h>

#include "base/fs.h"
#include "image/image.h"
#include "pxe/stream_format.h"

#define BLOCK_BYTES ((size_t)65536) /* what is zero in a whole block is a hole */
#define CHUNK_BYTES ((size_t)1 << 20)
#define LEVEL	    3 /* 900 MiB in 3.4 s on two cores; level 1: 2.7 s, and a tenth larger */
#define WORKERS	    2

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
	int r = packer_add(packer, record, STREAM_RECORD_BYTES, false, err);

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
	uint64_t at = stream_head_bytes(disk_bytes);
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
	char header[STREAM_HEADER_BYTES] = STREAM_MAGIC;
	size_t head = (size_t)stream_head_bytes(disk_bytes);
	const uint64_t size = htole64(disk_bytes);

	memcpy(header + STREAM_MAGIC_BYTES, &size, sizeof size);
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
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, STREAM_WINDOW_LOG);
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
