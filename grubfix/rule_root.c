/* The names of the root disk and of swap, wherever they stand: root=, resume=, fstab, crypttab.
 * The published fault: the installer wrote /dev/hda2, the disk's name under the PV driver, and
 * under the inner Xen the same disk is sda. A UUID holds on both. */
#include "fix.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "device.h"
#include "menu.h"
#include "words.h"

#define EXAMPLE_ROOT "6f9b1c2e-0d5b-4a51-9f43-2f6c1c7e8a10"
#define EXAMPLE_SWAP "0b7f7c56-6d2e-4a58-8a34-90c9ab4be0f1"

static const struct grubfix_filesystem example_filesystems[] = {
	{ .partition = 1, .uuid = EXAMPLE_SWAP, .type = "swap", .is_swap = true },
	{ .partition = 2, .uuid = EXAMPLE_ROOT, .type = "ext3", .is_root = true },
};

#define EXAMPLE_FACTS                                                                              \
	{                                                                                          \
		.filesystems = example_filesystems, .filesystem_count = 2                          \
	}

static bool knows_root(const struct fix *fix)
{
	for (size_t i = 0; i < fix->facts->filesystem_count; i++)
		if (fix->facts->filesystems[i].is_root)
			return true;
	return fix->facts->device_count > 0;
}

static bool knows_filesystems(const struct fix *fix)
{
	return fix->facts->filesystem_count > 0;
}

/* What names a device. Gentoo's genkernel has root=/dev/ram0 for its initrd, and names what that is
 * to mount in arguments of its own. */
static const char *const root_keys[] = { "root=", "real_root=", NULL };
static const char *const resume_keys[] = { "resume=", "real_resume=", NULL };

/* NULL: none of these keys. */
static const char *key_of(const struct word *word, const char *const *keys)
{
	while (*keys && !str_starts(word->text, *keys))
		keys++;
	return *keys;
}

/* --- root= ----------------------------------------------------------------------------------- */

static bool cannot_be_root(const struct grubfix_filesystem *fs)
{
	return !fs->is_root && (fs->is_swap || fs->is_boot ||
				(fs->mount_point && !str_equal(fs->mount_point, "/")));
}

static bool has_name(const struct fix *fix, const struct grubfix_filesystem *fs)
{
	CLEANUP(free_cleanup) char *name = device_name(fix->facts, fs);

	return name != NULL;
}

static int unresolved(const struct fix *fix, struct err *err, uint32_t token, const char *text,
		      const char *name, const char *reason)
{
	return fix_fail(fix, err, token,
			"%s cannot be resolved: %s (say which file system is meant with "
			"--device %s=UUID, or leave it with --skip %s)",
			text, reason, name, fix->rule->id);
}

/* The file system that root= must mean; NULL in ret_target: leave it. some: the partition without
 * a fact of its own that an earlier root= named; only one of those can be the root. */
static int root_target(const struct fix *fix, const struct word *word, const struct device *device,
		       unsigned *some, const struct grubfix_filesystem **ret_target,
		       struct err *err)
{
	const struct grubfix_filesystem *root = facts_root(fix->facts);
	const char *name = word_value(word);

	*ret_target = NULL;
	switch (device->kind) {
	case DEVICE_NO_DISK:
	case DEVICE_VARIABLE:
		return 0;
	case DEVICE_FOUND:
		*ret_target = device->filesystem;
		if (!cannot_be_root(device->filesystem))
			return 0;
		*ret_target = root;
		return root ? 0
			    : unresolved(fix, err, word->first, word->text, name,
					 "it is no root, and no single root file system is known");
	case DEVICE_SOME:
		*ret_target = root;
		if (root && *some && *some != device->partition && !fix->facts->adopt_root)
			return unresolved(fix, err, word->first, word->text, name,
					  "another root= names another partition, and which of "
					  "the two holds this root is not known");
		*some = device->partition;
		return root ? 0
			    : unresolved(fix, err, word->first, word->text, name,
					 "no single root file system of the image is known");
	case DEVICE_UNKNOWN:
		*ret_target = fix->facts->adopt_root ? root : NULL;
		return *ret_target ? 0
				   : unresolved(fix, err, word->first, word->text, name,
						device->reason);
	}
	return 0;
}

