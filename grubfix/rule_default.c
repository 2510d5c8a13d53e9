/* Which entry boots by default: the Xen one, in whatever way the file says so. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fix.h"
#include "menu.h"
#include "words.h"

#define MAX_LOOKUPS 64

static bool wants_xen(const struct fix *fix)
{
	return fix->facts->xen_default;
}

/* What the rule works with in one menu. */
struct choice {
	bool *usable;	  /* owned */
	unsigned lookups; /* how often a value was looked up in the menu */
	uint32_t entry;
	char *path; /* owned */
};

static void choice_done(struct choice *choice)
{
	free(choice->usable);
	free(choice->path);
}

static int choice_make(const struct fix *fix, struct choice *ret_choice, struct err *err)
{
	const struct doc *doc = fix->doc;

	ret_choice->usable = menu_usable(doc, fix->facts);
	ret_choice->entry = menu_xen_entry(doc, fix->facts, ret_choice->usable);
	if (ret_choice->entry == NONE) {
		fix_fail(fix, err, 0,
			 "none of its %u entries starts Xen and can be booted (install the "
			 "hypervisor, or leave this with --skip %s)",
			 doc->entry_count, fix->rule->id);
		return -EBADMSG;
	}
	ret_choice->path = menu_path(doc, ret_choice->entry);
	return 0;
}

/* Does this value already mean an entry that is as good? */
static bool chosen(const struct fix *fix, struct choice *choice, const char *value)
{
	uint32_t entry;

	if (strcmp(value, choice->path) == 0)
		return true;
	if (choice->lookups++ >= MAX_LOOKUPS) /* no menu sets its default so often */
		return false;
	entry = menu_find(fix->doc, value);
	if (entry == NONE)
		return false;
	return fix->facts->default_entry ? entry == choice->entry : choice->usable[entry];
}

static const char *chosen_title(const struct fix *fix, const struct choice *choice)
{
	return fix->doc->entries[choice->entry].title;
}

/* --- GRUB Legacy ----------------------------------------------------------------------------- */

static const struct statement *global_last(const struct doc *doc, const char *name)
{
	const struct statement *found = NULL;

	for (uint32_t i = 0; i < doc->statement_count; i++) {
		const struct statement *s = doc->statements + i;

		if (s->entry == NONE && !s->hidden && strcmp(s->name, name) == 0)
			found = s;
	}
	return found;
}

/* The token before which a global command is put: the first command, or the first title with the
 * comments that belong to it. */
static uint32_t globals_first(const struct doc *doc)
{
	const struct statement *s = NULL;
	uint32_t token = 0;

	for (uint32_t i = 0; i < doc->statement_count && !s; i++)
		if (!doc->statements[i].hidden)
			s = doc->statements + i;
	token = s ? s->line_first : 0;
	while (s && s->entry != NONE && token >= 2 &&
	       doc->tokens[token - 2].kind == TOKEN_COMMENT &&
	       (token == 2 || doc->tokens[token - 3].kind == TOKEN_NEWLINE))
		token -= 2;
	return token;
}

static void line_before(struct fix *fix, uint32_t token, const char *line, const char *reason)
{
	CLEANUP(free_cleanup) char *text = str_format("%s%s", line, doc_newline(fix->doc));

	doc_before(fix->doc, token, text);
	fix_edited(fix, token, NULL, line, "%s", reason);
}

/* The entries of `fallback 1 0` without the default, else the first plain one; NULL: none. The
 * caller frees. */
static char *fallback_others(const struct fix *fix, const struct statement *s,
			     const struct choice *choice)
{
	struct buf others = { 0 };

	for (uint32_t i = 0; i < s->word_count; i++) {
		const char *number = statement_word(fix->doc, s, i)->text;

		if (menu_find(fix->doc, number) != choice->entry)
			buf_format(&others, "%s%s", others.length ? " " : "", number);
	}
	for (uint32_t i = 0; i < fix->doc->entry_count && !others.data; i++)
		if (fix->doc->entries[i].kind == ENTRY_LINUX)
			return menu_path(fix->doc, i);
	return others.data;
}

