/* grubfix: repairs boot menus and guest configs, text in, text out. Knows no disk, no mount and no
 * file: what it must know of the disk comes in as facts. A changed text differs from the original
 * in the changed tokens only, and every edit carries its rule and its reason. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/* A larger text is refused (-EBADMSG): no boot file comes near. */
#define GRUBFIX_MAX_BYTES ((size_t)4 << 20)

enum grubfix_type {
	GRUBFIX_UNKNOWN,
	GRUBFIX_LEGACY,	      /* menu.lst, grub.conf: GRUB Legacy's menu */
	GRUBFIX_SETUP,	      /* SUSE's /etc/grub.conf: commands for the GRUB Legacy shell */
	GRUBFIX_DEVICE_MAP,   /* device.map */
	GRUBFIX_GRUB_CFG,     /* grub.cfg, custom.cfg: GRUB 2's script */
	GRUBFIX_DEFAULT_GRUB, /* /etc/default/grub, /etc/default/grub.d/xen.cfg */
	GRUBFIX_SYSCONFIG,    /* /etc/sysconfig/bootloader */
	GRUBFIX_GRUBENV,      /* grubenv, 1024 bytes */
	GRUBFIX_BLS,	      /* loader/entries/NAME.conf */
	GRUBFIX_XEN_CFG,      /* xen.cfg beside xen.efi */
	GRUBFIX_FSTAB,
	GRUBFIX_CRYPTTAB,
	GRUBFIX_XM,	 /* guest config for xm: a Python program as a file */
	GRUBFIX_XL,	 /* guest config for xl */
	GRUBFIX_SXP,	 /* xend's store: nested lists */
	GRUBFIX_LIBVIRT, /* domain XML */
	GRUBFIX_CMDLINE, /* /etc/kernel/cmdline: what kernel-install writes into BLS entries */
	GRUBFIX_TYPES
};

/* "menu.lst", "grub.cfg", ...: the word for --type. */
const char *grubfix_type_name(enum grubfix_type type);
/* GRUBFIX_UNKNOWN if there is no such word. */
enum grubfix_type grubfix_type_from_name(const char *name);
/* From the file's path (NULL: not known) and its content; GRUBFIX_UNKNOWN if neither tells. */
enum grubfix_type grubfix_type_find(const char *path, const char *text, size_t length);

/* Is the file only a part of another one (custom.cfg of grub.cfg, what lies in a folder grub.d), so
 * that settings for the whole system do not go into it? */
bool grubfix_is_included(const char *path);

/* Can it be the UUID of a file system (vfat's has eight digits)? Anything else would be words of
 * its own where it is written. */
bool grubfix_is_uuid(const char *text);

/* One partition of the image with what its superblock says. Strings are borrowed, NULL: none. */
struct grubfix_filesystem {
	unsigned partition; /* 1 is the first; 0: not known (the bare text tool) */
	const char *uuid, *label, *partuuid, *partlabel;
	const char *type;		/* "ext3", "swap", ... for messages */
	const char *mount_point;	/* in the system on this image, if known */
	const char *volume;		/* its name, if it is one that grubfix_is_volume knows */
	bool is_root, is_swap, is_boot; /* is_boot: a separate /boot */
};

/* What an old name means: "/dev/hda2" or "UUID=..." of a copied menu. */
struct grubfix_device {
	const char *name;
	const char *uuid; /* must be the uuid of one of the file systems */
};

/* Is it the name of an LVM volume, a LUKS container or a RAID, which no disk driver changes? */
bool grubfix_is_volume(const char *name);

/* Is it a name of a disk, however it is written, and not "proc" or a share of another machine? */
bool grubfix_is_device(const char *name);

enum grubfix_style {
	GRUBFIX_UUID,	 /* UUID=... */
	GRUBFIX_LABEL,	 /* LABEL=..., UUID= where there is no usable label */
	GRUBFIX_BY_UUID, /* /dev/disk/by-uuid/... */
};

/* What a guest config shall say. NULL and false: leave it as it is. */
struct grubfix_guest {
	bool nested; /* hap=1, nestedhvm=1 */
	const char *tsc_mode;
	const char *hdtype;		/* "ide", "ahci" */
	const char *serial;		/* "pty" */
	enum grubfix_type translate_to; /* GRUBFIX_XM, GRUBFIX_XL or GRUBFIX_UNKNOWN */
};

