#include "utf8.h"

size_t utf8_length(const char *text, size_t length)
{
	const unsigned char *in = (const unsigned char *)text;
	size_t count;
	uint32_t code;

	if (length == 0)
		return 0;
	if (in[0] < 0x80)
		return 1;
	count = in[0] >= 0xf0 && in[0] < 0xf5	? 4
		: in[0] >= 0xe0 && in[0] < 0xf0 ? 3
		: in[0] >= 0xc2 && in[0] < 0xe0 ? 2
						: 0;
	if (count == 0 || count > length)
		return 0;
	code = in[0] & (0xffu >> (count + 1));
	for (size_t i = 1; i < count; i++) {
		if ((in[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (in[i] & 0x3f);
	}
	if ((count == 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) ||
	    (count == 4 && (code < 0x10000 || code > 0x10ffff)))
		return 0;
	return count;
}

size_t utf8_put(uint32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}