static void fallback_fix(struct fix *fix, const struct choice *choice)
{
	const struct statement *s = global_last(fix->doc, "fallback");
	const struct word *first = s ? statement_word(fix->doc, s, 0) : NULL;

	if (!first || menu_find(fix->doc, first->text) != choice->entry)
		return;
	CLEANUP(free_cleanup) char *others = fallback_others(fix, s, choice);
	if (!others)
		return;
	statement_set(fix->doc, s, others);
	fix_edited(fix, s->key, s->value, others,
		   "the fallback must be another entry than the default");
}

static int legacy_default(struct fix *fix, struct err *err)
{
	CLEANUP(choice_done) struct choice choice = { 0 };
	const struct statement *s = global_last(fix->doc, "default");
	int r = choice_make(fix, &choice, err);

	if (r < 0)
		return r;
	if (!chosen(fix, &choice, s ? s->value : "0")) {
		CLEANUP(free_cleanup)
		char *reason = str_format("entry %s, \"%s\", starts Xen", choice.path,
					  chosen_title(fix, &choice));
		CLEANUP(free_cleanup) char *line = str_format("default %s", choice.path);

		if (s) {
			statement_set(fix->doc, s, choice.path);
			fix_edited(fix, s->key, s->value, choice.path, "%s", reason);
		} else {
			line_before(fix, globals_first(fix->doc), line, reason);
		}
		fallback_fix(fix, &choice);
	}
	return 0;
}

/* --- GRUB 2 ---------------------------------------------------------------------------------- */

static bool is_default(const struct statement *s)
{
	return s->assignment && s->entry == NONE && strcmp(s->name, "default") == 0;
}

/* Is it known that no environment block lies beside the menu? */
static bool lacks_grubenv(const struct fix *fix)
{
	const char *name = fix->doc->name;

	if (fix->facts->no_grubenv)
		return true;
	CLEANUP(free_cleanup)
	char *path = str_format("%.*sgrubenv", (int)(path_base(name) - name), name);

	return *name == '/' && fix->facts->file_exists &&
	       !fix->facts->file_exists(fix->facts->context, path);
}

/* Is saved_entry empty, because nothing is there that the menu could load it from, or the menu does
 * not load it? */
static bool saved_is_empty(const struct fix *fix)
{
	for (uint32_t i = 0; i < fix->doc->statement_count; i++)
		if (strcmp(fix->doc->statements[i].name, "load_env") == 0)
			return lacks_grubenv(fix);
	return !grubfix_is_included(fix->doc->name) || lacks_grubenv(fix);
}

static int grub_cfg_default(struct fix *fix, struct err *err)
{
	CLEANUP(choice_done) struct choice choice = { 0 };
	bool literal = false, variable = false, empty = saved_is_empty(fix);
	int r = choice_make(fix, &choice, err);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < fix->doc->statement_count; i++) {
		const struct statement *s = fix->doc->statements + i;

		if (!is_default(s))
			continue;
		bool saved = strstr(s->value, "saved_entry") != NULL;
		if (strchr(s->value, '$') && !(saved && empty)) {
			variable |= saved;
			continue;
		}
		literal = true;
		if (!strchr(s->value, '$') && chosen(fix, &choice, s->value))
			continue;
		statement_set(fix->doc, s, choice.path);
		fix_edited(fix, s->key, s->value, choice.path, "\"%s\" starts Xen",
			   chosen_title(fix, &choice));
	}
	if (!literal && variable)
		fix_remark(fix, 0, "the default is saved_entry of grubenv: it must be \"%s\" there",
			   choice.path);
	if (literal || variable)
		return 0;
	CLEANUP(free_cleanup) char *line = str_format("set default='%s'", choice.path);
	CLEANUP(free_cleanup)
	char *reason = str_format("\"%s\" starts Xen", chosen_title(fix, &choice));
	line_before(fix, fix->doc->statements[fix->doc->entries[0].statement].line_first, line,
		    reason);
	return 0;
}

/* --- files that hold no entries -------------------------------------------------------------- */

static void value_fix(struct fix *fix, const struct statement *s, const char *value,
		      const char *reason)
{
	if (strcmp(s->value, value) == 0)
		return;
	statement_set(fix->doc, s, value);
	fix_edited(fix, s->key, s->value, value, "%s", reason);
}

