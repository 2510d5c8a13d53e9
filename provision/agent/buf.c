#include "buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_MIN_BYTES 256

char *buf_room(struct buf *buf, size_t more)
{
	size_t capacity = buf->capacity ? buf->capacity : BUF_MIN_BYTES;

	if (more > SIZE_MAX / 4 - buf->length)
		abort();
	while (capacity < buf->length + more)
		capacity *= 2;
	if (capacity != buf->capacity) {
		buf->data = realloc(buf->data, capacity);
		if (!buf->data)
			abort();
		buf->capacity = capacity;
	}
	return buf->data + buf->length;
}

void buf_add(struct buf *buf, const void *data, size_t length)
{
	if (length == 0)
		return;
	memcpy(buf_room(buf, length), data, length);
	buf->length += length;
}

void buf_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_format(struct buf *buf, const char *format, ...)
{
	va_list args;
	char text[512];

	va_start(args, format);
	int length = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (length > 0)
		buf_add(buf, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

void buf_drop(struct buf *buf, size_t length)
{
	if (length > buf->length)
		length = buf->length;
	buf->length -= length;
	if (length > 0)
		memmove(buf->data, buf->data + length, buf->length);
}

void buf_done(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}

void text_copy(char *to, size_t size, const char *from)
{
	size_t length = strlen(from);

	if (length >= size)
		length = size - 1;
	memcpy(to, from, length);
	to[length] = '\0';
}
