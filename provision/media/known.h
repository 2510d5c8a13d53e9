/* Checksums of media that were read as a whole before: one of several GiB is not read again at
 * every plan. Known by its file's path, number, size and times; what was written to a moment ago is
 * read. */
#pragma once
#include "base/hash.h"

/* SHA-256 of a regular file. folder: where the sums are kept; it is made, but not the one around
 * it; NULL: nowhere. Errors as hash_file's. */
int medium_sum(const char *path, const char *folder, char ret_hex[HASH_HEX_LENGTH + 1],
	       struct err *err);
