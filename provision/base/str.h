/* Strings and memory. Out of memory ends the program here and nowhere else. */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Never return NULL; the caller frees. */
void *mem_alloc(size_t size) __attribute__((returns_nonnull)); /* zeroed */
void *mem_grow(void *old, size_t count, size_t size)	       /* like reallocarray */
	__attribute__((returns_nonnull));
bool mem_is_zero(const void *data, size_t length); /* false for nothing */
char *str_copy(const char *text);		   /* NULL gives NULL */
char *str_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *str_vformat(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

bool str_equal(const char *a, const char *b); /* NULL equals NULL only */
bool str_starts(const char *text, const char *prefix);
/* How much of a text to take for at most max_bytes of it, no UTF-8 character cut in two. */
size_t str_cut(const char *text, size_t max_bytes);
/* Makes a text from elsewhere fit to be shown: control characters, C1 ones too, become blanks. */
void str_tame(char *text);
void str_tame_lines(char *text); /* the same, but lines stay lines */
/* "a\040b" becomes "a b", as fstab and mountinfo write blanks and the like, and "a\x20b" too, as
 * udev does in names under /dev/disk. */
void str_unescape(char *text);
/* Without the double quotes around it, if there are both. The caller frees. */
char *str_unquoted(const char *text);
bool str_ends(const char *text, const char *suffix);

/* A growing text. A zeroed struct is an empty one; data is NUL-terminated once anything was
 * added, and may hold NULs of its own. */
struct buf {
	char *data; /* owned */
	size_t length;
	size_t capacity;
};

void buf_add(struct buf *buf, const void *data, size_t length);
void buf_text(struct buf *buf, const char *text);
void buf_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One word of a POSIX shell: always in single quotes. */
void buf_shell(struct buf *buf, const char *text);
void buf_done(struct buf *buf);		    /* frees and zeroes */
const char *buf_str(const struct buf *buf); /* "" when empty; valid until the next change */

/* An ordered list of owned strings. A zeroed struct is an empty one. items[count] is NULL, so
 * that items serves as an argv. */
struct strv {
	char **items;
	size_t count;
};

void strv_add(struct strv *list, const char *text); /* copies, as all that add do */
void strv_add_all(struct strv *list, const struct strv *others);
/* others: NULL at the end, or NULL for none. */
void strv_add_names(struct strv *list, const char *const *others);
void strv_format(struct strv *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool strv_has(const struct strv *list, const char *text);
void strv_sort(struct strv *list);				 /* bytewise, duplicates removed */
char *strv_join(const struct strv *list, const char *separator); /* caller frees */
void strv_done(struct strv *list);

/* A size in bytes from "12GiB", "512MiB", "4KiB", "1TiB" or a plain number of bytes.
 * -EINVAL for anything else (decimal units too: "2GB" says not which), -ERANGE over 2^63. */
int size_parse(const char *text, uint64_t *ret_bytes);

/* The shortest exact form: 12884901888 is "12GiB", 1000 is "1000". The caller frees. */
char *size_format(uint64_t bytes);
