#include "wishes.h"

#include <stdlib.h>
#include <string.h>

#include "menu.h"
#include "words.h"

/* Which lists count as one. */
struct group {
	uint32_t first, end;
	enum args_role role;
};

static const struct word *group_find(const struct doc *doc, const struct group *group,
				     const char *key)
{
	for (uint32_t i = group->first; i < group->end; i++) {
		const struct word *word = doc->args[i].role == group->role
						  ? args_find(doc, doc->args + i, key)
						  : NULL;
		if (word)
			return word;
	}
	return NULL;
}

static bool group_has_word(const struct doc *doc, const struct group *group, const char *text)
{
	for (uint32_t i = group->first; i < group->end; i++) {
		const struct args *args = doc->args + i;

		for (uint32_t w = 0; args->role == group->role && w < args->word_count; w++)
			if (strcmp(doc->words[args->words + w].text, text) == 0)
				return true;
	}
	return false;
}

static bool has_item(const char *list, const char *item)
{
	size_t length = strlen(item);

	for (; *list; list += strcspn(list, ","), list += *list == ',')
		if (strcspn(list, ",") == length && strncmp(list, item, length) == 0)
			return true;
	return false;
}

/* What is to be added for a wish; NULL: it holds, or a word was replaced. The caller frees. */
static char *wish_grant(struct fix *fix, const struct group *group, const struct wish *wish,
			const char *reason)
{
	char *text = str_format("%s%s%s", wish->key, *wish->value ? "=" : "", wish->value);
	const struct word *word = group_find(fix->doc, group, wish->key);
	CLEANUP(free_cleanup) char *changed = NULL;

	if (wish->mode == WISH_WORD
		    ? group_has_word(fix->doc, group, text)
		    : word && (wish->mode == WISH_KEEP || strcmp(word->text, text) == 0)) {
		free(text);
		return NULL;
	}
	if (!word || wish->mode == WISH_WORD)
		return text;
	if (wish->mode == WISH_ITEM && !has_item(word_value(word), wish->value))
		changed =
			str_format("%s%s%s", text, *word_value(word) ? "," : "", word_value(word));
	else if (wish->mode == WISH_SET)
		changed = str_copy(text);
	free(text);
	if (changed) {
		word_set(fix->doc, word, changed);
		fix_edited(fix, word->first, word->text, changed, "%s", reason);
	}
	return NULL;
}

static const char *statement_name(const struct doc *doc, const struct args *args)
{
	return doc->statements[args->statement].name;
}

/* The list of a group that takes what is added: the plain variable before its _DEFAULT. */
static const struct args *group_target(const struct doc *doc, const struct group *group)
{
	const struct args *target = NULL;

	for (uint32_t i = group->first; i < group->end; i++) {
		const struct args *args = doc->args + i;

		if (args->role != group->role)
			continue;
		if (!target || (str_ends(statement_name(doc, target), "_DEFAULT") &&
				!str_ends(statement_name(doc, args), "_DEFAULT")))
			target = args;
	}
	return target;
}

static const char *variable_for(const struct doc *doc, enum args_role role)
{
	if (grubfix_is_included(doc->name))
		return NULL;
	if (doc->type == GRUBFIX_SYSCONFIG)
		return role == ARGS_XEN ? "XEN_APPEND" : "XEN_KERNEL_APPEND";
	return doc->type == GRUBFIX_DEFAULT_GRUB && role == ARGS_XEN ? "GRUB_CMDLINE_XEN" : NULL;
}

static void group_add(struct fix *fix, const struct group *group, const char *text,
		      const char *reason)
{
	const struct args *target = group_target(fix->doc, group);
	const char *variable = variable_for(fix->doc, group->role);

	if (target) {
		args_add(fix->doc, target, text);
		fix_edited(fix, target->after, NULL, text, "%s", reason);
	} else if (variable) {
		CLEANUP(free_cleanup) char *line = str_format("%s=\"%s\"", variable, text);

		fix_append_line(fix, line, reason);
	}
}

static void group_grant(struct fix *fix, const struct group *group, const struct wish *wishes,
			const char *reason)
{
	CLEANUP(strv_done) struct strv added = { 0 };
	CLEANUP(free_cleanup) char *text = NULL;

	for (; wishes->key; wishes++) {
		CLEANUP(free_cleanup) char *one = wish_grant(fix, group, wishes, reason);

		if (one)
			strv_add(&added, one);
	}
	if (added.count == 0)
		return;
	text = strv_join(&added, " ");
	group_add(fix, group, text, reason);
}

void wishes_grant_one(struct fix *fix, uint32_t args, const struct wish *wishes, const char *reason)
{
	struct group group = { args, args + 1, fix->doc->args[args].role };

	group_grant(fix, &group, wishes, reason);
}

/* A section of xen.cfg may have no options= line: it comes in front of its kernel= line. */
static void options_add(struct fix *fix, uint32_t kernel, const struct wish *wishes,
			const char *reason)
{
	const struct doc *doc = fix->doc;
	uint32_t token = doc->statements[doc->args[kernel].statement].line_first;
	CLEANUP(buf_done) struct buf line = { 0 };

	buf_text(&line, "options=");
	for (const struct wish *wish = wishes; wish->key; wish++)
		buf_format(&line, "%s%s%s%s", wish == wishes ? "" : " ", wish->key,
			   *wish->value ? "=" : "", wish->value);
	fix_edited(fix, token, NULL, line.data, "%s", reason);
	buf_text(&line, doc_newline(doc));
	doc_before(fix->doc, token, line.data);
}

static void sections_complete(struct fix *fix, const bool *foreign, const struct wish *wishes,
			      const char *reason)
{
	const struct doc *doc = fix->doc;
	CLEANUP(free_cleanup) bool *done = mem_alloc(doc->entry_count * sizeof *done);

	for (uint32_t i = 0; i < doc->args_count; i++)
		if (doc->args[i].role == ARGS_XEN && doc->args[i].entry != NONE)
			done[doc->args[i].entry] = true;
	for (uint32_t i = 0; i < doc->args_count; i++) {
		uint32_t entry = doc->args[i].entry;

		if (doc->args[i].role != ARGS_DOM0 || entry == NONE || foreign[entry] ||
		    done[entry])
			continue;
		done[entry] = true;
		options_add(fix, i, wishes, reason);
	}
}

void wishes_grant(struct fix *fix, enum args_role role, const struct wish *wishes,
		  const char *reason)
{
	CLEANUP(free_cleanup) bool *foreign = menu_foreign(fix->doc, fix->facts);
	const struct doc *doc = fix->doc;

	if (TYPE_BIT(doc->type) & TYPES_SETTINGS) {
		struct group all = { 0, doc->args_count, role };

		group_grant(fix, &all, wishes, reason);
		return;
	}
	for (uint32_t i = 0; i < doc->args_count; i++)
		if (doc->args[i].role == role &&
		    (doc->args[i].entry == NONE || !foreign[doc->args[i].entry]))
			wishes_grant_one(fix, i, wishes, reason);
	if (role == ARGS_XEN && doc->type == GRUBFIX_XEN_CFG)
		sections_complete(fix, foreign, wishes, reason);
}
