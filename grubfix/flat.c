/* Flat guest configs: a Python program as a file for xm, the same look for xl. Assignments of
 * numbers, strings and lists are understood; anything else is code, and stays as it is.
 * Sources: xen-4.4 tools/python/xen/xm/create.py, tools/libxl/libxlu_cfg_l.l and _y.y. */
#include <ctype.h>
#include <string.h>

#include "lines.h"
#include "shell.h"
#include "syntax.h"

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* "NAME =" but not "NAME ==": length of the name. */
static size_t assignment_name(const struct doc *doc)
{
	size_t length = 0, at;

	if (isdigit((unsigned char)doc_peek(doc, 0)))
		return 0;
	while (is_name(doc_peek(doc, length)))
		length++;
	for (at = length; doc_peek(doc, at) == ' ' || doc_peek(doc, at) == '\t';)
		at++;
	return doc_peek(doc, at) == '=' && doc_peek(doc, at + 1) != '=' ? length : 0;
}

/* Length of the opening of a string: prefix letters and one or three quotes; 0: it is none. */
static size_t string_open(const struct doc *doc, char *ret_quote, bool *ret_triple)
{
	size_t at = 0;

	while (at < 2 && doc_peek(doc, at) && strchr("uUrRbB", doc_peek(doc, at)))
		at++;
	*ret_quote = doc_peek(doc, at);
	if (*ret_quote != '"' && *ret_quote != '\'')
		return 0;
	*ret_triple = doc_peek(doc, at + 1) == *ret_quote && doc_peek(doc, at + 2) == *ret_quote;
	return at + (*ret_triple ? 3 : 1);
}

static bool string_ends(const struct doc *doc, char quote, bool triple)
{
	return doc_peek(doc, 0) == quote &&
	       (!triple || (doc_peek(doc, 1) == quote && doc_peek(doc, 2) == quote));
}

static size_t string_blanks(const struct doc *doc, struct buf *text)
{
	size_t at = 0, left = doc->length - doc->cursor;

	for (; at < left && isspace((unsigned char)doc_peek(doc, at)); at++) {
		char c = doc_peek(doc, at);

		buf_add(text, &c, 1);
	}
	return at;
}

/* Up to a blank, a comma or a quote that no backslash stands before. */
static size_t string_run(const struct doc *doc, char quote, struct buf *text)
{
	size_t at = 0, left = doc->length - doc->cursor;

	for (; at < left; at++) {
		char c = doc_peek(doc, at);

		if (c == '\\' && at + 1 < left) {
			char next = doc_peek(doc, ++at);

			if (next != '\\' && next != '\'' && next != '"')
				buf_add(text, &c, 1);
			buf_add(text, &next, 1);
			continue;
		}
		if (c == ',' || c == quote || isspace((unsigned char)c))
			break;
		buf_add(text, &c, 1);
	}
	return at;
}

/* One piece inside a string: blanks, a comma, or a run of the rest. */
static void string_piece(struct doc *doc, char quote, struct buf *text)
{
	if (doc_peek(doc, 0) == ',') {
		buf_text(text, ",");
		doc_token(doc, TOKEN_PUNCT, 1);
		return;
	}
	size_t length = string_blanks(doc, text);
	if (length > 0) {
		doc_token(doc, TOKEN_GAP, length);
		return;
	}
	length = string_run(doc, quote, text);
	if (length == 0) /* a lone quote inside a triple-quoted string */
		buf_add(text, &quote, 1);
	doc_token(doc, TOKEN_WORD, length ? length : 1);
}

static void string_lex(struct doc *doc, size_t open, char quote, bool triple)
{
	struct buf text = { 0 };
	uint32_t line = doc->line, first = doc_token(doc, TOKEN_QUOTE, open);

	while (!doc_at_end(doc) && !string_ends(doc, quote, triple) &&
	       (triple || !doc_newline_length(doc, 0)))
		string_piece(doc, quote, &text);
	if (string_ends(doc, quote, triple))
		doc_token(doc, TOKEN_QUOTE, triple ? 3 : 1);
	else
		doc_problem(doc, "%u: the string that begins here is not closed", line);
	doc_word(doc, first, doc->token_count - 1, doc_string(doc, buf_str(&text), text.length));
	buf_done(&text);
}

static void bare_word(struct doc *doc)
{
	size_t length = 0;

	while (is_name(doc_peek(doc, length)) || doc_peek(doc, length) == '.' ||
	       doc_peek(doc, length) == '-')
		length++;
	if (length == 0) {
		doc_token(doc, TOKEN_OTHER, 1);
		doc->has_code = true;
		return;
	}
	uint32_t token = doc_token(doc, TOKEN_WORD, length);
	const char *text = doc_slice(doc, token, token);
	if (!isdigit((unsigned char)*text) && *text != '-' && strcmp(text, "True") != 0 &&
	    strcmp(text, "False") != 0)
		doc->has_code = true;
	doc_word(doc, token, token, text);
}

