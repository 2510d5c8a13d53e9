#include "shell.h"

#include <ctype.h>
#include <string.h>

/* A word while it is lexed. */
struct shell {
	struct doc *doc;
	const char *specials;
	enum shell_split split;
	struct buf whole, item;
	uint32_t item_first, item_last; /* text tokens of the item; NONE: none yet */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

size_t shell_continue(const struct doc *doc, size_t at)
{
	size_t end = doc_peek(doc, at) == '\\' ? doc_newline_length(doc, at + 1) : 0;

	return end ? end + 1 : 0;
}

size_t shell_assignment(const struct doc *doc)
{
	size_t length = 0;

	if (isdigit((unsigned char)doc_peek(doc, 0)))
		return 0;
	while (isalnum((unsigned char)doc_peek(doc, length)) || doc_peek(doc, length) == '_')
		length++;
	return length > 0 && doc_peek(doc, length) == '=' ? length + 1 : 0;
}

static void item_end(struct shell *shell)
{
	if (shell->split == SHELL_ITEMS && shell->item_first != NONE)
		doc_word(shell->doc, shell->item_first, shell->item_last,
			 doc_string(shell->doc, buf_str(&shell->item), shell->item.length));
	shell->item.length = 0;
	shell->item_first = NONE;
}

static void text_token(struct shell *shell, size_t length)
{
	uint32_t token = doc_token(shell->doc, TOKEN_WORD, length);

	if (shell->item_first == NONE)
		shell->item_first = token;
	shell->item_last = token;
}

static void decoded(struct shell *shell, char c)
{
	buf_add(&shell->whole, &c, 1);
	buf_add(&shell->item, &c, 1);
}

/* Length of "$(...)" or a backquoted command at an offset; 0: there is none. */
static size_t substitution_length(const struct doc *doc, size_t at)
{
	size_t i = at, depth = 0, left = doc->length - doc->cursor;

	if (doc_peek(doc, at) == '`') {
		for (i++; i < left && doc_peek(doc, i) != '`'; i++)
			i += doc_peek(doc, i) == '\\';
		return i < left ? i + 1 - at : 0;
	}
	if (!doc_ahead(doc, at, "$("))
		return 0;
	for (i++; i < left; i++) {
		depth += doc_peek(doc, i) == '(';
		depth -= doc_peek(doc, i) == ')';
		if (depth == 0)
			return i + 1 - at;
	}
	return 0;
}

/* How far a substitution or "${...}" reaches; 1 for any other byte. The first that does not end
 * ends the search for more, so that a text full of them is read once. */
static size_t opaque_length(struct shell *shell, size_t at)
{
	const struct doc *doc = shell->doc;
	size_t i = at + 2;

	if (doc_ahead(doc, at, "${")) {
		while (isalnum((unsigned char)doc_peek(doc, i)) || doc_peek(doc, i) == '_' ||
		       doc_peek(doc, i) == '?' || doc_peek(doc, i) == ':')
			i++;
		return doc_peek(doc, i) == '}' ? i + 1 - at : 1;
	}
	if (doc->type == GRUBFIX_GRUB_CFG) /* GRUB's script has no substitutions */
		return 1;
	if (doc->problem || (doc_peek(doc, at) != '`' && !doc_ahead(doc, at, "$(")))
		return 1;
	size_t length = substitution_length(doc, at);
	if (length == 0)
		doc_problem(shell->doc, "%u: a command substitution is not closed", doc->line);
	return length ? length : 1;
}

static bool text_ends(const struct shell *shell, char quote, size_t at)
{
	char c = doc_peek(shell->doc, at);

	if (is_blank(c) || c == quote)
		return true;
	if (!quote && (c == '"' || c == '\'' || (c && strchr(shell->specials, c))))
		return true;
	return quote != '\'' && shell_continue(shell->doc, at);
}

/* Text up to a byte that ends it, with escapes decoded as inside these quotes ('"', '\'' or 0). */
static void text_run(struct shell *shell, char quote)
{
	const struct doc *doc = shell->doc;
	size_t at = 0, left = doc->length - doc->cursor;

	while (at < left && !text_ends(shell, quote, at)) {
		char c = doc_peek(doc, at), next = doc_peek(doc, at + 1);
		size_t step = 1;

		if (c == '\\' && quote != '\'' && at + 1 < left) {
			if (quote && !(next && strchr("\"\\$`", next)))
				decoded(shell, c);
			decoded(shell, next);
			at += 2;
			continue;
		}
		if (quote != '\'')
			step = opaque_length(shell, at);
		for (size_t i = 0; i < step; i++)
			decoded(shell, doc_peek(doc, at + i));
		at += step;
	}
	if (at > 0)
		text_token(shell, at);
}

static void gap(struct shell *shell)
{
	size_t length = 0;

	while (is_blank(doc_peek(shell->doc, length))) {
		char c = doc_peek(shell->doc, length++);
		buf_add(&shell->whole, &c, 1);
	}
	if (shell->split == SHELL_ITEMS)
		item_end(shell);
	doc_token(shell->doc, TOKEN_GAP, length);
}

static void quoted(struct shell *shell, char quote)
{
	struct doc *doc = shell->doc;
	uint32_t line = doc->line;

	doc_token(doc, TOKEN_QUOTE, 1);
	while (!doc_at_end(doc) && doc_peek(doc, 0) != quote) {
		size_t length = quote == '"' ? shell_continue(doc, 0) : 0;

		if (length > 0)
			doc_token(doc, TOKEN_CONTINUE, length);
		else if (is_blank(doc_peek(doc, 0)))
			gap(shell);
		else
			text_run(shell, quote);
	}
	if (doc_at_end(doc))
		doc_problem(doc, "%u: the %c that stands here is not closed", line, quote);
	else
		doc_token(doc, TOKEN_QUOTE, 1);
}

const char *shell_word(struct doc *doc, const char *specials, enum shell_split split)
{
	struct shell shell = {
		.doc = doc, .specials = specials, .split = split, .item_first = NONE
	};
	uint32_t first = doc->token_count;

	while (!doc_at_end(doc)) {
		char c = doc_peek(doc, 0);
		uint32_t before = doc->token_count;

		if (c == '"' || c == '\'')
			quoted(&shell, c);
		else if (shell_continue(doc, 0) && doc->token_count > first &&
			 !is_blank(doc_peek(doc, shell_continue(doc, 0))))
			doc_token(doc, TOKEN_CONTINUE, shell_continue(doc, 0));
		else
			text_run(&shell, 0);
		if (doc->token_count == before)
			break;
	}
	const char *text = doc_string(doc, buf_str(&shell.whole), shell.whole.length);
	if (split == SHELL_ITEMS)
		item_end(&shell);
	else if (doc->token_count > first)
		doc_word(doc, first, doc->token_count - 1, text);
	buf_done(&shell.whole);
	buf_done(&shell.item);
	return text;
}
