#include "menu.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "words.h"

bool menu_loads(const struct statement *statement)
{
	static const char *const names[] = { "kernel",	       "module",     "initrd",
					     "linux",	       "multiboot",  "modulenounzip",
					     "module2",	       "multiboot2", "linux16",
					     "initrd16",       "linuxefi",   "initrdefi",
					     "xen_hypervisor", "xen_module", "xen_linux",
					     "xen_initrd",     "ramdisk",    NULL };

	for (const char *const *n = names; *n; n++)
		if (strcmp(statement->name, *n) == 0)
			return true;
	return false;
}

bool menu_ours(const struct doc *doc, const struct statement *statement, const bool *foreign)
{
	if (statement->entry == NONE)
		return true;
	enum entry_kind kind = doc->entries[statement->entry].kind;
	return (kind == ENTRY_XEN || kind == ENTRY_LINUX || kind == ENTRY_SUBMENU) &&
	       !foreign[statement->entry];
}

/* xen.efi looks beside its xen.cfg; EFI writes paths with backslashes. */
static char *path_beside(const char *menu, const char *file)
{
	char *path = *menu == '/' ? str_format("%.*s%s", (int)(path_base(menu) - menu), menu, file)
				  : NULL;

	for (char *p = path; p && *p; p++)
		if (*p == '\\')
			*p = '/';
	return path;
}

char *menu_file_path(const struct doc *doc, const struct grubfix_facts *facts, const char *file)
{
	const char *path = path_without_device(file);

	if (doc->type == GRUBFIX_XEN_CFG)
		return path_beside(doc->name, file);
	if (*path != '/' || strchr(path, '$'))
		return NULL;
	if (facts->subvolume && str_starts(path, facts->subvolume) &&
	    path[strlen(facts->subvolume)] == '/')
		path += strlen(facts->subvolume);
	return str_format("%s%s", facts_separate_boot(facts) ? "/boot" : "", path);
}

static bool file_missing(const struct doc *doc, const struct grubfix_facts *facts, const char *file)
{
	CLEANUP(free_cleanup) char *path = menu_file_path(doc, facts, file);

	return path && facts->file_exists && !facts->file_exists(facts->context, path);
}

/* Files that Debian's and SUSE's menus list though they are no hypervisor to boot. */
static bool odd_build(const char *file)
{
	const char *base = path_base(file);

	return strstr(base, "xen-syms") || strstr(base, "-dbg") || strstr(base, "-debug") ||
	       str_ends(base, ".config") || str_ends(base, ".map");
}

static bool rescue_word(const struct doc *doc, const struct statement *s)
{
	for (uint32_t i = 0; i < s->word_count; i++) {
		const char *text = doc->words[s->words + i].text;

		if (strcmp(text, "single") == 0 || strcmp(text, "recovery") == 0 ||
		    strcmp(text, "emergency") == 0)
			return true;
	}
	return false;
}

bool *menu_usable(const struct doc *doc, const struct grubfix_facts *facts)
{
	bool *usable = mem_alloc(doc->entry_count * sizeof *usable);

	for (uint32_t i = 0; i < doc->entry_count; i++)
		usable[i] = doc->entries[i].kind == ENTRY_XEN &&
			    !strcasestr(doc->entries[i].title, "failsafe") &&
			    !strcasestr(doc->entries[i].title, "recovery mode");
	for (uint32_t i = 0; i < doc->statement_count; i++) {
		const struct statement *s = doc->statements + i;
		const struct word *file = menu_loads(s) ? statement_file(doc, s) : NULL;

		if (s->entry != NONE && file &&
		    (odd_build(file->text) || file_missing(doc, facts, file->text) ||
		     rescue_word(doc, s)))
			usable[s->entry] = false;
	}
	return usable;
}

static bool exists_somewhere(const struct doc *doc, const struct grubfix_facts *facts,
			     const char *file)
{
	const char *path = path_without_device(file);
	CLEANUP(free_cleanup) char *full = menu_file_path(doc, facts, file);
	CLEANUP(free_cleanup) char *inside = str_format("/boot%s", path);

	return !full || facts->file_exists(facts->context, full) ||
	       facts->file_exists(facts->context, path) ||
	       facts->file_exists(facts->context, inside);
}

bool *menu_dead(const struct doc *doc, const struct grubfix_facts *facts)
{
	bool *dead = mem_alloc(doc->entry_count * sizeof *dead);

	for (uint32_t i = 0; facts->file_exists && i < doc->statement_count; i++) {
		const struct statement *s = doc->statements + i;
		const struct word *file = menu_loads(s) ? statement_file(doc, s) : NULL;

		if (s->entry != NONE && file && !exists_somewhere(doc, facts, file->text))
			dead[s->entry] = true;
	}
	return dead;
}

