/* Whole files, for the grubfix program alone: the library reads none. */
#pragma once
#include <stddef.h>

#include "base/err.h"

/* Reads a file ("-": standard input) of at most max_bytes; NUL-terminated, the caller frees.
 * -EBADMSG for a larger one, else the errno of opening or reading. */
int input_read(const char *path, size_t max_bytes, char **ret_text, size_t *ret_length,
	       struct err *err);
