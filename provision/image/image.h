/* A raw disk image: a sparse regular file, or one inside the file system of another image
 * (nested.h). Everything that writes into one goes through here and need not know which. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct image;

/* A run of bytes of an image: a partition, or the whole. */
struct extent {
	uint64_t start_bytes, size_bytes;
};

/* Makes a sparse file of that size on an open descriptor (empty, read-write), which the image
 * then owns; path is for messages. */
int image_create(int fd, const char *path, uint64_t size_bytes, struct image **ret_image,
		 struct err *err);
/* Opens an existing file, or a disk. -EBADMSG if it is neither or holds no sector. A writable open
 * takes a lock (the one QEMU takes too: OFD write lock); -EBUSY if another has it. */
int image_open(const char *path, bool writable, struct image **ret_image, struct err *err);
/* What keeps the bytes of an image. Ranges are checked before they come here. */
struct image_store {
	int (*read)(void *context, uint64_t offset_bytes, void *data, size_t length,
		    struct err *err);
	int (*write)(void *context, uint64_t offset_bytes, const void *data, size_t length,
		     struct err *err);
	int (*zero)(void *context, uint64_t offset_bytes, uint64_t length_bytes, struct err *err);
	int (*next_data)(void *context, uint64_t offset_bytes, uint64_t end_bytes,
			 struct extent *ret_run, struct err *err);
	/* Both free the context, finish on failure too; NULL: there is nothing to do. */
	int (*finish)(void *context, struct err *err);
	void (*discard)(void *context);
};

/* An image kept by something else than a file; it owns the context. */
struct image *image_on(const struct image_store *store, void *context, const char *path,
		       uint64_t size_bytes);
/* The image is complete: one inside another gets its name there. Frees it, on failure too. A file
 * of its own is closed, not synced: that belongs to publishing. */
int image_finish(struct image *image, struct err *err);
/* Closes without syncing; one inside another that is not finished is given up. NULL is allowed. */
void image_close(struct image *image);
void image_cleanup(struct image **image);

struct undo;
/* From now on (NULL: no longer) what writing overwrites is kept there; borrowed. */
void image_set_undo(struct image *image, struct undo *undo);

/* All of it, or -EBADMSG where it reaches beyond the end; else the errno of the file. */
int image_read(struct image *image, uint64_t offset_bytes, void *data, size_t length,
	       struct err *err);
int image_write(struct image *image, uint64_t offset_bytes, const void *data, size_t length,
		struct err *err);
/* Copies that part of the image to an empty file of the same size, holes left as holes. */
int image_copy_out(struct image *image, const struct extent *where, int fd, struct err *err);
/* Writes what an open file holds at offset_bytes, where it differs; its holes are left alone. */
int image_copy_in(struct image *image, uint64_t offset_bytes, int fd, struct err *err);
/* Makes that part read as zeros, as a hole where the file system of the image can do that. */
int image_zero(struct image *image, uint64_t offset_bytes, uint64_t length_bytes, struct err *err);
/* The first run of data at or after offset_bytes and before end_bytes: 1 and the run in ret_run,
 * 0 if there is none (all the rest is a hole). */
int image_next_data(struct image *image, uint64_t offset_bytes, uint64_t end_bytes,
		    struct extent *ret_run, struct err *err);
uint64_t image_size_bytes(const struct image *image);
const char *image_path(const struct image *image);
/* -1 for an image inside another. */
int image_fd(const struct image *image);
/* A descriptor for libraries that only look: that part of the image begins at ret_offset_bytes.
 * Of an image inside another it has the first and the last MiB of the part, where signatures are.
 * The caller closes it. */
int image_view(struct image *image, const struct extent *where, int *ret_fd,
	       uint64_t *ret_offset_bytes, struct err *err);