bool *menu_foreign(const struct doc *doc, const struct grubfix_facts *facts)
{
	bool *foreign = mem_alloc(doc->entry_count * sizeof *foreign);
	CLEANUP(free_cleanup) bool *dead = menu_dead(doc, facts);

	for (uint32_t i = 0; i < doc->args_count; i++) {
		const struct args *args = doc->args + i;
		const struct word *root =
			args->role == ARGS_XEN ? NULL : args_find(doc, args, "root");
		CLEANUP(device_done) struct device device = { 0 };

		if (args->entry == NONE || !root)
			continue;
		device_resolve(facts, word_value(root), &device);
		foreign[args->entry] = device.kind == DEVICE_FOUND
					       ? !device.filesystem->is_root
					       : device.kind == DEVICE_UNKNOWN &&
							 dead[args->entry] && !facts->adopt_root;
	}
	return foreign;
}

static bool is_initrd(const struct statement *s, uint32_t modules)
{
	return str_starts(s->name, "initrd") || strcmp(s->name, "xen_initrd") == 0 ||
	       strcmp(s->name, "ramdisk") == 0 || modules > 1;
}

bool *menu_without_initrd(const struct doc *doc)
{
	bool *without = mem_alloc(doc->entry_count * sizeof *without);
	uint32_t *modules = mem_alloc(doc->entry_count * sizeof *modules);

	for (uint32_t i = 0; i < doc->entry_count; i++)
		without[i] = true;
	for (uint32_t i = 0; i < doc->statement_count; i++) {
		const struct statement *s = doc->statements + i;

		if (s->entry == NONE)
			continue;
		modules[s->entry] += menu_loads(s) && strstr(s->name, "module");
		if (is_initrd(s, modules[s->entry]))
			without[s->entry] = false;
	}
	free(modules);
	return without;
}

bool *menu_uses_com1(const struct doc *doc)
{
	bool *uses = mem_alloc(doc->entry_count * sizeof *uses);

	for (uint32_t i = 0; i < doc->args_count; i++) {
		const struct args *args = doc->args + i;
		const struct word *console;

		if (args->role != ARGS_XEN || args->entry == NONE)
			continue;
		console = args_find(doc, args, "console");
		uses[args->entry] |= console && strstr(word_value(console), "com1");
	}
	return uses;
}

/* --- names of entries ------------------------------------------------------------------------ */

/* Among those of its level, 0 is the first. */
static uint32_t entry_number(const struct doc *doc, uint32_t entry)
{
	uint32_t number = 0;

	for (uint32_t i = 0; i < entry; i++)
		number += doc->entries[i].parent == doc->entries[entry].parent;
	return number;
}

/* NULL: it has none that can be written between quotes. */
static const char *entry_name(const struct entry *entry)
{
	if (entry->id && *entry->id && !strpbrk(entry->id, "$'\n"))
		return entry->id;
	return strpbrk(entry->title, "$'\n") ? NULL : entry->title;
}

static void path_add(const struct doc *doc, uint32_t entry, struct buf *path)
{
	const char *name = entry_name(doc->entries + entry);

	if (doc->entries[entry].parent != NONE) {
		path_add(doc, doc->entries[entry].parent, path);
		buf_text(path, ">");
	}
	if (!name)
		buf_format(path, "%u", entry_number(doc, entry));
	/* In a name ">" is written twice. */
	for (; name && *name; name++)
		buf_text(path, *name == '>' ? ">>" : (char[]){ *name, '\0' });
}

char *menu_path(const struct doc *doc, uint32_t entry)
{
	struct buf path = { 0 };

	if (doc->type == GRUBFIX_LEGACY)
		return str_format("%u", entry_number(doc, entry));
	path_add(doc, entry, &path);
	return path.data ? path.data : str_copy("");
}

/* Takes the next component off a path: up to a single ">". */
static char *component_next(const char **path)
{
	struct buf name = { 0 };
	const char *p = *path;

	buf_text(&name, "");
	for (; *p && !(p[0] == '>' && p[1] != '>'); p++) {
		p += p[0] == '>';
		buf_add(&name, p, 1);
	}
	*path = *p ? p + 1 : p;
	return name.data;
}

static bool entry_named(const struct entry *entry, const char *name, uint32_t number)
{
	CLEANUP(free_cleanup) char *digits = str_format("%u", number);

	return str_equal(entry->id, name) || strcmp(entry->title, name) == 0 ||
	       strcmp(digits, name) == 0;
}

uint32_t menu_find(const struct doc *doc, const char *path)
{
	uint32_t level = NONE, found = NONE;

	while (*path) {
		CLEANUP(free_cleanup) char *name = component_next(&path);
		uint32_t number = 0;

		found = NONE;
		for (uint32_t i = 0; i < doc->entry_count && found == NONE; i++) {
			if (doc->entries[i].parent != level)
				continue;
			if (entry_named(doc->entries + i, name, number++))
				found = i;
		}
		if (found == NONE)
			return NONE;
		level = found;
	}
	return found;
}

uint32_t menu_xen_entry(const struct doc *doc, const struct grubfix_facts *facts,
			const bool *usable)
{
	uint32_t wanted = facts->default_entry ? menu_find(doc, facts->default_entry) : NONE;

	if (wanted != NONE)
		return wanted;
	for (uint32_t i = 0; i < doc->entry_count; i++)
		if (usable[i])
			return i;
	return NONE;
}
