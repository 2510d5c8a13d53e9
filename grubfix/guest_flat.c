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

uint32_t flat_piece_end(const struct doc *doc, const struct word *item, uint32_t first)
{
	while (first < item->last && doc->tokens[first].kind != TOKEN_PUNCT)
		first++;
	return first;
}

bool flat_piece_is(const struct doc *doc, uint32_t first, uint32_t end, const char *text)
{
	for (; first < end; first++) {
		size_t length = doc->tokens[first].length;

		if (doc->tokens[first].kind != TOKEN_WORD)
			continue;
		if (strncmp(doc->text + doc->tokens[first].offset, text, length) != 0)
			return false;
		text += length;
	}
	return !*text;
}

/* Removes a piece of "a,b,c" and the comma that is one too many, with the blanks beside it. */
static void piece_remove(struct doc *doc, const struct word *item, uint32_t first, uint32_t end,
			 bool is_first)
{
	if (!is_first) {
		doc_remove(doc, first - 1, end - 1);
		return;
	}
	if (end == item->last)
		end--;
	else if (doc->tokens[end + 1].kind == TOKEN_GAP)
		end++;
	doc_remove(doc, first, end);
}

static void vif_drop_netfront(struct fix *fix, const struct word *item, const char *reason)
{
	struct doc *doc = fix->doc;
	bool is_first = true;

	for (uint32_t first = item->first + 1, end; first < item->last; first = end + 1) {
		end = flat_piece_end(doc, item, first);
		/* type=vif is what xl calls the same */
		if (!flat_piece_is(doc, first, end, "type=netfront") &&
		    !flat_piece_is(doc, first, end, "type=vif")) {
			is_first = false;
			continue;
		}
		piece_remove(doc, item, first, end, is_first);
		while (doc->tokens[first].kind == TOKEN_GAP)
			first++;
		fix_edited(fix, first, doc_slice(doc, first, end - 1), NULL, "%s", reason);
	}
}

static void flat_drop_netfront(struct fix *fix, const char *reason)
{
	const struct statement *vif = flat_find(fix->doc, "vif");

	for (uint32_t i = 0; vif && i < vif->word_count; i++)
		vif_drop_netfront(fix, statement_word(fix->doc, vif, i), reason);
}

const struct guest_format guest_flat = {
	.types = TYPES_FLAT,
	.kind = flat_kind,
	.get = flat_get,
	.set = flat_set,
	.drop_netfront = flat_drop_netfront,
};
