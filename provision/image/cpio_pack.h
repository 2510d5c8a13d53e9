/* A cpio archive (newc, as the kernel unpacks it) in memory. By libarchive. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct cpio_pack;

/* Compressed ones are the same bytes each time. */
enum cpio_filter { CPIO_PLAIN, CPIO_GZIP, CPIO_ZSTD };

/* name: for messages ("the initramfs"); borrowed. */
int cpio_pack_new(const char *name, enum cpio_filter filter, struct cpio_pack **ret_pack,
		  struct err *err);
/* mode with its type: a folder, a file with that content, a symlink whose target is data (a text),
 * or the console's character device. */
int cpio_pack_add(struct cpio_pack *pack, const char *path, uint32_t mode, const void *data,
		  size_t length, struct err *err);
/* Ends the archive; the caller frees *ret_data. Its length is a multiple of 4, if
 * it is not compressed. */
int cpio_pack_end(struct cpio_pack *pack, char **ret_data, size_t *ret_length, struct err *err);
void cpio_pack_cleanup(struct cpio_pack **pack);
