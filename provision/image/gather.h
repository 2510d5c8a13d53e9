/* Gathers small writes into large ones on their way to an image: a file system that is being made
 * writes its data in order and its tables a few bytes at a time, here and there. What is gathered
 * reaches the image late and in another order than it was written: for images that nobody looks at
 * before they are complete. */
#pragma once
#include "image/image.h"

struct gather;

/* The image is borrowed. Never NULL. */
struct gather *gather_new(struct image *image);
/* Gives up what has not reached the image. NULL is allowed. */
void gather_free(struct gather *gather);

/* As image_read, image_write and image_zero, each as if everything before had reached the image.
 * An error may be that of an earlier write. */
int gather_read(struct gather *gather, uint64_t offset_bytes, void *data, size_t length,
		struct err *err);
int gather_write(struct gather *gather, uint64_t offset_bytes, const void *data, size_t length,
		 struct err *err);
int gather_zero(struct gather *gather, uint64_t offset_bytes, uint64_t length_bytes,
		struct err *err);
/* Everything reaches the image. */
int gather_flush(struct gather *gather, struct err *err);
