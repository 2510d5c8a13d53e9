/* The names in an initial ramdisk. */
#pragma once
#include <stddef.h>

#include "base/err.h"

/* Calls each() with every path: uncompressed archives in front (microcode), then one that may be
 * compressed (gzip, bzip2, xz, lzma, zstd, lz4). -EBADMSG: damaged, cut short or no archive. */
int cpio_each_name(const void *data, size_t length, void (*each)(void *context, const char *path),
		   void *context, struct err *err);
