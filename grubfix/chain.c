/* GRUB Legacy loads another menu when its default entry says configfile; GRUB 2 also outside of the
 * entries, with configfile or source.
 * Sources: GRUB 0.97 stage2/builtins.c configfile_func(); GRUB 2 grub-core/commands/configfile.c.
 */
#include "chain.h"

#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "menu.h"
#include "words.h"

#define MENUS_MAX 64 /* no menu loads so many others */

static bool loads_menu(const struct doc *doc, const struct statement *s)
{
	return strcmp(s->name, "configfile") == 0 ||
	       (doc->type == GRUBFIX_GRUB_CFG &&
		(strcmp(s->name, "source") == 0 || strcmp(s->name, ".") == 0));
}

static const char *setting_of(const struct doc *doc, const char *name, const char *otherwise)
{
	for (uint32_t i = 0; i < doc->statement_count; i++) {
		const struct statement *s = doc->statements + i;

		if (s->entry == NONE && !s->hidden && strcmp(s->name, name) == 0 &&
		    (s->assignment || doc->type == GRUBFIX_LEGACY))
			otherwise = s->value;
	}
	return otherwise;
}

/* NONE: it depends on what was saved. */
static uint32_t default_entry(const struct doc *doc)
{
	return menu_find(doc, setting_of(doc, "default", "0"));
}

/* Does a token stand under `if`, in a function or in a loop? */
static bool is_conditional(const struct doc *doc, uint32_t token, bool in_entry)
{
	int depth = in_entry ? -1 : 0; /* its own brace */

	if (doc->type != GRUBFIX_GRUB_CFG) /* GRUB Legacy knows no conditions */
		return false;
	for (uint32_t i = 0; i < token; i++) {
		depth += token_is(doc, i, "if") || token_is(doc, i, "do") || token_is(doc, i, "{");
		depth -=
			token_is(doc, i, "fi") || token_is(doc, i, "done") || token_is(doc, i, "}");
	}
	return depth != 0;
}

/* --- the disk that is meant ------------------------------------------------------------------- */

static bool is_boot_drive(const struct grubfix_facts *facts, const char *device, bool legacy)
{
	const struct grubfix_filesystem *boot = facts_boot(facts);
	const char *digits = device + (*device == '(');

	if (strchr(device, '$')) /* where search found it */
		return true;
	if (!boot || boot->partition == 0 || !str_starts(digits, "hd0,"))
		return false;
	digits += strlen("hd0,");
	digits += strspn(digits, "abcdefghijklmnopqrstuvwxyz");
	return strtoul(digits, NULL, 10) + (legacy ? 1 : 0) == boot->partition;
}

static bool searches_boot(const struct doc *doc, const struct statement *s,
			  const struct grubfix_facts *facts)
{
	const struct grubfix_filesystem *boot = facts_boot(facts);

	for (uint32_t i = 0; boot && boot->uuid && i < s->word_count; i++)
		if (str_equal(doc->words[s->words + i].text, boot->uuid))
			return true;
	return false;
}

static bool sets_root(const struct doc *doc, const struct statement *s)
{
	if (doc->type == GRUBFIX_LEGACY)
		return strcmp(s->name, "root") == 0 || strcmp(s->name, "rootnoverify") == 0;
	return s->assignment && strcmp(s->name, "root") == 0;
}

/* Do the commands that count for an entry (NONE: outside of all) stay on the file system with the
 * menus? */
static bool stays_home(const struct doc *doc, const struct grubfix_facts *facts, uint32_t entry)
{
	bool legacy = doc->type == GRUBFIX_LEGACY, searched = false;

	for (uint32_t i = 0; i < doc->statement_count; i++) {
		const struct statement *s = doc->statements + i;
		bool search = str_starts(s->name, "search");

		if (s->entry != entry && (legacy || s->entry != NONE))
			continue;
		if ((sets_root(doc, s) && !is_boot_drive(facts, s->value, legacy)) ||
		    (search && !searches_boot(doc, s, facts)))
			return false;
		searched |= search;
	}
	/* Without a search, a menu on the EFI partition stays there. */
	return searched || !str_starts(doc->name, "/boot/efi/");
}

/* --- the path --------------------------------------------------------------------------------- */

/* The folder that GRUB calls $prefix; the caller frees. NULL: not known. */
static char *prefix_of(const struct doc *doc)
{
	static const char *const folders[] = { "/boot/grub", "/boot/grub2" };
	const char *said = setting_of(doc, "prefix", NULL);

	if (said)
		return str_copy(path_without_device(said));
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
		if (strncmp(doc->name, folders[i], strlen(folders[i])) == 0 &&
		    path_base(doc->name) == doc->name + strlen(folders[i]) + 1)
			return str_copy(folders[i]);
	return NULL;
}

static char *path_of(const struct doc *doc, const struct grubfix_facts *facts, const char *text)
{
	static const char *const names[] = { "$prefix/", "${prefix}/" };
	const char *path = path_without_device(text);
	CLEANUP(free_cleanup) char *prefix = prefix_of(doc);
	CLEANUP(free_cleanup) char *whole = NULL;

	if (path != text && !is_boot_drive(facts, text, doc->type == GRUBFIX_LEGACY))
		return NULL;
	for (size_t i = 0; i < sizeof names / sizeof *names && !whole; i++)
		if (prefix && str_starts(path, names[i]))
			whole = str_format("%s/%s", prefix, path + strlen(names[i]));
	if (whole && setting_of(doc, "prefix", NULL) == NULL) /* a path of the tree already */
		return take(&whole);
	return menu_file_path(doc, facts, whole ? whole : path);
}

void chain_next(const struct doc *doc, const struct grubfix_facts *facts, struct strv *ret_paths)
{
	uint32_t entry = default_entry(doc);
	unsigned looked_at = 0;

	for (uint32_t i = 0; i < doc->statement_count; i++) {
		const struct statement *s = doc->statements + i;
		const struct word *file = statement_word(doc, s, 0);
		CLEANUP(free_cleanup) char *path = NULL;
		bool top = s->entry == NONE;

		if (!loads_menu(doc, s) || !file || s->key == NONE ||
		    (top ? doc->type == GRUBFIX_LEGACY : s->entry != entry) ||
		    looked_at++ >= MENUS_MAX || is_conditional(doc, s->key, !top) ||
		    !stays_home(doc, facts, s->entry))
			continue;
		path = path_of(doc, facts, file->text);
		if (path)
			strv_add(ret_paths, path);
	}
}
