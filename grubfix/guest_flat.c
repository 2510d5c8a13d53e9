/* xm and xl: settings are assignments, a vif is a string of key=value pairs. */
#include <string.h>

#include "guest.h"
#include "words.h"

const struct statement *flat_find(const struct doc *doc, const char *name)
{
	for (uint32_t i = doc->statement_count; i > 0; i--)
		if (strcmp(doc->statements[i - 1].name, name) == 0)
			return doc->statements + i - 1;
	return NULL;
}

bool flat_is_list(const struct doc *doc, const struct statement *statement)
{
	return token_is(doc, statement->value_first, "[");
}

static bool is_number(const char *value)
{
	return *value && value[strspn(value, "0123456789")] == '\0';
}

void flat_write(struct doc *doc, const struct statement *statement, const char *value)
{
	const struct word *word = statement_word(doc, statement, 0);
	CLEANUP(free_cleanup) char *text = NULL;

	bool whole = word && statement->word_count == 1 && word->first == statement->value_first &&
		     word->last + 1 == statement->value_end;

	if (!is_number(value) && whole && doc->tokens[word->first].kind == TOKEN_QUOTE) {
		word_set(doc, word, value);
		return;
	}
	text = is_number(value) ? str_copy(value) : str_format("\"%s\"", value);
	if (statement->value_first >= statement->value_end) {
		doc_after(doc, statement->value_first - 1, text);
		return;
	}
	doc_remove(doc, statement->value_first, statement->value_end - 1);
	doc_replace(doc, statement->value_first, text);
}

char *flat_line(const struct doc *doc, const char *name, const char *value)
{
	const char *quote = is_number(value) ? "" : "\"";
	bool spaced = false;

	for (uint32_t i = 0; i < doc->statement_count && !spaced; i++)
		spaced = doc->tokens[doc->statements[i].key + 1].kind == TOKEN_BLANK;
	return str_format("%s%s%s%s%s", name, spaced ? " = " : "=", quote, value, quote);
}

static enum guest_kind flat_kind(const struct doc *doc)
{
	const struct statement *type = flat_find(doc, "type"), *builder = flat_find(doc, "builder");
	const struct statement *kernel = flat_find(doc, "kernel");

	if (type)
		return strcmp(type->value, "hvm") == 0	? GUEST_HVM
		       : strcmp(type->value, "pv") == 0 ? GUEST_PV
							: GUEST_OTHER;
	if (builder)
		return strcmp(builder->value, "hvm") == 0 ? GUEST_HVM : GUEST_PV;
	return kernel && strstr(kernel->value, "hvmloader") ? GUEST_HVM : GUEST_PV;
}

static const char *flat_get(struct doc *doc, const char *key, uint32_t *ret_token)
{
	const struct statement *s = flat_find(doc, key);

	*ret_token = s ? s->key : 0;
	return s ? s->value : NULL;
}

static bool flat_set(struct fix *fix, const char *key, const char *value, const char *reason)
{
	const struct statement *s = flat_find(fix->doc, key);

	if (s) {
		flat_write(fix->doc, s, value);
		fix_edited(fix, s->key, s->value, value, "%s: %s", key, reason);
	} else {
		CLEANUP(free_cleanup) char *line = flat_line(fix->doc, key, value);

		fix_append_line(fix, line, reason);
	}
	return true;
}

/* --- vif ------------------------------------------------------------------------------------- */

static bool piece_is(const struct doc *doc, uint32_t token, const char *const *texts)
{
	for (; *texts; texts++)
		if (token_is(doc, token, *texts))
			return true;
	return false;
}

/* Removes a piece of "a,b,c" and the comma that is one too many, with the blanks beside it. first
 * is the first token that is still there; the one behind what was removed is returned. */
static uint32_t piece_remove(struct doc *doc, const struct word *item, uint32_t first,
			     uint32_t token)
{
	uint32_t comma = token;

	while (comma > first && doc->tokens[comma].kind != TOKEN_PUNCT)
		comma--;
	if (doc->tokens[comma].kind == TOKEN_PUNCT) {
		doc_remove(doc, comma, token);
		return token + 1;
	}
	for (comma = token; comma + 1 < item->last && doc->tokens[comma].kind != TOKEN_PUNCT;)
		comma++;
	if (doc->tokens[comma].kind == TOKEN_PUNCT && doc->tokens[comma + 1].kind == TOKEN_GAP)
		comma++;
	doc_remove(doc, token, comma);
	return comma + 1;
}

static void flat_drop_netfront(struct fix *fix, const char *reason)
{
	/* type=vif is what xl calls the same */
	static const char *const texts[] = { "type=netfront", "type=vif", NULL };
	const struct statement *vif = flat_find(fix->doc, "vif");

	for (uint32_t i = 0; vif && i < vif->word_count; i++) {
		const struct word *item = statement_word(fix->doc, vif, i);
		uint32_t first = item->first + 1;

		for (uint32_t token = item->first; token <= item->last; token++) {
			if (fix->doc->tokens[token].kind != TOKEN_WORD ||
			    !piece_is(fix->doc, token, texts))
				continue;
			first = piece_remove(fix->doc, item, first, token);
			fix_edited(fix, token, doc_slice(fix->doc, token, token), NULL, "%s",
				   reason);
		}
	}
}

const struct guest_format guest_flat = {
	.types = TYPES_FLAT,
	.kind = flat_kind,
	.get = flat_get,
	.set = flat_set,
	.drop_netfront = flat_drop_netfront,
};
