#include "utf8.h"

#include <stdbool.h>

/* RFC 3629, section 3: what the first byte says of the rest. The first byte 0x80..0xc1 begins
 * nothing, and beyond 0xf4 there is no character. */
static const struct form {
	unsigned char first, last; /* of the first byte */
	unsigned char count;	   /* bytes of the character */
	uint32_t min;		   /* the smallest that needs so many */
} forms[] = {
	{ 0x00, 0x7f, 1, 0 },
	{ 0xc2, 0xdf, 2, 0x80 },
	{ 0xe0, 0xef, 3, 0x800 },
	{ 0xf0, 0xf4, 4, 0x10000 },
};

static const struct form *form_of(unsigned char first)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (first >= forms[i].first && first <= forms[i].last)
			return &forms[i];
	return NULL;
}

static bool is_surrogate(uint32_t code)
{
	return code >= 0xd800 && code < 0xe000;
}

size_t utf8_length(const char *text, size_t length)
{
	const unsigned char *in = (const unsigned char *)text;
	const struct form *form = length > 0 ? form_of(in[0]) : NULL;
	uint32_t code;

	if (!form || form->count > length)
		return 0;
	if (form->count == 1)
		return 1;
	code = in[0] & (0xffu >> (form->count + 1));
	for (size_t i = 1; i < form->count; i++) {
		if ((in[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (in[i] & 0x3f);
	}
	return code < form->min || is_surrogate(code) || code > 0x10ffff ? 0 : form->count;
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
