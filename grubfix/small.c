/* The small formats of boot loaders: grubenv, BLS entries, xen.cfg.
 * Sources: GRUB 2 grub-core/lib/envblk.c; the Boot Loader Specification; Xen
 * docs/misc/efi.pandoc. */
#include <errno.h>
#include <string.h>

#include "lines.h"
#include "syntax.h"
#include "words.h"

#define GRUBENV_BYTES 1024

/* --- grubenv: name=value lines, then "#" up to byte 1024 ------------------------------------- */

static bool only_padding(const struct doc *doc)
{
	for (size_t i = 0; i < doc->length - doc->cursor; i++)
		if (doc_peek(doc, i) != '#')
			return false;
	return true;
}

static void variable_line(struct doc *doc, uint32_t line_first)
{
	size_t length = 0, rest = doc_line_rest(doc, 0);

	while (length < rest && doc_peek(doc, length) != '=')
		length++;
	if (length == 0 || length == rest) {
		line_token(doc, TOKEN_OTHER);
		return;
	}
	const char *name = doc_string(doc, doc->text + doc->cursor, length);
	uint32_t key = doc_token(doc, TOKEN_WORD, length + 1);
	doc_statement(doc, name, key, line_first)->assignment = true;
	line_words(doc, false);
	doc_statement_end(doc);
	struct statement *s = doc->statements + doc->statement_count - 1;
	s->value_end = doc->token_count; /* blanks at its ends are part of the value */
	s->value_first = key + 1;
	s->value = doc_slice(doc, s->value_first, s->value_end - 1);
	if (strcmp(name, "kernelopts") == 0)
		doc_args(doc, ARGS_LINUX, ARGS_LINE, doc->statement_count - 1, 0);
}

void grubenv_parse(struct doc *doc)
{
	bool padded = false;

	while (!doc_at_end(doc)) {
		if (doc_peek(doc, 0) == '#' && !padded && only_padding(doc))
			padded = doc_token(doc, TOKEN_OTHER, SIZE_MAX) != NONE;
		else if (doc_peek(doc, 0) == '#')
			line_token(doc, TOKEN_COMMENT);
		else if (!doc_newline_length(doc, 0))
			variable_line(doc, doc->token_count);
		line_finish(doc);
	}
	if (doc->length != GRUBENV_BYTES)
		doc_problem(doc, "1: is no environment block: it has %zu bytes, not %d",
			    doc->length, GRUBENV_BYTES);
}

int grubenv_pad(struct doc *doc, struct err *err)
{
	CLEANUP(buf_done) struct buf text = { 0 };
	uint32_t last = doc->token_count - 1;
	size_t room, grown;

	if (doc->change_count == 0)
		return 0;
	doc_emit(doc, &text);
	room = doc->tokens[last].kind == TOKEN_OTHER ? doc->tokens[last].length : 0;
	if (text.length - room > GRUBENV_BYTES)
		return err_set(err, -EBADMSG,
			       "%s: the environment block has no room for this (%zu bytes too "
			       "many)",
			       doc->name, text.length - room - GRUBENV_BYTES);
	grown = GRUBENV_BYTES - (text.length - room);
	CLEANUP(free_cleanup) char *padding = mem_alloc(grown + 1);
	memset(padding, '#', grown);
	if (room > 0)
		doc_replace(doc, last, padding);
	else
		doc_after(doc, last, padding);
	return 0;
}

/* --- BLS: key, blanks, words ----------------------------------------------------------------- */

static void bls_line(struct doc *doc, uint32_t line_first)
{
	uint32_t key = line_key(doc, "");
	const char *name = doc_slice(doc, key, key);
	uint32_t index = doc->statement_count;

	doc_statement(doc, name, key, line_first)->entry = 0;
	line_words(doc, false);
	doc_statement_end(doc);
	if (strcmp(name, "options") == 0)
		doc_args(doc, ARGS_LINUX, ARGS_LINE, index, 0);
	if (strcmp(name, "title") == 0)
		doc->entries[0].title = doc->statements[index].value;
}

void bls_parse(struct doc *doc)
{
	uint32_t entry = doc_entry(doc, "", NULL, NONE);

	doc->entries[entry].statement = 0;
	doc->entries[entry].kind = ENTRY_LINUX;
	while (!doc_at_end(doc)) {
		uint32_t first = doc->token_count;

		doc_blanks(doc, TOKEN_BLANK);
		if (doc_peek(doc, 0) == '#')
			line_token(doc, TOKEN_COMMENT);
		else if (!doc_newline_length(doc, 0) && !doc_at_end(doc))
			bls_line(doc, first);
		line_finish(doc);
	}
	doc->entries[entry].statement_end = doc->statement_count;
}

/* --- xen.cfg: [section], key=value ----------------------------------------------------------- */

/* "[name" without its "]" begins no section. */
static void section_line(struct doc *doc)
{
	size_t length = doc_line_rest(doc, 0), end = 1;

	while (end < length && doc_peek(doc, end) != ']')
		end++;
	if (end == length) {
		line_token(doc, TOKEN_OTHER);
		return;
	}
	const char *name = doc_string(doc, doc->text + doc->cursor + 1, end - 1);
	doc_token(doc, TOKEN_PUNCT, length);
	uint32_t entry = doc_entry(doc, name, name, NONE);
	doc->entries[entry].statement = doc->statement_count;
}

static void key_line(struct doc *doc, uint32_t line_first)
{
	uint32_t key = line_key(doc, "=");
	uint32_t index = doc->statement_count;
	const char *name;

	if (key != NONE)
		doc_blanks(doc, TOKEN_BLANK);
	if (key == NONE || doc_peek(doc, 0) != '=') { /* it says nothing */
		line_token(doc, TOKEN_OTHER);
		return;
	}
	name = doc_slice(doc, key, key);
	struct statement *s = doc_statement(doc, name, key, line_first);
	s->assignment = true;
	s->entry = doc->entry_count ? doc->entry_count - 1 : NONE;
	doc_token(doc, TOKEN_PUNCT, 1);
	doc_blanks(doc, TOKEN_BLANK);
	s->value_first = s->value_end = doc->token_count;
	line_words(doc, false);
	doc_statement_end(doc);
	if (strcmp(name, "options") == 0) {
		struct args *args = doc_args(doc, ARGS_XEN, ARGS_LINE, index, 0);

		if (args->word_count == 0)
			args->after = doc->token_count - 1;
	}
	if (strcmp(name, "kernel") == 0 && doc->statements[index].word_count > 0) {
		doc_args(doc, ARGS_DOM0, ARGS_LINE, index, 1);
		if (doc->entry_count > 0)
			doc->entries[doc->entry_count - 1].kind = ENTRY_XEN;
	}
}

void xen_cfg_parse(struct doc *doc)
{
	while (!doc_at_end(doc)) {
		uint32_t first = doc->token_count;

		doc_blanks(doc, TOKEN_BLANK);
		if (doc_peek(doc, 0) == '#' || doc_peek(doc, 0) == ';')
			line_token(doc, TOKEN_COMMENT);
		else if (doc_peek(doc, 0) == '[')
			section_line(doc);
		else if (!doc_newline_length(doc, 0) && !doc_at_end(doc))
			key_line(doc, first);
		line_finish(doc);
	}
	for (uint32_t i = 0; i < doc->entry_count; i++)
		doc->entries[i].statement_end = i + 1 < doc->entry_count
							? doc->entries[i + 1].statement
							: doc->statement_count;
}
