/* Raw images: every byte that goes into one goes through here, so that what is above needs to
 * know neither files nor locks nor holes. */
#include "image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/str.h"
#include "image/undo.h"

#define SECTOR_BYTES	 512
#define COMPARE_BYTES	 4096
#define FILE_CHUNK_BYTES ((size_t)1 << 20)
#define VIEW_EDGE_BYTES	 (UINT64_C(1) << 20)
#define WRITE_OUT_BYTES	 (UINT64_C(32) << 20)

/* QEMU holds shared locks on byte 100 + n for each permission that it uses and on 200 + n for
 * each that it denies others. One write lock over both ranges meets every one of them.
 * Source: QEMU block/file-posix.c, RAW_LOCK_PERM_BASE and RAW_LOCK_SHARED_BASE. */
#define LOCK_START_BYTES  100
#define LOCK_LENGTH_BYTES 200

struct image {
	const struct image_store *store;
	void *context; /* of a file: the image itself */
	int fd;	       /* -1: kept by something else */
	char *path;
	uint64_t size_bytes;
	uint64_t unsent_bytes; /* of a file: written since the kernel was last asked to write out */
	struct undo *undo;     /* borrowed, or NULL */
};

static const struct image_store file_store;

static int image_lock(int fd, const char *path, struct err *err)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = LOCK_START_BYTES,
		.l_len = LOCK_LENGTH_BYTES,
	};

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return err_set(err, -EBUSY,
			       "%s: is in use by another program (a running machine or another "
			       "nestctl): stop that first",
			       path);
	return err_errno(err, errno, "%s: cannot be locked", path);
}

struct image *image_on(const struct image_store *store, void *context, const char *path,
		       uint64_t size_bytes)
{
	struct image *image = mem_alloc(sizeof *image);

	image->store = store;
	image->context = context;
	image->fd = -1;
	image->path = str_copy(path);
	image->size_bytes = size_bytes;
	return image;
}

static struct image *image_on_file(int fd, const char *path, uint64_t size_bytes)
{
	struct image *image = image_on(&file_store, NULL, path, size_bytes);

	image->context = image;
	image->fd = fd;
	return image;
}

int image_create(int fd, const char *path, uint64_t size_bytes, struct image **ret_image,
		 struct err *err)
{
	CLEANUP(fd_cleanup) int owned = fd;

	if (size_bytes < SECTOR_BYTES || size_bytes > INT64_MAX)
		return err_set(err, -EINVAL, "%s: %" PRIu64 " bytes is no size for an image", path,
			       size_bytes);
	int r = image_lock(owned, path, err);
	if (r < 0)
		return r;
	if (ftruncate(owned, (off_t)size_bytes) < 0)
		return err_errno(err, errno, "%s: cannot be given its size of %" PRIu64 " bytes",
				 path, size_bytes);
	*ret_image = image_on_file(fd_take(&owned), path, size_bytes);
	return 0;
}

int image_open(const char *path, bool writable, struct image **ret_image, struct err *err)
{
	/* O_NONBLOCK: a FIFO under that name must not hold us up. */
	int flags = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK;
	CLEANUP(fd_cleanup) int fd = open(path, flags);
	struct stat status;

	if (fd < 0 && errno == EISDIR)
		return err_set(err, -EBADMSG, "%s: is a folder, not an image", path);
	if (fd < 0)
		return err_errno(err, errno, "%s: cannot be opened", path);
	if (fstat(fd, &status) < 0)
		return err_errno(err, errno, "%s: cannot be examined", path);
	if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
		return err_set(err, -EBADMSG, "%s: is no regular file, so it is no image", path);
	off_t size = lseek(fd, 0, SEEK_END); /* st_size of a disk is 0 */
	if (size < SECTOR_BYTES)
		return err_set(err, -EBADMSG,
			       "%s: has %jd bytes, less than one sector: it is no image", path,
			       (intmax_t)size);
	if (writable) {
		int r = image_lock(fd, path, err);

		if (r < 0)
			return r;
	}
	*ret_image = image_on_file(fd_take(&fd), path, (uint64_t)size);
	return 0;
}

static void image_free(struct image *image)
{
	if (image->fd >= 0)
		close(image->fd);
	free(image->path);
	free(image);
}

int image_finish(struct image *image, struct err *err)
{
	int r = image->store->finish ? image->store->finish(image->context, err) : 0;

	image_free(image);
	return r;
}

void image_close(struct image *image)
{
	if (!image)
		return;
	if (image->store->discard)
		image->store->discard(image->context);
	image_free(image);
}

void image_cleanup(struct image **image)
{
	image_close(*image);
}

/* --- a file of its own ---------------------------------------------------------------------- */