/* Blanks, comments and ends of lines between the tokens of an expression. False: none is here. */
static bool expression_gap(struct doc *doc)
{
	char c = doc_peek(doc, 0);

	if (doc_newline_length(doc, 0))
		line_finish(doc);
	else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v')
		doc_blanks(doc, TOKEN_BLANK);
	else if (c == '#')
		line_token(doc, TOKEN_COMMENT);
	else
		return false;
	return true;
}

/* depth: of the lists that are open. */
static void expression_bracket(struct doc *doc, bool opens, unsigned *depth)
{
	char c = doc_peek(doc, 0);

	doc_token(doc, TOKEN_PUNCT, 1);
	if (opens && ++*depth > DOC_MAX_DEPTH)
		doc_problem(doc, "%u: lists are nested deeper than %d", doc->line, DOC_MAX_DEPTH);
	else if (!opens && *depth == 0)
		doc_problem(doc, "%u: a %c closes nothing", doc->line, c);
	else if (!opens)
		--*depth;
}

static void expression_token(struct doc *doc, unsigned *depth)
{
	char c = doc_peek(doc, 0), quote = 0;
	bool triple = false;
	size_t open = string_open(doc, &quote, &triple);

	if (open > 0)
		string_lex(doc, open, quote, triple);
	else if (shell_continue(doc, 0))
		doc_token(doc, TOKEN_CONTINUE, shell_continue(doc, 0));
	else if (c && strchr("[({])}", c))
		expression_bracket(doc, strchr("[({", c) != NULL, depth);
	else if (c == ',' || c == ';')
		doc_token(doc, TOKEN_PUNCT, 1);
	else
		bare_word(doc);
}

/* A value, or a line of code: up to the end of its logical line. Returns its last token that is
 * neither blank nor comment. */
static uint32_t expression(struct doc *doc)
{
	unsigned depth = 0;
	uint32_t last = NONE, line = doc->line;

	while (!doc_at_end(doc) &&
	       (depth > 0 || !(doc_newline_length(doc, 0) || doc_peek(doc, 0) == ';'))) {
		if (expression_gap(doc))
			continue;
		expression_token(doc, &depth);
		last = doc->token_count - 1;
	}
	if (depth > 0)
		doc_problem(doc, "%u: the list that begins here is not closed", line);
	return last;
}

static void flat_assignment(struct doc *doc, uint32_t line_first, size_t length)
{
	uint32_t key = doc_token(doc, TOKEN_WORD, length);

	doc_statement(doc, doc_slice(doc, key, key), key, line_first)->assignment = true;
	doc_blanks(doc, TOKEN_BLANK);
	doc_token(doc, TOKEN_PUNCT, 1);
	doc_blanks(doc, TOKEN_BLANK);
	uint32_t index = doc->statement_count - 1, first = doc->token_count;
	uint32_t last = expression(doc);
	struct statement *s = doc->statements + index;
	s->value_first = first;
	s->value_end = last == NONE ? first : last + 1;
	s->word_count = doc->word_count - s->words;
	if (s->word_count == 1 && doc->words[s->words].first == first &&
	    doc->words[s->words].last == last)
		s->value = doc->words[s->words].text;
	else
		s->value = last == NONE ? "" : doc_slice(doc, first, last);
}

void flat_parse(struct doc *doc)
{
	uint32_t line_first = 0;

	while (!doc_at_end(doc)) {
		size_t length = assignment_name(doc);
		bool indented = doc->token_count > line_first;

		if (doc_newline_length(doc, 0)) {
			line_finish(doc);
			line_first = doc->token_count;
		} else if (doc_peek(doc, 0) == '#') {
			line_token(doc, TOKEN_COMMENT);
		} else if (doc_peek(doc, 0) == ';') {
			doc_token(doc, TOKEN_PUNCT, 1);
		} else if (length > 0) {
			doc->has_code |= indented && doc->type == GRUBFIX_XM &&
					 doc->tokens[doc->token_count - 1].kind == TOKEN_BLANK &&
					 doc->token_count == line_first + 1;
			flat_assignment(doc, line_first, length);
		} else {
			uint32_t before = doc->token_count;

			doc_blanks(doc, TOKEN_BLANK);
			if (doc->token_count > before)
				continue;
			doc->has_code = true;
			expression(doc);
		}
	}
}
