#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *mem_check(void *memory)
{
	if (!memory) {
		fputs("nestctl: out of memory\n", stderr);
		abort();
	}
	return memory;
}

void *mem_alloc(size_t size)
{
	return mem_check(calloc(1, size ? size : 1));
}

void *mem_grow(void *old, size_t count, size_t size)
{
	return mem_check(reallocarray(old, count ? count : 1, size));
}

bool mem_is_zero(const void *data, size_t length)
{
	const char *bytes = data;

	return length > 0 && bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

char *str_copy(const char *text)
{
	return text ? mem_check(strdup(text)) : NULL;
}

char *str_vformat(const char *format, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	return mem_check(text);
}

char *str_format(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = str_vformat(format, args);
	va_end(args);
	return text;
}

bool str_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

size_t str_cut(const char *text, size_t max_bytes)
{
	size_t length = strnlen(text, max_bytes);

	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	return length;
}

void str_tame(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		bool c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f; /* in UTF-8 */

		if (c1)
			c[1] = ' ';
		if (c1 || *c < 0x20 || *c == 0x7f)
			*c = ' ';
	}
}

void str_tame_lines(char *text)
{
	char *end;

	for (; (end = strchr(text, '\n')); text = end + 1) {
		*end = '\0';
		str_tame(text);
		*end = '\n';
	}
	str_tame(text);
}

/* The byte that "\040" or "\x20" stands for; 0: there is no such escape. */
static unsigned escaped_byte(const char *text)
{
	bool hex = str_starts(text, "\\x");
	char digits[4] = { 0 };

	if (*text != '\\')
		return 0;
	for (size_t i = 0; i < 3 && text[i + 1]; i++)
		digits[i] = text[i + 1];
	if (hex)
		*digits = '0';
	if (strspn(digits, hex ? "0123456789abcdefABCDEF" : "01234567") < 3)
		return 0;
	unsigned long byte = strtoul(digits, NULL, hex ? 16 : 8);
	return byte < 256 ? (unsigned)byte : 0;
}

void str_unescape(char *text)
{
	char *out = text;

	for (; *text; text++) {
		unsigned byte = escaped_byte(text);

		if (byte > 0) {
			*out++ = (char)byte;
			text += 3;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

char *str_unquoted(const char *text)
{
	size_t length = strlen(text);
	bool quoted = length >= 2 && *text == '"' && text[length - 1] == '"';

	return str_format("%.*s", (int)(length - 2 * quoted), text + quoted);
}

bool str_ends(const char *text, const char *suffix)
{
	size_t length = strlen(text), tail = strlen(suffix);

	return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

void buf_add(struct buf *buf, const void *data, size_t length)
{
	if (buf->capacity - buf->length <= length) {
		size_t wanted = buf->length + length + 1;

		buf->capacity = wanted < 2 * buf->capacity ? 2 * buf->capacity : wanted;
		buf->data = mem_grow(buf->data, buf->capacity, 1);
	}
	if (length > 0)
		memcpy(buf->data + buf->length, data, length);
	buf->length += length;
	buf->data[buf->length] = '\0';
}

void buf_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_format(struct buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = str_vformat(format, args);
	va_end(args);
	buf_text(buf, text);
	free(text);
}

void buf_shell(struct buf *buf, const char *text)
{
	buf_text(buf, "'");
	for (; *text; text++) {
		if (*text == '\'')
			buf_text(buf, "'\\''");
		else
			buf_add(buf, text, 1);
	}
	buf_text(buf, "'");
}

void buf_done(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}

const char *buf_str(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

static void strv_take(struct strv *list, char *text)
{
	list->items = mem_grow(list->items, list->count + 2, sizeof *list->items);
	list->items[list->count++] = text;
	list->items[list->count] = NULL;
}

void strv_add(struct strv *list, const char *text)
{
	strv_take(list, str_copy(text));
}

void strv_add_all(struct strv *list, const struct strv *others)
{
	for (size_t i = 0; i < others->count; i++)
		strv_add(list, others->items[i]);
}

void strv_add_names(struct strv *list, const char *const *others)
{
	for (; others && *others; others++)
		strv_add(list, *others);
}

void strv_format(struct strv *list, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	strv_take(list, str_vformat(format, args));
	va_end(args);
}

bool strv_has(const struct strv *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

static int text_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *list)
{
	size_t kept = 0;

	if (list->count == 0)
		return;
	qsort(list->items, list->count, sizeof *list->items, text_compare);
	for (size_t i = 0; i < list->count; i++) {
		if (kept > 0 && strcmp(list->items[i], list->items[kept - 1]) == 0)
			free(list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
	list->items[kept] = NULL;
}

char *strv_join(const struct strv *list, const char *separator)
{
	struct buf text = { 0 };

	buf_text(&text, "");
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0)
			buf_text(&text, separator);
		buf_text(&text, list->items[i]);
	}
	return text.data;
}

void strv_done(struct strv *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct strv){ 0 };
}

static const struct {
	const char *name;
	unsigned shift;
} size_units[] = {
	{ "TiB", 40 }, { "GiB", 30 }, { "MiB", 20 }, { "KiB", 10 }, { "", 0 },
};

#define SIZE_UNITS (sizeof size_units / sizeof *size_units)

int size_parse(const char *text, uint64_t *ret_bytes)
{
	char *end = NULL;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	if (errno == ERANGE)
		return -ERANGE;
	for (size_t i = 0; i < SIZE_UNITS; i++) {
		if (strcmp(end, size_units[i].name) != 0)
			continue;
		if (number > (uint64_t)INT64_MAX >> size_units[i].shift)
			return -ERANGE;
		*ret_bytes = (uint64_t)number << size_units[i].shift;
		return 0;
	}
	return -EINVAL;
}

char *size_format(uint64_t bytes)
{
	for (size_t i = 0; i < SIZE_UNITS; i++) {
		uint64_t unit = UINT64_C(1) << size_units[i].shift;

		if (bytes >= unit && bytes % unit == 0)
			return str_format("%llu%s", (unsigned long long)(bytes / unit),
					  size_units[i].name);
	}
	return str_copy("0");
}
