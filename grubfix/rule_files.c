/* The files that an entry loads: their paths, with or without a separate /boot, and whether they
 * are there. */
#include <string.h>

#include "device.h"
#include "fix.h"
#include "menu.h"
#include "words.h"

#define EXAMPLE_ROOT "6f9b1c2e-0d5b-4a51-9f43-2f6c1c7e8a10"

static const struct grubfix_filesystem example_boot[] = {
	{ .partition = 1, .uuid = "5c7d", .type = "ext3", .is_boot = true },
	{ .partition = 2, .uuid = EXAMPLE_ROOT, .type = "ext3", .is_root = true },
};

static bool knows_files(const struct fix *fix)
{
	return fix->facts->file_exists && facts_boot(fix->facts);
}

static bool exists(const struct fix *fix, const char *path)
{
	return fix->facts->file_exists(fix->facts->context, path);
}

/* The path as the menu must write it; NULL: it is right as it is, or nothing fits. */
static char *path_corrected(const struct fix *fix, const char *file)
{
	const char *path = path_without_device(file);
	CLEANUP(free_cleanup) char *full = menu_file_path(fix->doc, fix->facts, file);
	CLEANUP(free_cleanup) char *inside = str_format("/boot%s", path);

	if (!full || exists(fix, full) || fix->doc->type == GRUBFIX_XEN_CFG)
		return NULL;
	if (facts_separate_boot(fix->facts))
		return str_starts(path, "/boot/") && exists(fix, path)
			       ? str_format("%.*s%s", (int)(path - file), file,
					    path + strlen("/boot"))
			       : NULL;
	return exists(fix, inside) ? str_format("%.*s%s", (int)(path - file), file, inside) : NULL;
}

static bool is_file_word(const struct doc *doc, const struct statement *s, uint32_t index)
{
	return str_starts(s->name, "initrd") ? *statement_word(doc, s, index)->text != '-'
					     : index == statement_file_index(doc, s);
}

static void paths_fix(struct fix *fix, const struct statement *s, bool edit)
{
	bool separate = facts_separate_boot(fix->facts);

	for (uint32_t i = 0; i < s->word_count; i++) {
		const struct word *word = statement_word(fix->doc, s, i);
		CLEANUP(free_cleanup) char *text = NULL;
		CLEANUP(free_cleanup) char *full = NULL;

		if (!is_file_word(fix->doc, s, i))
			continue;
		text = path_corrected(fix, word->text);
		full = menu_file_path(fix->doc, fix->facts, word->text);
		if (edit && text && argument_is_plain(path_without_device(text))) {
			word_set(fix->doc, word, text);
			fix_edited(fix, word->first, word->text, text,
				   separate ? "/boot is a file system of its own, and paths begin "
					      "at its root"
					    : "/boot is a folder of the root file system");
		} else if (!edit && !text && full && !exists(fix, full)) {
			fix_remark(fix, word->first, "%s does not exist in the image (%s)",
				   word->text, full);
		}
	}
}

static void paths_apply(struct fix *fix, bool edit)
{
	CLEANUP(free_cleanup) bool *foreign = menu_foreign(fix->doc, fix->facts);

	for (uint32_t i = 0; i < fix->doc->statement_count; i++) {
		const struct statement *s = fix->doc->statements + i;

		if (s->entry != NONE && menu_ours(fix->doc, s, foreign) && menu_loads(s))
			paths_fix(fix, s, edit);
	}
}

static int boot_path_apply(struct fix *fix, struct err *err)
{
	(void)err;
	paths_apply(fix, true);
	return 0;
}

static bool example_exists(void *context, const char *path)
{
	(void)context;
	return str_equal(path, "/boot/xen.gz") || str_equal(path, "/boot/vmlinuz-xen");
}

static const struct fix_example boot_path_example = {
	GRUBFIX_LEGACY,
	"title Xen\n"
	"    root (hd0,0)\n"
	"    kernel /boot/xen.gz\n"
	"    module /boot/vmlinuz-xen root=UUID=" EXAMPLE_ROOT "\n",
	"--partition 1=5c7d,boot --partition 2=" EXAMPLE_ROOT ",root --files LIST",
	{ .filesystems = example_boot, .filesystem_count = 2, .file_exists = example_exists },
};

const struct fix_rule rule_boot_path = {
	.id = "boot-path",
	.why = "Where /boot is a file system of its own the paths in the menu begin without "
	       "/boot, and a menu from a machine with another layout has them wrong.",
	.types = TYPES_MENU | TYPE_BIT(GRUBFIX_BLS),
	.matches = knows_files,
	.apply = boot_path_apply,
	.example = &boot_path_example,
};

static int missing_file_apply(struct fix *fix, struct err *err)
{
	(void)err;
	paths_apply(fix, false);
	return 0;
}

const struct fix_rule rule_missing_file = {
	.id = "missing-file",
	.why = "An entry that names a kernel, initrd or hypervisor that is not in the image "
	       "cannot boot; it is reported and not chosen as the default.",
	.types = TYPES_MENU | TYPE_BIT(GRUBFIX_BLS) | TYPE_BIT(GRUBFIX_XEN_CFG),
	.matches = knows_files,
	.apply = missing_file_apply,
};
