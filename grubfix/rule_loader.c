/* Where the boot loader itself looks: GRUB's root, search, the paths of kernels, device.map. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "fix.h"
#include "menu.h"
#include "words.h"

#define EXAMPLE_ROOT "6f9b1c2e-0d5b-4a51-9f43-2f6c1c7e8a10"

static const struct grubfix_filesystem example_filesystems[] = {
	{ .partition = 2, .uuid = EXAMPLE_ROOT, .type = "ext3", .is_root = true },
};

static const struct grubfix_filesystem example_boot[] = {
	{ .partition = 1, .uuid = "5c7d", .type = "ext3", .is_boot = true },
	{ .partition = 2, .uuid = EXAMPLE_ROOT, .type = "ext3", .is_root = true },
};

static bool knows_boot_partition(const struct fix *fix)
{
	const struct grubfix_filesystem *boot = facts_boot(fix->facts);

	return boot && boot->partition > 0;
}

/* Is this statement part of the system whose disk this is? */
static bool ours(const struct fix *fix, const struct statement *s, const bool *foreign)
{
	enum entry_kind kind;

	if (s->entry == NONE)
		return true;
	kind = fix->doc->entries[s->entry].kind;
	return (kind == ENTRY_XEN || kind == ENTRY_LINUX || kind == ENTRY_SUBMENU) &&
	       !foreign[s->entry];
}

/* --- (hdX,Y) --------------------------------------------------------------------------------- */

/* Length of "(hdX,Y)" or "(hdX)"; 0: it is none. */
static size_t drive_length(const char *text, bool *ret_partition)
{
	size_t i = 3;

	if (!str_starts(text, "(hd") || !isdigit((unsigned char)text[i]))
		return 0;
	while (isdigit((unsigned char)text[i]))
		i++;
	*ret_partition = text[i] == ',';
	if (*ret_partition) {
		if (!isdigit((unsigned char)text[++i]))
			return 0;
		while (isdigit((unsigned char)text[i]))
			i++;
	}
	return text[i] == ')' ? i + 1 : 0;
}

static void drive_fix(struct fix *fix, const struct word *word, bool whole_disk)
{
	const struct grubfix_filesystem *boot = facts_boot(fix->facts);
	bool partition = false;
	size_t length = drive_length(word->text, &partition);
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(free_cleanup) char *what = device_describe(boot);

	if (length == 0 || (!partition && !whole_disk))
		return;
	text = str_format("(hd0,%u)%s", boot->partition - 1, word->text + length);
	if (strcmp(text, word->text) == 0)
		return;
	word_set(fix->doc, word, text);
	fix_edited(fix, word->first, word->text, text,
		   "GRUB's files and the kernels are on %s, which GRUB Legacy counts from 0", what);
}

/* "uuid 1234": the newer form of root. */
static void uuid_fix(struct fix *fix, const struct word *word)
{
	const struct grubfix_filesystem *boot = facts_boot(fix->facts);
	CLEANUP(free_cleanup) char *what = device_describe(boot);

	if (!boot->uuid || facts_by_uuid(fix->facts, word->text))
		return;
	word_set(fix->doc, word, boot->uuid);
	fix_edited(fix, word->first, word->text, boot->uuid,
		   "no file system of the image has this UUID; the kernels are on %s", what);
}

static void legacy_statement(struct fix *fix, const struct statement *s)
{
	bool root = strcmp(s->name, "root") == 0;
	bool files = menu_loads(s) || strcmp(s->name, "gfxmenu") == 0 ||
		     strcmp(s->name, "splashimage") == 0 || strcmp(s->name, "configfile") == 0;
	bool setup = fix->doc->type == GRUBFIX_SETUP &&
		     (strcmp(s->name, "setup") == 0 || strcmp(s->name, "install") == 0);
	const struct word *first = statement_word(fix->doc, s, 0);

	if (!first)
		return;
	if (strcmp(s->name, "uuid") == 0 && s->entry != NONE)
		uuid_fix(fix, first);
	if (s->hidden && strcmp(s->name, "groot") == 0) {
		if (*first->text == '(')
			drive_fix(fix, first, true);
		else
			uuid_fix(fix, first);
	}
	for (uint32_t i = 0; (root || files || setup) && i < s->word_count; i++)
		drive_fix(fix, fix->doc->words + s->words + i, root && s->entry != NONE);
}

/* "hd0,msdos2", "(hd0,2)", "ahci0,gpt2": the digits at the end are the partition, from 1. */
static char *partition_renamed(const char *text, unsigned partition)
{
	const char *comma = strchr(text, ',');
	const char *digits;

	if (!comma || strchr(text, '$') || strchr(comma + 1, ',') || strchr(text, '/'))
		return NULL;
	digits = comma + 1 + strspn(comma + 1, "abcdefghijklmnopqrstuvwxyz");
	size_t count = strspn(digits, "0123456789");
	if (count == 0 || strchr(")", digits[count]) == NULL)
		return NULL;
	return str_format("%.*s%u%s", (int)(digits - text), text, partition, digits + count);
}