/* In quotes, which the name of an entry mostly needs. */
static void setting_append(struct fix *fix, const char *name, const char *value, const char *reason)
{
	CLEANUP(free_cleanup) char *quoted = shell_quoted(value);
	CLEANUP(free_cleanup) char *line = str_format("%s=%s", name, quoted);

	fix_append_line(fix, line, reason);
}

#define OVERRIDE "XEN_OVERRIDE_GRUB_DEFAULT"

/* Debian's xen.cfg finds the name of the Xen entry by itself, if it is not told to leave that. */
static bool finds_xen(const struct doc *doc, const struct statement *s)
{
	return str_ends(doc->name, "grub.d/xen.cfg") &&
	       (strstr(s->value, "$(") || strchr(s->value, '`'));
}

static int default_grub(struct fix *fix, struct err *err)
{
	const char *entry = fix->facts->default_entry;
	bool override = false, found = false;

	(void)err;
	for (uint32_t i = 0; i < fix->doc->statement_count; i++) {
		const struct statement *s = fix->doc->statements + i;

		if (!s->assignment)
			continue;
		found |= strcmp(s->name, "GRUB_DEFAULT") == 0;
		if (strcmp(s->name, OVERRIDE) == 0) {
			override = true;
			value_fix(fix, s, "1",
				  "the next update of the menu makes Xen the default again");
		}
		if (strcmp(s->name, "GRUB_DEFAULT") != 0 || finds_xen(fix->doc, s))
			continue;
		if (strcmp(s->value, "saved") == 0 && !fix->facts->no_grubenv)
			fix_remark(fix, s->key, "the default is saved_entry of grubenv");
		else if (entry)
			value_fix(
				fix, s, entry,
				strcmp(s->value, "saved") == 0
					? "there is no grubenv that could save an entry: the next "
					  "update of the menu keeps Xen as the default"
					: "the next update of the menu keeps Xen as the default");
		else
			fix_remark(fix, s->key,
				   "GRUB_DEFAULT=%s is left: the name of the Xen entry is not "
				   "known (--default-entry)",
				   s->value);
	}
	if (!found && entry && !grubfix_is_included(fix->doc->name))
		setting_append(fix, "GRUB_DEFAULT", entry,
			       "the next update of the menu keeps Xen as the default");
	if (!override && str_ends(fix->doc->name, "grub.d/xen.cfg"))
		fix_append_line(fix, OVERRIDE "=1",
				"the next update of the menu makes Xen the default again");
	return 0;
}

/* What grub-reboot leaves: the menu takes it before, or as, the saved entry.
 * Source: GRUB 2 util/grub.d/00_header.in. */
static void once_fix(struct fix *fix, const struct statement *s, const char *entry)
{
	if ((strcmp(s->name, "next_entry") != 0 && strcmp(s->name, "prev_saved_entry") != 0) ||
	    !*s->value || strcmp(s->value, entry) == 0)
		return;
	statement_set(fix->doc, s, "");
	fix_edited(fix, s->key, s->value, "",
		   "GRUB would boot this entry in place of the saved one");
}

static int grubenv_default(struct fix *fix, struct err *err)
{
	const char *entry = fix->facts->default_entry;
	uint32_t padding = fix->doc->token_count ? fix->doc->token_count - 1 : 0;
	bool found = false;

	if (!entry) {
		fix_remark(fix, 0,
			   "saved_entry is left: the name of the Xen entry is not known "
			   "(--default-entry)");
		return 0;
	}
	if (strpbrk(entry, "\n\\"))
		return fix_fail(fix, err, 0, "\"%s\" cannot stand in an environment block", entry);
	for (uint32_t i = 0; i < fix->doc->statement_count; i++) {
		const struct statement *s = fix->doc->statements + i;

		/* Source: SUSE's grub2, grub2-grubenv-in-btrfs-header.patch. */
		if (strcmp(s->name, "env_block") == 0)
			fix_remark(fix, s->key,
				   "saved_entry can stand in the head of the btrfs too, which "
				   "counts more: run grub2-set-default '%s' inside",
				   entry);
		once_fix(fix, s, entry);
		if (strcmp(s->name, "saved_entry") != 0)
			continue;
		found = true;
		value_fix(fix, s, entry, "GRUB boots the entry that is saved here");
	}
	CLEANUP(free_cleanup) char *line = str_format("saved_entry=%s", entry);
	if (!found)
		line_before(fix, padding, line, "GRUB boots the entry that is saved here");
	return 0;
}

