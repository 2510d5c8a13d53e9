#include "answers/escape.h"

#include <ctype.h>
#include <string.h>

void escape_xml(const char *text, struct buf *out)
{
	static const char *const entities[] = {
		['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&apos;"
	};

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		const char *entity = c < sizeof entities / sizeof *entities ? entities[c] : NULL;

		if (entity)
			buf_text(out, entity);
		else
			buf_add(out, text, 1);
	}
}

static bool is_plain(const char *text, const char *besides)
{
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr(besides, *c))
			return false;
	return *text != '\0';
}

void escape_kickstart(const char *text, struct buf *out)
{
	if (is_plain(text, "-_.:,/@+=")) {
		buf_text(out, text);
		return;
	}
	buf_text(out, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_text(out, "\\");
		buf_add(out, text, 1);
	}
	buf_text(out, "\"");
}

void escape_toml(const char *text, struct buf *out)
{
	buf_text(out, "\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f) {
			buf_format(out, "\\u%04X", c);
			continue;
		}
		if (c == '"' || c == '\\')
			buf_text(out, "\\");
		buf_add(out, text, 1);
	}
	buf_text(out, "\"");
}

bool escape_not_needed(const char *text)
{
	return is_plain(text, "-_.:");
}
