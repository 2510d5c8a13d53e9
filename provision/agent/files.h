/* Small files of the kernel and of the system, below a root (a test's own tree; "" on a real
 * layer). */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* The path with the root before it; cut where it does not fit. */
void file_path(char *out, size_t size, const char *root, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The text up to size - 1 bytes, without white space at its end; "" and false where it cannot be
 * read. */
bool file_text(const char *root, const char *path, char *out, size_t size);
/* The last component of what a link points to; "" and false where it is none. */
bool file_link_name(const char *root, const char *path, char *out, size_t size);
/* KEY=value or KEY="value" of an os-release file (os-release(5)); "" and false where absent. */
bool file_setting(const char *text, const char *key, char *out, size_t size);