/* The section that was asked for, else the first whose files are there, else the first at all;
 * NONE: there is none that could be named. */
static uint32_t section_choose(const struct fix *fix, const bool *usable)
{
	uint32_t chosen_one = NONE;

	for (uint32_t i = 0; i < fix->doc->entry_count; i++) {
		const struct entry *entry = fix->doc->entries + i;

		if (strcmp(entry->title, "global") == 0 || entry->kind != ENTRY_XEN ||
		    !argument_is_plain(entry->title))
			continue;
		if (str_equal(entry->title, fix->facts->default_entry))
			return i;
		if (chosen_one == NONE || (usable[i] && !usable[chosen_one]))
			chosen_one = i;
	}
	return chosen_one;
}

static const struct statement *section_default(const struct doc *doc)
{
	for (uint32_t i = 0; i < doc->statement_count; i++) {
		const struct statement *s = doc->statements + i;

		if (s->entry != NONE && strcmp(doc->entries[s->entry].title, "global") == 0 &&
		    strcmp(s->name, "default") == 0)
			return s;
	}
	return NULL;
}

static int xen_cfg_default(struct fix *fix, struct err *err)
{
	CLEANUP(free_cleanup) bool *usable = menu_usable(fix->doc, fix->facts);
	const struct statement *current = section_default(fix->doc);
	uint32_t wanted_entry = section_choose(fix, usable);

	if (wanted_entry == NONE)
		return fix_fail(fix, err, 0, "no section that has a name and a kernel= line");
	const char *wanted = fix->doc->entries[wanted_entry].title;
	if (current) {
		uint32_t entry = menu_find(fix->doc, current->value);
		bool good = entry != NONE && fix->doc->entries[entry].kind == ENTRY_XEN &&
			    strcmp(fix->doc->entries[entry].title, current->value) == 0 &&
			    (usable[entry] || !usable[wanted_entry]) &&
			    (!fix->facts->default_entry || strcmp(current->value, wanted) == 0);

		if (!good)
			value_fix(fix, current, wanted, "xen.efi loads the section named here");
		return 0;
	}
	fix_remark(fix, 0, "no default= line: xen.efi takes the first section");
	return 0;
}

static int xen_default_apply(struct fix *fix, struct err *err)
{
	switch (fix->doc->type) {
	case GRUBFIX_LEGACY:
	case GRUBFIX_GRUB_CFG:
		if (fix->doc->entry_count > 0)
			return fix->doc->type == GRUBFIX_LEGACY ? legacy_default(fix, err)
								: grub_cfg_default(fix, err);
		fix_remark(fix, 0, "it has no entries");
		return 0;
	case GRUBFIX_DEFAULT_GRUB:
		return default_grub(fix, err);
	case GRUBFIX_GRUBENV:
		return grubenv_default(fix, err);
	case GRUBFIX_XEN_CFG:
		return xen_cfg_default(fix, err);
	default:
		fix_remark(fix, 0, "a Boot Loader Specification entry cannot describe Xen");
		return 0;
	}
}

static const struct fix_example xen_default_example = {
	GRUBFIX_GRUB_CFG,
	"set default=\"0\"\n"
	"menuentry 'Debian' --id debian {\n"
	"\tlinux /vmlinuz\n"
	"}\n"
	"submenu 'Xen' --id xen {\n"
	"\tmenuentry 'Debian, with Xen 4.17' --id xen-4.17 {\n"
	"\t\tmultiboot2 /boot/xen-4.17.gz\n"
	"\t\tmodule2 /vmlinuz placeholder\n"
	"\t}\n"
	"}\n",
	"--default-xen",
	{ .xen_default = true },
};

const struct fix_rule rule_xen_default = {
	.id = "xen-default",
	.why = "Installers leave the plain kernel as the default, and without somebody at the "
	       "menu the layer then boots without its hypervisor.",
	.types = TYPES_MENU | TYPE_BIT(GRUBFIX_DEFAULT_GRUB) | TYPE_BIT(GRUBFIX_GRUBENV) |
		 TYPE_BIT(GRUBFIX_XEN_CFG) | TYPE_BIT(GRUBFIX_BLS),
	.matches = wants_xen,
	.apply = xen_default_apply,
	.example = &xen_default_example,
};
