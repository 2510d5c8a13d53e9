/* Growable bytes, taken away at the front: what the agent gathers and sends. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* owned; not NUL-terminated */
	size_t length;
	size_t capacity;
};

/* Out of memory ends the agent: init of a host starts it again, and a small guest whose kernel
 * refuses these few KiB is lost anyway. */
void buf_add(struct buf *buf, const void *data, size_t length);
void buf_text(struct buf *buf, const char *text);
void buf_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Room for more bytes behind the end; the caller raises length by what it wrote. */
char *buf_room(struct buf *buf, size_t more);
/* Takes bytes away at the front. */
void buf_drop(struct buf *buf, size_t length);
void buf_done(struct buf *buf);

/* Copies what fits, always terminated. */
void text_copy(char *to, size_t size, const char *from);
