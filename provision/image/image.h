/* A raw disk image: a sparse regular file. Everything that writes into one goes through here. */
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
/* Opens an existing file. -EBADMSG if it is no regular file or holds no sector. A writable open
 * takes a lock (the one QEMU takes too: OFD write lock) and refuses with -EBUSY if another has it. */
int image_open(const char *path, bool writable, struct image **ret_image, struct err *err);
/* Closes without syncing; NULL is allowed. */
void image_close(struct image *image);
void image_cleanup(struct image **image);

int image_read(struct image *image, uint64_t offset_bytes, void *data, size_t length,
	       struct err *err);
int image_write(struct image *image, uint64_t offset_bytes, const void *data, size_t length,
		struct err *err);
uint64_t image_size_bytes(const struct image *image);
const char *image_path(const struct image *image);
int image_fd(const struct image *image);
