#include "base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *data, size_t length, struct buf *out)
{
	const unsigned char *in = data;

	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t bits = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
				(left > 2 ? in[i + 2] : 0);
		char *group = buf_room(out, 4);

		group[0] = alphabet[bits >> 18];
		group[1] = alphabet[bits >> 12 & 63];
		group[2] = left > 1 ? alphabet[bits >> 6 & 63] : '=';
		group[3] = left > 2 ? alphabet[bits & 63] : '=';
		out->length += 4;
	}
}

static int digit(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

/* One group; returns the bytes it holds, -1 if it is none. */
static int group_decode(const char *text, bool is_last, unsigned char out[3])
{
	int padding = text[3] != '=' ? 0 : text[2] != '=' ? 1 : 2;
	uint32_t bits = 0;

	if (padding && !is_last)
		return -1;
	for (int i = 0; i < 4; i++) {
		int value = i < 4 - padding ? digit(text[i]) : 0;

		if (value < 0)
			return -1;
		bits = bits << 6 | (uint32_t)value;
	}
	out[0] = (unsigned char)(bits >> 16);
	out[1] = (unsigned char)(bits >> 8);
	out[2] = (unsigned char)bits;
	return 3 - padding;
}

bool base64_decode(const char *text, size_t length, struct buf *out)
{
	size_t before = out->length;

	if (length % 4 != 0)
		return false;
	for (size_t i = 0; i < length; i += 4) {
		unsigned char bytes[3];
		int count = group_decode(text + i, i + 4 == length, bytes);

		if (count < 0) {
			out->length = before;
			return false;
		}
		buf_add(out, bytes, (size_t)count);
	}
	return true;
}