static void name_set(struct fix *fix, const struct word *word, const char *key,
		     const struct device *device, const struct grubfix_filesystem *target)
{
	CLEANUP(free_cleanup) char *name = device_name(fix->facts, target);
	CLEANUP(free_cleanup) char *text = str_format("%s%s", key, name ? name : "");
	CLEANUP(free_cleanup) char *what = device_describe(target);

	if (!name || strcmp(text, word->text) == 0)
		return;
	word_set(fix->doc, word, text);
	if (device->kind == DEVICE_FOUND && device->filesystem != target) {
		CLEANUP(free_cleanup) char *wrong = device_describe(device->filesystem);
		fix_edited(fix, word->first, word->text, text, "%s means %s, but it must be %s",
			   word->text, wrong, what);
	} else if (device->kind == DEVICE_UNKNOWN) {
		fix_edited(fix, word->first, word->text, text,
			   fix->facts->adopt_root ? "%s comes from another machine; here it is %s"
						  : "%s names nothing on this disk; here it is %s",
			   word->text, what);
	} else if (device->listed) {
		fix_edited(fix, word->first, word->text, text, "%s means %s, as was said",
			   word->text, what);
	} else {
		fix_edited(fix, word->first, word->text, text,
			   "%s is a name that depends on the driver; %s keeps its %s under Xen",
			   word->text, what,
			   target->volume		   ? "name"
			   : str_starts(name, "LABEL=")	   ? "label"
			   : str_starts(name, "PARTUUID=") ? "PARTUUID"
							   : "UUID");
	}
}

/* root= for a kernel that has no initrd: of all names that hold, it knows that of the partition
 * alone. Source: Linux init/do_mounts.c (block/early-lookup.c). */
static void bare_root_set(struct fix *fix, const struct word *word,
			  const struct grubfix_filesystem *target)
{
	CLEANUP(free_cleanup) char *text = str_format("root=PARTUUID=%s", target->partuuid);
	CLEANUP(free_cleanup) char *what = device_describe(target);

	if (strcmp(text, word->text) == 0)
		return;
	word_set(fix->doc, word, text);
	fix_edited(fix, word->first, word->text, text,
		   "the entry loads no initrd, and a kernel alone (3.8 or later) finds %s by its "
		   "PARTUUID, not by its UUID",
		   what);
}

/* Is it a name of the right partition, by all that is known, that the kernel finds without an
 * initrd, as it does no UUID or label? The partition of another machine's menu is not that of this
 * one. */
static bool bare_root_stays(const struct fix *fix, const char *name, const struct device *device,
			    const struct grubfix_filesystem *target)
{
	if (!str_starts(name, "/dev/") || str_starts(name, "/dev/disk/") || target->volume)
		return false;
	return device->filesystem == target ||
	       (device->kind == DEVICE_SOME && !fix->facts->adopt_root);
}

/* root= of an entry without an initrd. False: it may be named as elsewhere, and told of. */
static bool bare_root_fix(struct fix *fix, const struct word *word, const struct device *device,
			  const struct grubfix_filesystem *target)
{
	if (target->partuuid && !target->volume) {
		bare_root_set(fix, word, target);
		return true;
	}
	if (!bare_root_stays(fix, word_value(word), device, target))
		return false;
	fix_remark(fix, word->first,
		   "%s is left: the entry loads no initrd, without one the kernel finds no UUID, "
		   "and the PARTUUID is not known: write root=PARTUUID=, or let the entry load an "
		   "initrd",
		   word->text);
	return true;
}

/* What is known of the entry around a root=. */
struct root_place {
	bool bare; /* no initrd */
	bool dead; /* its files are not in the image */
};

static int root_fix(struct fix *fix, const struct word *word, const char *key,
		    struct root_place place, unsigned *some, struct err *err)
{
	const struct grubfix_filesystem *target;
	CLEANUP(device_done) struct device device = { 0 };
	struct err reason = { 0 };

