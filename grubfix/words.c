#include "words.h"

#include <string.h>

const struct word *statement_word(const struct doc *doc, const struct statement *statement,
				  uint32_t index)
{
	return index < statement->word_count ? doc->words + statement->words + index : NULL;
}

uint32_t statement_file_index(const struct doc *doc, const struct statement *statement)
{
	uint32_t index = 0;

	while (index < statement->word_count &&
	       str_starts(doc->words[statement->words + index].text, "--"))
		index++;
	return index;
}

const struct word *statement_file(const struct doc *doc, const struct statement *statement)
{
	return statement_word(doc, statement, statement_file_index(doc, statement));
}

const char *path_without_device(const char *path)
{
	const char *end = *path == '(' ? strchr(path, ')') : NULL;

	return end ? end + 1 : path;
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool has_key(const struct word *word, const char *key)
{
	size_t length = strlen(key);

	return strncmp(word->text, key, length) == 0 &&
	       (word->text[length] == '=' || word->text[length] == '\0');
}

const char *word_value(const struct word *word)
{
	const char *equals = strchr(word->text, '=');

	return equals ? equals + 1 : "";
}

const struct word *args_find(const struct doc *doc, const struct args *args, const char *key)
{
	for (uint32_t i = args->word_count; i > 0; i--)
		if (has_key(doc->words + args->words + i - 1, key))
			return doc->words + args->words + i - 1;
	return NULL;
}

static bool is_text(const struct doc *doc, uint32_t token)
{
	return doc->tokens[token].kind == TOKEN_WORD || doc->tokens[token].kind == TOKEN_PUNCT ||
	       doc->tokens[token].kind == TOKEN_GAP;
}

void word_set(struct doc *doc, const struct word *word, const char *text)
{
	bool written = false;

	for (uint32_t i = word->first; i <= word->last; i++) {
		if (!is_text(doc, i))
			continue;
		/* root='/dev/sda2': what stays of the word stays outside of its quotes. */
		size_t length = doc->tokens[i].length;
		if (!written && i + 1 < word->last && length < strlen(text) &&
		    memcmp(doc->text + doc->tokens[i].offset, text, length) == 0) {
			text += length;
			continue;
		}
		doc_replace(doc, i, written ? "" : text);
		written = true;
	}
	if (!written) /* only quotes: "" */
		doc_after(doc, word->first, text);
}

static bool is_blank(const struct doc *doc, uint32_t token)
{
	return token < doc->token_count &&
	       (doc->tokens[token].kind == TOKEN_BLANK || doc->tokens[token].kind == TOKEN_GAP);
}

/* Do the quotes of a word open and close inside it? One that begins inside quotes may end outside
 * of them: NAME="quiet root="/dev/sda2. */
static bool quotes_pair(const struct doc *doc, const struct word *word)
{
	char open = '\0';

	for (uint32_t i = word->first; i <= word->last; i++) {
		char quote = doc->text[doc->tokens[i].offset];

		if (doc->tokens[i].kind != TOKEN_QUOTE)
			continue;
		if (open && quote != open)
			return false;
		open = open ? '\0' : quote;
	}
	return !open;
}

void word_remove(struct doc *doc, const struct word *word)
{
	bool quotes = quotes_pair(doc, word);

	for (uint32_t i = word->first; i <= word->last; i++)
		if (doc->tokens[i].kind != TOKEN_CONTINUE &&
		    (quotes || doc->tokens[i].kind != TOKEN_QUOTE))
			doc_replace(doc, i, "");
	if (word->first > 0 && is_blank(doc, word->first - 1))
		doc_replace(doc, word->first - 1, "");
	else if (is_blank(doc, word->last + 1))
		doc_replace(doc, word->last + 1, "");
}

bool argument_is_plain(const char *text)
{
	return *text && text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					  "0123456789_=:.,/+-@%")] == '\0';
}

