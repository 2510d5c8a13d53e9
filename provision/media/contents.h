/* What lies on a medium: the names and files of an ISO 9660 image, of a netboot archive (tar) or of
 * an unpacked folder. By libarchive. Knows nothing of products. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct contents;

/* Reads the names. -EBADMSG: neither of them, cut short, damaged, or too much of anything. */
int contents_open(const char *path, struct contents **ret_contents, struct err *err);
void contents_free(struct contents *contents); /* NULL is allowed */
void contents_cleanup(struct contents **contents);

/* As it was opened. */
const char *contents_path(const struct contents *contents);
/* ISO 9660 volume label, printable; "" for what has none. */
const char *contents_label(const struct contents *contents);

bool contents_is_image(const struct contents *contents); /* ISO 9660 */
/* An ISO 9660 image with a boot record (El Torito). */
bool contents_boots(const struct contents *contents);

/* The name as the medium writes it, of a regular file that is there; else NULL. A leading / is
 * ignored; where no name is spelt so, letters count as equal in either case. Owned by contents. */
const char *contents_find(const struct contents *contents, const char *name);

/* Reads a file of at most max_bytes; NUL-terminated, the caller frees. -ENOENT; -EBADMSG: larger,
 * no regular file, or damaged. ret_length may be NULL. */
int contents_read(const struct contents *contents, const char *name, size_t max_bytes,
		  char **ret_text, size_t *ret_length, struct err *err);
/* Writes a file to an open, empty descriptor. Errors as contents_read, and those of writing. */
int contents_copy(const struct contents *contents, const char *name, int fd, struct err *err);