static void set_root_fix(struct fix *fix, const struct statement *s)
{
	const struct grubfix_filesystem *boot = facts_boot(fix->facts);
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(free_cleanup) char *what = device_describe(boot);

	/* Outside the entries root can be where the fonts are. */
	if (s->entry == NONE && facts_separate_boot(fix->facts))
		return;
	text = partition_renamed(s->value, boot->partition);
	if (!text || strcmp(text, s->value) == 0)
		return;
	statement_set(fix->doc, s, text);
	fix_edited(fix, s->key, s->value, text, "GRUB finds its files on %s", what);
}

static int grub_root_apply(struct fix *fix, struct err *err)
{
	CLEANUP(free_cleanup) bool *foreign = menu_foreign(fix->doc, fix->facts);

	(void)err;
	for (uint32_t i = 0; i < fix->doc->statement_count; i++) {
		const struct statement *s = fix->doc->statements + i;

		if (!ours(fix, s, foreign))
			continue;
		if (fix->doc->type != GRUBFIX_GRUB_CFG)
			legacy_statement(fix, s);
		else if (s->assignment && strcmp(s->name, "root") == 0)
			set_root_fix(fix, s);
	}
	return 0;
}

static const struct fix_example grub_root_example = {
	GRUBFIX_LEGACY,
	"title Xen\n"
	"    root (hd0,0)\n"
	"    kernel /boot/xen.gz\n"
	"    module /boot/vmlinuz-xen root=UUID=" EXAMPLE_ROOT "\n",
	"--partition 2=" EXAMPLE_ROOT ",root,type=ext3",
	{ .filesystems = example_filesystems, .filesystem_count = 1 },
};

const struct fix_rule rule_grub_root = {
	.id = "grub-root",
	.why = "GRUB's own root must be the partition that holds the kernels, or it reads them "
	       "from the wrong one.",
	.types = TYPES_MENU | TYPE_BIT(GRUBFIX_SETUP),
	.matches = knows_boot_partition,
	.apply = grub_root_apply,
	.example = &grub_root_example,
};

/* --- search ---------------------------------------------------------------------------------- */

static bool knows_boot_uuid(const struct fix *fix)
{
	const struct grubfix_filesystem *boot = facts_boot(fix->facts);

	return boot && boot->uuid;
}

static bool searches_uuid(const struct doc *doc, const struct statement *s)
{
	if (strcmp(s->name, "search.fs_uuid") == 0)
		return true;
	for (uint32_t i = 0; strcmp(s->name, "search") == 0 && i < s->word_count; i++) {
		const char *text = doc->words[s->words + i].text;

		if (strcmp(text, "--fs-uuid") == 0 || strcmp(text, "-u") == 0)
			return true;
	}
	return false;
}

/* The word that is searched for: the last that is no option (the first for search.fs_uuid). */
static const struct word *search_target(const struct doc *doc, const struct statement *s)
{
	bool plain = strcmp(s->name, "search") == 0;

	for (uint32_t i = 0; i < s->word_count; i++) {
		const struct word *word = statement_word(doc, s, plain ? s->word_count - 1 - i : i);

		if (*word->text != '-')
			return word;
	}
	return NULL;
}

static void hints_fix(struct fix *fix, const struct statement *s)
{
	const struct grubfix_filesystem *boot = facts_boot(fix->facts);

	for (uint32_t i = 0; boot->partition && i < s->word_count; i++) {
		const struct word *word = statement_word(fix->doc, s, i);
		CLEANUP(free_cleanup) char *text = NULL;

		if (!str_starts(word->text, "--hint"))
			continue;
		text = partition_renamed(word->text, boot->partition);
		if (!text || strcmp(text, word->text) == 0 || !argument_is_plain(text))
			continue;
		word_set(fix->doc, word, text);
		fix_edited(fix, word->first, word->text, text,
			   "the hint names the partition that is searched for");
	}
}

/* Which entries load their files from a folder /boot: what they search for is then the root.
 * The last one stands for the commands outside of all entries. The caller frees. */
static bool *uses_boot_folder(const struct doc *doc)
{
	bool *uses = mem_alloc((doc->entry_count + 1) * sizeof *uses);

	for (uint32_t i = 0; i < doc->statement_count; i++) {
		const struct statement *s = doc->statements + i;
		const struct word *file = menu_loads(s) ? statement_file(doc, s) : NULL;

		if (file && s->entry != NONE &&
		    str_starts(path_without_device(file->text), "/boot/"))
			uses[s->entry] = uses[doc->entry_count] = true;
	}
	return uses;
}