	device_resolve(fix->facts, word_value(word), &device);
	int r = root_target(fix, word, &device, some, &target, place.dead ? &reason : err);
	if (r < 0 && place.dead) {
		fix_remark(fix, word->first,
			   "%s is left: it cannot be resolved, but the entry cannot be booted from "
			   "this disk anyway, which lacks its files",
			   word->text);
		err_clear(&reason);
		return 0;
	}
	if (r < 0 || !target || (device.stable && target == device.filesystem))
		return r;
	if (place.bare && bare_root_fix(fix, word, &device, target))
		return 0;
	if (!has_name(fix, target))
		return fix_fail(fix, err, word->first,
				"%s cannot be resolved: its file system has neither a UUID nor a "
				"PARTUUID nor a label that can stand there (give its UUID with "
				"--root-uuid, or leave it with --skip %s)",
				word->text, fix->rule->id);
	name_set(fix, word, key, &device, target);
	if (place.bare)
		fix_remark(fix, word->first,
			   "the entry loads no initrd, and without one the kernel does not find "
			   "this name: write root=PARTUUID=, or let the entry load an initrd");
	return 0;
}

static int args_root_fix(struct fix *fix, const struct args *args, struct root_place place,
			 unsigned *some, struct err *err)
{
	for (uint32_t i = 0; i < args->word_count; i++) {
		const struct word *word = fix->doc->words + args->words + i;
		const char *key = key_of(word, root_keys);
		int r = key ? root_fix(fix, word, key, place, some, err) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* Ubuntu's cloud images have update-grub write root=PARTUUID= of what is said here. */
static void force_partuuid_fix(struct fix *fix, const struct statement *s)
{
	const struct grubfix_filesystem *root = facts_root(fix->facts);

	if (!root || !*s->value || strchr(s->value, '$') ||
	    (root->partuuid && strcasecmp(root->partuuid, s->value) == 0))
		return;
	if (!root->partuuid) {
		fix_remark(fix, s->key,
			   "%s=%s is left: the next update of the menu writes that into root=, and "
			   "what the PARTUUID of the root is, is not known",
			   s->name, s->value);
		return;
	}
	statement_set(fix->doc, s, root->partuuid);
	fix_edited(fix, s->key, s->value, root->partuuid,
		   "the next update of the menu writes this into root=");
}

static int root_apply(struct fix *fix, struct err *err)
{
	CLEANUP(free_cleanup) bool *bare = menu_without_initrd(fix->doc);
	CLEANUP(free_cleanup) bool *dead = menu_dead(fix->doc, fix->facts);
	unsigned some = 0;
	int r = 0;

	for (uint32_t i = 0; i < fix->doc->statement_count; i++)
		if (strcmp(fix->doc->statements[i].name, "GRUB_FORCE_PARTUUID") == 0)
			force_partuuid_fix(fix, fix->doc->statements + i);
	for (uint32_t i = 0; i < fix->doc->args_count && r == 0; i++) {
		const struct args *args = fix->doc->args + i;
		struct root_place place = { 0 };

		if (args->entry != NONE)
			place = (struct root_place){ bare[args->entry], dead[args->entry] };
		if (args->role != ARGS_XEN)
			r = args_root_fix(fix, args, place, &some, err);
	}
	return r;
}

static const struct fix_example root_example = {
	GRUBFIX_LEGACY,
	"title Xen -- SUSE Linux Enterprise Server 11 SP4 - 3.0.101-63\n"
	"    root (hd0,1)\n"
	"    kernel /boot/xen.gz \n"
	"    module /boot/vmlinuz-3.0.101-63-xen root=/dev/hda2 splash=silent showopts\n"
	"    module /boot/initrd-3.0.101-63-xen\n",
	"--root-uuid " EXAMPLE_ROOT,
	EXAMPLE_FACTS,
};

const struct fix_rule rule_root = {
	.id = "root",
	.why = "The name of the root disk changes with the driver (hda or xvda under the PV "
	       "driver, sda without it), and the boot stops when root= names the other one; its "
	       "UUID is the same under both.",
	.types = TYPES_ARGS,
	.matches = knows_root,
	.apply = root_apply,
	.example = &root_example,
};

/* --- resume= --------------------------------------------------------------------------------- */

static void resume_fix(struct fix *fix, const struct word *word, const char *key)
{
	const struct grubfix_filesystem *swap = facts_swap(fix->facts), *target = NULL;
	CLEANUP(device_done) struct device device = { 0 };

	device_resolve(fix->facts, word_value(word), &device);
	if (device.kind == DEVICE_NO_DISK || device.kind == DEVICE_VARIABLE || !*word_value(word))
		return;
	target = device.kind == DEVICE_FOUND && device.filesystem->is_swap ? device.filesystem
									   : swap;
	if (target && device.stable && device.filesystem == target)
		return;
	if (target) {
		name_set(fix, word, key, &device, target);
	} else if (grubfix_is_volume(word_value(word))) {
		fix_remark(fix, word->first, "%s is left: %s", word->text,
			   device.reason ? device.reason : "it is no swap that is known");
	} else if (facts_have_partitions(fix->facts)) {
		word_remove(fix->doc, word);
		fix_edited(fix, word->first, word->text, NULL,
			   "%s names no swap of the image, and the initrd would wait for it",
			   word->text);
	} else {
		fix_remark(fix, word->first,
			   "%s is left: no swap of the image is known (--swap-uuid tells)",
			   word->text);
	}
}

static int resume_apply(struct fix *fix, struct err *err)
{
	(void)err;
	for (uint32_t i = 0; i < fix->doc->args_count; i++) {
		const struct args *args = fix->doc->args + i;

		for (uint32_t w = 0; args->role != ARGS_XEN && w < args->word_count; w++) {
			const struct word *word = fix->doc->words + args->words + w;
			const char *key = key_of(word, resume_keys);

			if (key)
				resume_fix(fix, word, key);
		}
	}
	return 0;
}

static const struct fix_example resume_example = {
	GRUBFIX_SYSCONFIG,
	"XEN_KERNEL_APPEND=\"resume=/dev/hda1 splash=silent\"\n",
	"--swap-uuid " EXAMPLE_SWAP,
	EXAMPLE_FACTS,
};

const struct fix_rule rule_resume = {
	.id = "resume",
	.why = "resume= names the swap partition by the disk's name, which changes with the "
	       "driver, and the initrd waits for a disk that never comes.",
	.types = TYPES_ARGS,
	.matches = knows_filesystems,
	.apply = resume_apply,
	.example = &resume_example,
};

/* --- fstab and crypttab ---------------------------------------------------------------------- */

/* What must be mounted there; NULL: that is not known. */
static const struct grubfix_filesystem *by_mount_point(const struct grubfix_facts *facts,
						       const char *mount, const char *type)
{
	if (str_equal(mount, "/"))
		return facts_root(facts);
	if (str_equal(type, "swap"))
		return facts_swap(facts);
	if (str_equal(mount, "/boot") && facts_separate_boot(facts))
		return facts_boot(facts);
	for (size_t i = 0; i < facts->filesystem_count; i++)
		if (str_equal(facts->filesystems[i].mount_point, mount))
			return facts->filesystems + i;
	return NULL;
}

/* May this file system stand behind that line of fstab? */
static bool contradicts(const struct grubfix_filesystem *fs, const char *mount, const char *type)
{
	if (str_equal(type, "swap"))
		return !fs->is_swap;
	return fs->is_swap || (str_equal(mount, "/") && cannot_be_root(fs));
}

static int fstab_line(struct fix *fix, const struct word *device_word, const char *mount,
		      const char *type, struct err *err)
{
	const struct grubfix_filesystem *target, *expected;
	CLEANUP(device_done) struct device device = { 0 };
	bool root = str_equal(mount, "/");

	if (!grubfix_is_device(device_word->text))
		return 0;
	device_resolve(fix->facts, device_word->text, &device);
	if (device.kind == DEVICE_NO_DISK || device.kind == DEVICE_VARIABLE)
		return 0;
	expected = by_mount_point(fix->facts, mount, type);
	target = device.kind == DEVICE_FOUND && !contradicts(device.filesystem, mount, type)
			 ? device.filesystem
			 : expected;
	if (device.kind == DEVICE_UNKNOWN && !fix->facts->adopt_root)
		target = NULL;
	if (target && device.stable && target == device.filesystem)
		return 0;
	if (target && has_name(fix, target)) {
		name_set(fix, device_word, "", &device, target);
		return 0;
	}
	if (root && knows_root(fix))
		return unresolved(
			fix, err, device_word->first, device_word->text, device_word->text,
			device.reason ? device.reason : "no single root file system is known");
	bool swap = str_equal(type, "swap");
	fix_remark(fix, device_word->first, "%s for %s is left: %s%s", device_word->text,
		   swap ? type : mount,
		   device.reason ? device.reason : "its file system is not known",
		   swap && !facts_have_partitions(fix->facts) ? " (--swap-uuid tells)" : "");
	return 0;
}

static int fstab_apply(struct fix *fix, struct err *err)
{
	for (uint32_t i = 0; i < fix->doc->statement_count; i++) {
		const struct statement *s = fix->doc->statements + i;
		const struct word *words = fix->doc->words + s->words;
		int r;

		if (s->word_count < 3)
			continue;
		r = fstab_line(fix, words, words[1].text, words[2].text, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static const struct fix_example fstab_example = {
	GRUBFIX_FSTAB,
	"/dev/hda1  swap  swap  defaults  0 0\n"
	"/dev/hda2  /     ext3  acl,user_xattr  1 1\n"
	"proc       /proc proc  defaults  0 0\n",
	"--root-uuid " EXAMPLE_ROOT " --swap-uuid " EXAMPLE_SWAP,
	EXAMPLE_FACTS,
};

const struct fix_rule rule_fstab = {
	.id = "fstab",
	.why = "A line of fstab that names a disk which is not there stops the boot in the "
	       "emergency shell, after the kernel has found its root.",
	.types = TYPE_BIT(GRUBFIX_FSTAB),
	.matches = knows_filesystems,
	.apply = fstab_apply,
	.example = &fstab_example,
};

static int crypttab_apply(struct fix *fix, struct err *err)
{
	(void)err;
	for (uint32_t i = 0; i < fix->doc->statement_count; i++) {
		const struct statement *s = fix->doc->statements + i;
		const struct word *word = statement_word(fix->doc, s, 1);
		CLEANUP(device_done) struct device device = { 0 };

		if (!word)
			continue;
		device_resolve(fix->facts, word->text, &device);
		/* A key or swap file, /dev/urandom behind it: no word of a partition. */
		if (device.kind == DEVICE_FOUND && !device.stable)
			name_set(fix, word, "", &device, device.filesystem);
		else if (device.kind == DEVICE_SOME ||
			 (device.kind == DEVICE_UNKNOWN && str_starts(word->text, "/dev/")))
			fix_remark(fix, word->first, "%s is left: its partition is not known",
				   word->text);
	}
	return 0;
}

static const struct fix_example crypttab_example = {
	GRUBFIX_CRYPTTAB,
	"cr_swap /dev/hda1 /dev/urandom swap\n",
	"--device /dev/hda1=" EXAMPLE_SWAP,
	EXAMPLE_FACTS,
};

const struct fix_rule rule_crypttab = {
	.id = "crypttab",
	.why = "crypttab opens a container by the disk's name, which changes with the driver.",
	.types = TYPE_BIT(GRUBFIX_CRYPTTAB),
	.matches = knows_filesystems,
	.apply = crypttab_apply,
	.example = &crypttab_example,
};

/* --- GRUB_DISABLE_LINUX_UUID ----------------------------------------------------------------- */

static int linux_uuid_apply(struct fix *fix, struct err *err)
{
	(void)err;
	for (uint32_t i = 0; i < fix->doc->statement_count; i++) {
		const struct statement *s = fix->doc->statements + i;

		if (!s->assignment || strcmp(s->name, "GRUB_DISABLE_LINUX_UUID") != 0 ||
		    strcmp(s->value, "true") != 0)
			continue;
		statement_set(fix->doc, s, "false");
		fix_edited(fix, s->key, "true", "false",
			   "the next update of the menu would write the disk's name again");
	}
	return 0;
}

static const struct fix_example linux_uuid_example = {
	GRUBFIX_DEFAULT_GRUB,
	"GRUB_TIMEOUT=5\nGRUB_DISABLE_LINUX_UUID=true\n",
	"--root-uuid " EXAMPLE_ROOT,
	EXAMPLE_FACTS,
};

const struct fix_rule rule_linux_uuid = {
	.id = "linux-uuid",
	.why = "GRUB_DISABLE_LINUX_UUID=true makes every update of grub.cfg write the disk's name "
	       "again, which undoes the repair of root=.",
	.types = TYPE_BIT(GRUBFIX_DEFAULT_GRUB),
	.matches = knows_root,
	.apply = linux_uuid_apply,
	.example = &linux_uuid_example,
};