static int file_read_at(void *context, uint64_t offset, void *data, size_t length, struct err *err)
{
	struct image *image = context;
	ssize_t got = fd_pread_all(image->fd, data, length, offset);

	if (got < 0)
		return err_errno(err, (int)-got, "%s: cannot be read at byte %" PRIu64, image->path,
				 offset);
	if ((size_t)got < length)
		return err_set(err, -EBADMSG, "%s: shrank while it was read", image->path);
	return 0;
}

/* The disk is at work while the rest is composed: what publishes the image syncs it in the end. A
 * hint; where it fails the sync takes longer. */
static void write_out(struct image *image, size_t length)
{
	image->unsent_bytes += length;
	if (image->unsent_bytes < WRITE_OUT_BYTES)
		return;
	image->unsent_bytes = 0;
	sync_file_range(image->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

static int file_write_at(void *context, uint64_t offset, const void *data, size_t length,
			 struct err *err)
{
	struct image *image = context;
	int r = fd_pwrite_all(image->fd, data, length, offset);

	if (r < 0)
		return err_errno(err, -r, "%s: cannot be written at byte %" PRIu64, image->path,
				 offset);
	write_out(image, length);
	return 0;
}

static int file_zero(void *context, uint64_t offset, uint64_t length, struct err *err)
{
	struct image *image = context;
	int r = fd_zero(image->fd, offset, length);

	return r < 0 ? err_errno(err, -r, "%s: cannot be zeroed at byte %" PRIu64, image->path,
				 offset)
		     : 0;
}

static int file_next_data(void *context, uint64_t offset, uint64_t end, struct extent *ret_run,
			  struct err *err)
{
	struct image *image = context;
	off_t data = lseek(image->fd, (off_t)offset, SEEK_DATA);

	if (data < 0 && errno == ENXIO)
		return 0;
	off_t hole = data < 0 ? -1 : lseek(image->fd, data, SEEK_HOLE);
	if (data < 0 && errno == EINVAL) { /* a disk has no holes */
		data = (off_t)offset;
		hole = (off_t)end;
	}
	if (hole < 0)
		return err_errno(err, errno, "%s: its holes cannot be found", image->path);
	if ((uint64_t)data >= end)
		return 0;
	ret_run->start_bytes = (uint64_t)data;
	ret_run->size_bytes = ((uint64_t)hole < end ? (uint64_t)hole : end) - (uint64_t)data;
	return 1;
}

static const struct image_store file_store = {
	.read = file_read_at,
	.write = file_write_at,
	.zero = file_zero,
	.next_data = file_next_data,
};

/* --- any image ------------------------------------------------------------------------------ */

static int range_check(const struct image *image, uint64_t offset, uint64_t length, struct err *err)
{
	if (offset > image->size_bytes || length > image->size_bytes - offset)
		return err_set(err, -EBADMSG,
			       "%s: bytes %" PRIu64 " to %" PRIu64
			       " lie outside the image of %" PRIu64 " bytes: it is cut short",
			       image->path, offset, offset + length, image->size_bytes);
	return 0;
}

int image_read(struct image *image, uint64_t offset_bytes, void *data, size_t length,
	       struct err *err)
{
	int r = range_check(image, offset_bytes, length, err);

	return r < 0 ? r : image->store->read(image->context, offset_bytes, data, length, err);
}

void image_set_undo(struct image *image, struct undo *undo)
{
	image->undo = undo;
}

int image_write(struct image *image, uint64_t offset_bytes, const void *data, size_t length,
		struct err *err)
{
	int r = range_check(image, offset_bytes, length, err);
	bool same = false;

	if (r == 0 && image->undo)
		r = undo_note(image->undo, image, offset_bytes, data, length, &same, err);
	if (r < 0 || same)
		return r;
	return image->store->write(image->context, offset_bytes, data, length, err);
}

/* Copies the data of [start, end) to where it lies within that part of the image. */
static int data_copy_out(struct image *image, const struct extent *where, uint64_t start,
			 uint64_t end, int fd, struct err *err)
{
	CLEANUP(free_cleanup) char *chunk = mem_alloc(FILE_CHUNK_BYTES);
	struct extent run;
	int r;

	while ((r = image_next_data(image, start, end, &run, err)) > 0) {
		uint64_t left = run.size_bytes;
		size_t part = left < FILE_CHUNK_BYTES ? (size_t)left : FILE_CHUNK_BYTES;

		r = image_read(image, run.start_bytes, chunk, part, err);
		if (r == 0)
			r = fd_pwrite_all(fd, chunk, part, run.start_bytes - where->start_bytes);
		if (r < 0)
			return err_wrap(err, r, "%s: a copy of a part of it", image->path);
		start = run.start_bytes + part;
	}
	return r;
}

int image_copy_out(struct image *image, const struct extent *where, int fd, struct err *err)
{
	uint64_t start = where->start_bytes;

	if (ftruncate(fd, (off_t)where->size_bytes) < 0)
		return err_errno(err, errno, "%s: a copy of a part of it", image->path);
	return data_copy_out(image, where, start, start + where->size_bytes, fd, err);
}

/* Writes a chunk block by block, those left out that hold the same already. */
static int differing_write(struct image *image, uint64_t offset, const char *chunk, char *before,
			   size_t length, struct err *err)
{
	int r = image_read(image, offset, before, length, err);

	for (size_t at = 0; r == 0 && at < length; at += COMPARE_BYTES) {
		size_t part = length - at < COMPARE_BYTES ? length - at : COMPARE_BYTES;

		if (memcmp(chunk + at, before + at, part) != 0)
			r = image_write(image, offset + at, chunk + at, part, err);
	}
	return r;
}

int image_copy_in(struct image *image, uint64_t offset, int fd, struct err *err)
{
	CLEANUP(free_cleanup) char *chunk = mem_alloc(FILE_CHUNK_BYTES);
	CLEANUP(free_cleanup) char *before = mem_alloc(FILE_CHUNK_BYTES);
	off_t data = 0;

	while ((data = lseek(fd, data, SEEK_DATA)) >= 0) {
		off_t hole = lseek(fd, data, SEEK_HOLE);

		if (hole < 0)
			return err_errno(err, errno, "%s: reading what is to be written into it",
					 image->path);
		while (data < hole) {
			uint64_t left = (uint64_t)(hole - data);
			ssize_t got = fd_pread_all(
				fd, chunk, left < FILE_CHUNK_BYTES ? left : FILE_CHUNK_BYTES,
				(uint64_t)data);

			if (got <= 0)
				return err_set(err, -EIO,
					       "%s: reading what is to be written into it",
					       image->path);
			int r = differing_write(image, offset + (uint64_t)data, chunk, before,
						(size_t)got, err);
			if (r < 0)
				return r;
			data += got;
		}
	}
	return errno == ENXIO ? 0
			      : err_errno(err, errno, "%s: reading what is to be written into it",
					  image->path);
}

int image_zero(struct image *image, uint64_t offset_bytes, uint64_t length_bytes, struct err *err)
{
	int r = range_check(image, offset_bytes, length_bytes, err);
	bool same = false;

	if (r == 0 && image->undo)
		r = undo_note(image->undo, image, offset_bytes, NULL, length_bytes, &same, err);
	if (r < 0 || same || length_bytes == 0)
		return r;
	return image->store->zero(image->context, offset_bytes, length_bytes, err);
}

int image_next_data(struct image *image, uint64_t offset_bytes, uint64_t end_bytes,
		    struct extent *ret_run, struct err *err)
{
	if (end_bytes > image->size_bytes)
		end_bytes = image->size_bytes;
	if (offset_bytes >= end_bytes)
		return 0;
	return image->store->next_data(image->context, offset_bytes, end_bytes, ret_run, err);
}

int image_view(struct image *image, const struct extent *where, int *ret_fd,
	       uint64_t *ret_offset_bytes, struct err *err)
{
	uint64_t start = where->start_bytes, end = start + where->size_bytes;
	int r = range_check(image, start, where->size_bytes, err);

	if (r < 0)
		return r;
	CLEANUP(fd_cleanup)
	int fd = image->fd >= 0 ? fcntl(image->fd, F_DUPFD_CLOEXEC, 3)
				: memfd_create("image", MFD_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "%s: cannot be looked at", image->path);
	if (image->fd < 0) {
		bool whole = where->size_bytes <= 2 * VIEW_EDGE_BYTES;

		if (ftruncate(fd, (off_t)where->size_bytes) < 0)
			return err_errno(err, errno, "%s: cannot be looked at", image->path);
		r = data_copy_out(image, where, start, whole ? end : start + VIEW_EDGE_BYTES, fd,
				  err);
		if (r == 0 && !whole)
			r = data_copy_out(image, where, end - VIEW_EDGE_BYTES, end, fd, err);
		if (r < 0)
			return r;
	}
	*ret_offset_bytes = image->fd >= 0 ? start : 0;
	*ret_fd = fd_take(&fd);
	return 0;
}

uint64_t image_size_bytes(const struct image *image)
{
	return image->size_bytes;
}

const char *image_path(const struct image *image)
{
	return image->path;
}

int image_fd(const struct image *image)
{
	return image->fd;
}
