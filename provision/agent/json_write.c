/* The writing half of json.h. */
#include "json.h"

#include <string.h>

#include "base64.h"
#include "utf8.h"

static bool at_start(const struct buf *out)
{
	char last = out->length ? out->data[out->length - 1] : '{';

	return last == '{' || last == '[';
}

static void comma(struct buf *out)
{
	if (!at_start(out))
		buf_text(out, ",");
}

static void character(struct buf *out, const char *text, size_t length)
{
	unsigned char c = (unsigned char)*text;

	if (c == '"' || c == '\\')
		buf_format(out, "\\%c", c);
	else if (c == '\n')
		buf_text(out, "\\n");
	else if (c == '\t')
		buf_text(out, "\\t");
	else if (c < 0x20 || c == 0x7f)
		buf_format(out, "\\u%04x", c);
	else
		buf_add(out, text, length);
}

static void quoted(struct buf *out, const char *text, size_t length)
{
	buf_text(out, "\"");
	for (size_t i = 0; i < length;) {
		size_t part = text[i] ? utf8_length(text + i, length - i) : 0;

		if (part > 0)
			character(out, text + i, part);
		else
			buf_text(out, "\xef\xbf\xbd");
		i += part ? part : 1;
	}
	buf_text(out, "\"");
}

static void key_add(struct buf *out, const char *key)
{
	comma(out);
	quoted(out, key, strlen(key));
	buf_text(out, ":");
}

void json_begin(struct buf *out, const char *kind)
{
	buf_text(out, "{");
	json_text(out, "t", kind);
}

void json_text(struct buf *out, const char *key, const char *text)
{
	key_add(out, key);
	quoted(out, text, strlen(text));
}

void json_number(struct buf *out, const char *key, unsigned long long number)
{
	key_add(out, key);
	buf_format(out, "%llu", number);
}

void json_seconds(struct buf *out, const char *key, double seconds)
{
	key_add(out, key);
	buf_format(out, "%.2f", seconds);
}

void json_data(struct buf *out, const char *key, const void *data, size_t length)
{
	key_add(out, key);
	buf_text(out, "\"");
	base64_encode(data, length, out);
	buf_text(out, "\"");
}

void json_open(struct buf *out, const char *key, char bracket)
{
	key_add(out, key);
	buf_add(out, &bracket, 1);
}

void json_element(struct buf *out, const char *text)
{
	comma(out);
	quoted(out, text, strlen(text));
}

void json_close(struct buf *out, char bracket)
{
	buf_add(out, &bracket, 1);
}
