/* An image that is a file in the file system of another image: its bytes go straight to the blocks
 * that the file has there, holes are never written at any level. */
#pragma once
#include "image/fsys.h"

/* Begins the file; it gets its name with image_finish, which must come before the outer file
 * system is closed. Files that are put into the outer one meanwhile do no harm. attributes NULL:
 * 0600 root. */
int nested_create(struct fsys *outer, const char *path, uint64_t size_bytes,
		  const struct fsys_attributes *attributes, struct image **ret_image,
		  struct err *err);
/* The same of a file that is there, with the size that it has; image_finish it, too. */
int nested_open(struct fsys *outer, const char *path, struct image **ret_image, struct err *err);