/* NAME=value without quotes: they come now, around what a pair of quotes does not change. */
static void bare_add(struct doc *doc, const struct args *args, const struct statement *statement,
		     const char *text)
{
	uint32_t first = statement->value_first, end = statement->value_end;
	bool one = end == first + 1 && doc->tokens[first].kind == TOKEN_WORD &&
		   !memchr(doc->text + doc->tokens[first].offset, '\\', doc->tokens[first].length);
	CLEANUP(free_cleanup) char *quoted = str_format("%s%s\"", one ? "" : "\"", text);

	if (one)
		doc_before(doc, first, "\"");
	doc_after(doc, args->after, quoted);
}

void args_add(struct doc *doc, const struct args *args, const char *text)
{
	const struct statement *statement = doc->statements + args->statement;
	CLEANUP(free_cleanup) char *spaced = str_format(" %s", text);

	if (args->form == ARGS_LINE)
		/* an assignment's value may begin at once: "# xenhopt=" */
		doc_after(doc, args->after,
			  statement->word_count == 0 && statement->assignment ? text : spaced);
	else if (args->form == ARGS_QUOTED)
		doc_after(doc, args->after, args->word_count == 0 ? text : spaced);
	else
		bare_add(doc, args, statement, args->word_count == 0 ? text : spaced);
}

/* The value inside double quotes of a shell or of GRUB's script. */
static char *double_quoted(const char *value, bool quotes)
{
	struct buf text = { 0 };

	buf_text(&text, quotes ? "\"" : "");
	for (; *value; value++) {
		if (strchr("\"\\$`", *value))
			buf_text(&text, "\\");
		buf_add(&text, value, 1);
	}
	buf_text(&text, quotes ? "\"" : "");
	return text.data;
}

char *shell_quoted(const char *value)
{
	return double_quoted(value, true);
}

/* Does the value stand in one pair of these quotes? */
static bool quoted_with(const struct doc *doc, const struct statement *s, const char *quote)
{
	if (s->value_end < s->value_first + 2 || !token_is(doc, s->value_first, quote) ||
	    !token_is(doc, s->value_end - 1, quote))
		return false;
	for (uint32_t i = s->value_first + 1; i + 1 < s->value_end; i++)
		if (doc->tokens[i].kind == TOKEN_QUOTE)
			return false;
	return true;
}

static bool is_shell(const struct doc *doc)
{
	return doc->type == GRUBFIX_GRUB_CFG || doc->type == GRUBFIX_DEFAULT_GRUB ||
	       doc->type == GRUBFIX_SYSCONFIG;
}

static void value_replace(struct doc *doc, uint32_t first, uint32_t end, uint32_t after,
			  const char *text)
{
	if (first >= end) {
		doc_after(doc, after, text);
		return;
	}
	doc_replace(doc, first, text);
	if (end > first + 1)
		doc_remove(doc, first + 1, end - 1);
}

void statement_set(struct doc *doc, const struct statement *statement, const char *value)
{
	uint32_t first = statement->value_first, end = statement->value_end;
	uint32_t after = first > 0 ? first - 1 : 0;
	bool plain = argument_is_plain(value);

	if (!is_shell(doc)) {
		/* "default" alone: its value needs a blank in front */
		bool bare = first >= end && after == statement->key && !statement->assignment;
		CLEANUP(free_cleanup) char *text = str_format("%s%s", bare ? " " : "", value);

		value_replace(doc, first, end, after, text);
		return;
	}
	if (quoted_with(doc, statement, "'") && !strchr(value, '\'')) {
		value_replace(doc, first + 1, end - 1, first, value);
		return;
	}
	bool inside = quoted_with(doc, statement, "\"");
	CLEANUP(free_cleanup) char *quoted = double_quoted(value, !inside);
	if (inside)
		value_replace(doc, first + 1, end - 1, first, quoted);
	else
		value_replace(doc, first, end, after, plain ? value : quoted);
}
