/* Where the boot loader itself looks: GRUB's root, search, device.map. */
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

static bool knows_boot_partition(const struct fix *fix)
{
	const struct grubfix_filesystem *boot = facts_boot(fix->facts);

	return boot && boot->partition > 0;
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

		if (!menu_ours(fix->doc, s, foreign))
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

static const struct word *search_option(const struct doc *doc, const struct statement *s,
					const char *name, const char *letter)
{
	for (uint32_t i = 0; strcmp(s->name, "search") == 0 && i < s->word_count; i++) {
		const struct word *word = statement_word(doc, s, i);

		if (strcmp(word->text, name) == 0 || strcmp(word->text, letter) == 0)
			return word;
	}
	return NULL;
}

static bool searches_uuid(const struct doc *doc, const struct statement *s)
{
	return strcmp(s->name, "search.fs_uuid") == 0 ||
	       search_option(doc, s, "--fs-uuid", "-u") != NULL;
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

/* A label that nothing on the disk has: XCP-ng makes a new one with each installation. */
static void search_label_fix(struct fix *fix, const struct statement *s)
{
	const struct grubfix_filesystem *boot = facts_boot(fix->facts);
	const struct word *option = search_option(fix->doc, s, "--label", "-l");
	const struct word *word = option ? search_target(fix->doc, s) : NULL;

	if (!word || strchr(word->text, '$') || !boot->uuid ||
	    facts_label_is_there(fix->facts, word->text))
		return;
	CLEANUP(free_cleanup) char *what = device_describe(boot);
	word_set(fix->doc, option, "--fs-uuid");
	word_set(fix->doc, word, boot->uuid);
	fix_edited(fix, word->first, word->text, boot->uuid,
		   "no file system of the image has this label; GRUB must search for %s", what);
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

		if (!menu_ours(fix->doc, s, foreign))
			continue;
		if (searches_uuid(fix->doc, s))
			search_fix(fix, s,
				   known || folder[s->entry == NONE ? fix->doc->entry_count
								    : s->entry]);
		else if (s->entry != NONE &&
			 (facts_have_partitions(fix->facts) || fix->facts->adopt_root))
			search_label_fix(fix, s);
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
