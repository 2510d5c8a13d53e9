/* GRUB Legacy: menu.lst and grub.conf, and SUSE's /etc/grub.conf of shell commands.
 * Source: GRUB 0.97 stage2/stage2.c (lines, continuation), stage2/cmdline.c skip_to() (a key ends
 * at a blank or "="). Debian's automagic block: update-grub of grub-legacy. */
#include "syntax.h"

#include <ctype.h>
#include <string.h>

#include "lines.h"
#include "words.h"

#define AUTOMAGIC_BEGIN "### BEGIN AUTOMAGIC KERNELS LIST"
#define AUTOMAGIC_END	"### END DEBIAN AUTOMAGIC KERNELS LIST"

/* "# kopt=": one number sign, one blank, a name, "=". Length up to the name, 0: an ordinary
 * comment. */
static size_t hidden_key(const struct doc *doc)
{
	size_t at = 2;

	if (!doc_ahead(doc, 0, "# "))
		return 0;
	while (isalnum((unsigned char)doc_peek(doc, at)) || doc_peek(doc, at) == '_')
		at++;
	return at > 2 && doc_peek(doc, at) == '=' ? 2 : 0;
}

static void command_line(struct doc *doc, uint32_t line_first, bool hidden)
{
	uint32_t key = line_key(doc, "=");

	if (key == NONE) { /* a line that begins with "=" */
		line_token(doc, TOKEN_OTHER);
		return;
	}
	struct statement *statement = doc_statement(doc, doc_slice(doc, key, key), key, line_first);
	statement->hidden = hidden;
	statement->assignment = hidden;
	if (strcmp(statement->name, "title") == 0)
		doc_entry(doc, "", NULL, NONE);
	statement->entry = doc->entry_count ? doc->entry_count - 1 : NONE;
	if (hidden)
		statement->entry = NONE;
	if (hidden) {
		doc_token(doc, TOKEN_PUNCT, 1);
	} else {
		for (doc_blanks(doc, TOKEN_BLANK); doc_peek(doc, 0) == '=';
		     doc_blanks(doc, TOKEN_BLANK))
			doc_token(doc, TOKEN_PUNCT, 1);
	}
	statement->value_first = statement->value_end = doc->token_count;
	line_words(doc, !hidden);
	doc_statement_end(doc);
	if (!hidden && strcmp(doc->statements[doc->statement_count - 1].name, "title") == 0)
		doc->entries[doc->entry_count - 1].title =
			doc->statements[doc->statement_count - 1].value;
}

static const struct {
	const char *key;
	enum args_role role;
} automagic[] = {
	{ "kopt", ARGS_LINUX },
	{ "kopt_2_6", ARGS_LINUX },
	{ "xenkopt", ARGS_DOM0 },
	{ "xenhopt", ARGS_XEN },
};

static void hidden_args(struct doc *doc, uint32_t index)
{
	for (size_t i = 0; i < sizeof automagic / sizeof *automagic; i++) {
		if (strcmp(doc->statements[index].name, automagic[i].key) != 0)
			continue;
		struct args *args = doc_args(doc, automagic[i].role, ARGS_LINE, index, 0);
		if (args->word_count == 0)
			args->after++; /* behind the "=" */
	}
}

/* A section is Xen if it has a module and its kernel's path has xen in it. */
static void entry_classify(struct doc *doc, struct entry *entry)
{
	bool module = false, xen = false, kernel = false;

	for (uint32_t i = entry->statement; i < entry->statement_end; i++) {
		const struct statement *s = doc->statements + i;

		if (s->hidden)
			continue;
		module |= str_starts(s->name, "module");
		if (strcmp(s->name, "kernel") == 0) {
			const struct word *file = statement_file(doc, s);

			kernel |= file != NULL;
			xen |= file && strstr(file->text, "xen");
		}
	}
	entry->kind = module && xen ? ENTRY_XEN : kernel ? ENTRY_LINUX : ENTRY_OTHER;
}

static void entry_args(struct doc *doc, const struct entry *entry)
{
	bool dom0 = false;

	for (uint32_t i = entry->statement; i < entry->statement_end; i++) {
		const struct statement *s = doc->statements + i;
		bool module = str_starts(s->name, "module");

		if (s->hidden || (!module && strcmp(s->name, "kernel") != 0) || (module && dom0) ||
		    entry->kind == ENTRY_OTHER || !statement_file(doc, s))
			continue;
		doc_args(doc,
			 module			    ? ARGS_DOM0
			 : entry->kind == ENTRY_XEN ? ARGS_XEN
						    : ARGS_LINUX,
			 ARGS_LINE, i, statement_file_index(doc, s) + 1);
		dom0 |= module;
	}
}

/* first: the line's first token. block: are we between update-grub's marks? */
static void comment_line(struct doc *doc, uint32_t first, bool *block)
{
	if (doc_ahead(doc, 0, AUTOMAGIC_BEGIN))
		*block = true;
	else if (doc_ahead(doc, 0, AUTOMAGIC_END))
		*block = false;
	if (*block && hidden_key(doc)) {
		doc_token(doc, TOKEN_COMMENT, hidden_key(doc));
		command_line(doc, first, true);
	} else {
		line_token(doc, TOKEN_COMMENT);
	}
}

void legacy_parse(struct doc *doc)
{
	bool block = false;

	while (!doc_at_end(doc)) {
		uint32_t first = doc->token_count;

		doc_blanks(doc, TOKEN_BLANK);
		if (doc_peek(doc, 0) == '#')
			comment_line(doc, first, &block);
		else if (!doc_newline_length(doc, 0) && !doc_at_end(doc))
			command_line(doc, first, false);
		line_finish(doc);
	}
	for (uint32_t i = 0; i < doc->entry_count; i++) {
		struct entry *entry = doc->entries + i;

		entry->statement_end = i + 1 < doc->entry_count ? doc->entries[i + 1].statement
								: doc->statement_count;
		entry_classify(doc, entry);
		entry_args(doc, entry);
	}
	for (uint32_t i = 0; i < doc->statement_count; i++)
		if (doc->statements[i].hidden)
			hidden_args(doc, i);
}