/* Everything the rules know of the world. Borrowed throughout; a zeroed struct knows nothing. */
struct grubfix_facts {
	const struct grubfix_filesystem *filesystems;
	size_t filesystem_count;
	const struct grubfix_device *devices;
	size_t device_count;
	/* Further names of the image's own disk, e.g. "/dev/sdb" from device.map; NULL at the end.
	 * The first disk of every kind (hda, sda, vda, xvda, nvme0n1, ...) is taken as the image
	 * without being listed, by-id and by-path names too. May be NULL. */
	const char *const *disk_names;
	/* Does this path exist in the image, seen from its own root ("/boot/xen.gz", separate /boot
	 * included)? NULL: not known, and the rules that need it do nothing. */
	bool (*file_exists)(void *context, const char *path);
	void *context;
	enum grubfix_style style;
	/* Where the root lies in a btrfs, as paths of the menu begin: "/@". NULL: at its top. */
	const char *subvolume;
	bool adopt_root;  /* the menu comes from another machine: each root= means our root */
	const char *disk; /* what device.map shall call (hd0); NULL: leave it */
	bool xen_default;
	const char *default_entry; /* "id" or "submenu>id", for the files that hold no entries */
	bool no_grubenv;	   /* there is no environment block: saved_entry is always empty */
	bool console;		   /* hypervisor on com1, dom0 and GRUB on it too */
	const char *com1;	   /* "115200,8n1" if NULL */
	const char *dom0_console;  /* "hvc0" if NULL; xenlinux kernels before 2.6.37 say xvc0 */
	const char *dom0_mem;	   /* "1024M"; NULL: leave it */
	const char *const *xen_args;  /* further hypervisor arguments, NULL at the end; or NULL */
	const char *const *dom0_args; /* further dom0 kernel arguments */
	struct grubfix_guest guest;
};

struct grubfix_request {
	const char *name; /* of the file, for messages and to find the type; not NULL */
	const char *text;
	size_t length;
	enum grubfix_type type; /* GRUBFIX_UNKNOWN: find it */
	const struct grubfix_facts *facts;
	const char *const *only; /* rule ids, NULL at the end; NULL: every rule */
	const char *const *skip;
};

/* One edit, or one remark about something that no rule may edit. */
struct grubfix_finding {
	const char *rule; /* id, static */
	size_t line;	  /* in the original text, 1 is the first */
	bool edit;	  /* false: a remark, nothing was changed */
	char *before;	  /* the token or line as it was, NULL: inserted, or a remark */
	char *after;	  /* NULL: removed, or a remark */
	char *reason;
};

struct grubfix_result {
	enum grubfix_type type;
	char *text; /* NUL-terminated, owned; equal to the input if changed is false */
	size_t length;
	bool changed;
	struct grubfix_finding *findings; /* owned, in the order of the rules */
	size_t finding_count;
};

/* Applies every selected rule that fits the type. Nothing is returned on failure:
 * -EBADMSG: the text is not of its type, too large, has NULs, is nested too deeply, or names
 *           something that cannot be resolved (a root= most of all);
 * -EINVAL:  an unknown rule in only or skip, or facts that contradict each other.
 * The result is parsed again and must need no further edit (else -ENOTRECOVERABLE: a bug). */
int grubfix_run(const struct grubfix_request *request, struct grubfix_result *ret_result,
		struct err *err);
void grubfix_result_done(struct grubfix_result *result);

/* The entry that should be booted when Xen is wanted, as `default`, saved_entry and GRUB_DEFAULT
 * write it: a number for GRUB Legacy, "id" or "submenu>id" for GRUB 2. The caller frees; NULL if
 * the menu has no usable Xen entry. Only for GRUBFIX_LEGACY and GRUBFIX_GRUB_CFG. */
int grubfix_xen_entry(const struct grubfix_request *request, char **ret_entry, struct err *err);

/* Adds the paths, in the image's own tree, of the menus that this one loads with nobody at the
 * keyboard. Only for GRUBFIX_LEGACY and GRUBFIX_GRUB_CFG. -EBADMSG as grubfix_run. */
int grubfix_next_menus(const struct grubfix_request *request, struct strv *ret_paths,
		       struct err *err);

/* The unified diff (three lines of context) between two texts; "" if they are equal. The caller
 * frees. Bounded: texts that differ everywhere become one hunk that replaces all. */
char *grubfix_diff(const char *name, const char *old_text, size_t old_length, const char *new_text,
		   size_t new_length);

/* The rules in the order in which they are applied; NULL at the end. */
struct fix_rule;
const struct fix_rule *grubfix_rule_at(size_t index);
const char *grubfix_rule_id(const struct fix_rule *rule);
const char *grubfix_rule_why(const struct fix_rule *rule);
/* All rules with reason and a worked before and after, in Markdown. The caller frees. */
char *grubfix_rules_markdown(void);
