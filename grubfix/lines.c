#include "lines.h"

#include <string.h>

static bool ends_word(const struct doc *doc, size_t at)
{
	char c = doc_peek(doc, at);

	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v' ||
	       at >= doc->length - doc->cursor;
}

/* The kernel takes name="two words" as one argument. */
static size_t quoted_length(const struct doc *doc, size_t at)
{
	for (size_t i = at + 1; i < doc->length - doc->cursor; i++) {
		char c = doc_peek(doc, i);

		if (c == '"')
			return i + 1 - at;
		if (c == '\n' || c == '\0')
			break;
	}
	return 1;
}

static size_t continue_length(const struct doc *doc, size_t at)
{
	if (doc_peek(doc, at) != '\\')
		return 0;
	size_t end = doc_newline_length(doc, at + 1);
	return end ? end + 1 : 0;
}

static size_t word_length(const struct doc *doc, bool continued, bool *quotes)
{
	size_t length = 0;

	while (!ends_word(doc, length) && !(continued && continue_length(doc, length))) {
		size_t step = 1;

		if (*quotes && doc_peek(doc, length) == '"' && length > 0 &&
		    doc_peek(doc, length - 1) == '=') {
			step = quoted_length(doc, length);
			*quotes = step > 1; /* an unclosed one is looked for once a line */
		}
		length += step;
	}
	return length;
}

void line_words(struct doc *doc, bool continued)
{
	struct buf text = { 0 };
	bool quotes = true;

	for (;;) {
		uint32_t first = doc->token_count, last = NONE;

		for (size_t length; (length = word_length(doc, continued, &quotes)) > 0;) {
			last = doc_token(doc, TOKEN_WORD, length);
			buf_add(&text, doc->text + doc->tokens[last].offset, length);
			length = continued ? continue_length(doc, 0) : 0;
			if (length > 0)
				doc_token(doc, TOKEN_CONTINUE, length);
		}
		if (last != NONE)
			doc_word(doc, first, last, doc_string(doc, buf_str(&text), text.length));
		text.length = 0;
		if (continued && continue_length(doc, 0))
			doc_token(doc, TOKEN_CONTINUE, continue_length(doc, 0));
		else if (doc_at_end(doc) || doc_newline_length(doc, 0))
			break;
		else
			doc_blanks(doc, TOKEN_BLANK);
	}
	buf_done(&text);
}

void line_finish(struct doc *doc)
{
	size_t length = doc_newline_length(doc, 0);

	if (length > 0)
		doc_token(doc, TOKEN_NEWLINE, length);
}

void line_token(struct doc *doc, enum token_kind kind)
{
	size_t length = doc_line_rest(doc, 0);

	if (length > 0)
		doc_token(doc, kind, length);
}

uint32_t line_key(struct doc *doc, const char *stops)
{
	size_t length = 0;

	while (!ends_word(doc, length) &&
	       (doc_peek(doc, length) == '\0' || !strchr(stops, doc_peek(doc, length))))
		length++;
	return length > 0 ? doc_token(doc, TOKEN_WORD, length) : NONE;
}