static void search_fix(struct fix *fix, const struct statement *s, bool known)
{
	const struct grubfix_filesystem *boot = facts_boot(fix->facts), *found;
	const struct word *word = search_target(fix->doc, s);

	if (!boot || !boot->uuid || !word || strchr(word->text, '$'))
		return;
	CLEANUP(free_cleanup) char *what = device_describe(boot);
	found = facts_by_uuid(fix->facts, word->text);
	if (found == boot)
		hints_fix(fix, s);
	if (found && !found->is_swap)
		return;
	if (s->entry == NONE && facts_separate_boot(fix->facts)) {
		fix_remark(fix, word->first,
			   "search for %s is left: with a separate /boot it can mean either file "
			   "system",
			   word->text);
		return;
	}
	if (!known) {
		fix_remark(fix, word->first,
			   "search for %s is left: whether that is a /boot of its own is not "
			   "known (--boot-uuid or --partition tell)",
			   word->text);
		return;
	}
	word_set(fix->doc, word, boot->uuid);
	fix_edited(fix, word->first, word->text, boot->uuid,
		   "%s has this UUID; GRUB must search for %s",
		   found ? "the swap area" : "no file system of the image", what);
	hints_fix(fix, s);
}

static int search_apply(struct fix *fix, struct err *err)
{
	CLEANUP(free_cleanup) bool *foreign = menu_foreign(fix->doc, fix->facts);
	CLEANUP(free_cleanup) bool *folder = uses_boot_folder(fix->doc);
	bool known = facts_have_partitions(fix->facts) || facts_separate_boot(fix->facts) ||
		     fix->facts->adopt_root;

	(void)err;
	for (uint32_t i = 0; i < fix->doc->statement_count; i++) {
		const struct statement *s = fix->doc->statements + i;

		if (ours(fix, s, foreign) && searches_uuid(fix->doc, s))
			search_fix(fix, s,
				   known || folder[s->entry == NONE ? fix->doc->entry_count
								    : s->entry]);
	}
	return 0;
}

static const struct fix_example search_example = {
	GRUBFIX_GRUB_CFG,
	"menuentry 'Debian, with Xen hypervisor' {\n"
	"\tsearch --no-floppy --fs-uuid --set=root --hint-bios=hd0,msdos1 0000-dead\n"
	"\tmultiboot2 /boot/xen.gz placeholder\n"
	"\tmodule2 /boot/vmlinuz placeholder root=UUID=" EXAMPLE_ROOT "\n"
	"}\n",
	"--partition 2=" EXAMPLE_ROOT ",root,type=ext3",
	{ .filesystems = example_filesystems, .filesystem_count = 1 },
};

const struct fix_rule rule_search = {
	.id = "search",
	.why = "GRUB 2 finds its root by the UUID that search names; a UUID that is not on the "
	       "disk leaves the root that happens to be set.",
	.types = TYPE_BIT(GRUBFIX_GRUB_CFG),
	.matches = knows_boot_uuid,
	.apply = search_apply,
	.example = &search_example,
};

/* --- paths and a separate /boot -------------------------------------------------------------- */

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

		if (s->entry != NONE && ours(fix, s, foreign) && menu_loads(s))
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

/* --- device.map ------------------------------------------------------------------------------ */

static bool wants_disk(const struct fix *fix)
{
	return fix->facts->disk != NULL;
}

static int device_map_apply(struct fix *fix, struct err *err)
{
	(void)err;
	for (uint32_t i = 0; i < fix->doc->statement_count; i++) {
		const struct statement *s = fix->doc->statements + i;
		const struct word *drive = statement_word(fix->doc, s, 0);
		const struct word *device = statement_word(fix->doc, s, 1);

		if (!drive || !device || strcmp(drive->text, "(hd0)") != 0 ||
		    strcmp(device->text, fix->facts->disk) == 0)
			continue;
		word_set(fix->doc, device, fix->facts->disk);
		fix_edited(fix, device->first, device->text, fix->facts->disk,
			   "the first disk has this name when the image runs under the inner Xen");
	}
	return 0;
}

static const struct fix_example device_map_example = {
	GRUBFIX_DEVICE_MAP,
	"(fd0)\t/dev/fd0\n(hd0)\t/dev/hda\n",
	"--disk /dev/sda",
	{ .disk = "/dev/sda" },
};

const struct fix_rule rule_device_map = {
	.id = "device-map",
	.why = "grub-install and perl-Bootloader translate names through device.map, and write "
	       "a wrong (hdX,Y) if it names a disk that is not there.",
	.types = TYPE_BIT(GRUBFIX_DEVICE_MAP),
	.matches = wants_disk,
	.apply = device_map_apply,
	.example = &device_map_example,
};
