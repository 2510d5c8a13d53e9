/* The rules and what they work on. A rule looks at the parsed text, records changes on the doc and
 * says of each why; the engine then parses the changed text again for the next rule. */
#pragma once
#include "doc.h"

#define TYPE_BIT(type) (1u << (type))
#define TYPES_MENU     (TYPE_BIT(GRUBFIX_LEGACY) | TYPE_BIT(GRUBFIX_GRUB_CFG))
#define TYPES_SETTINGS (TYPE_BIT(GRUBFIX_DEFAULT_GRUB) | TYPE_BIT(GRUBFIX_SYSCONFIG))
/* Everything that holds kernel arguments. */
#define TYPES_ARGS                                                                                 \
	(TYPES_MENU | TYPES_SETTINGS | TYPE_BIT(GRUBFIX_GRUBENV) | TYPE_BIT(GRUBFIX_BLS) |         \
	 TYPE_BIT(GRUBFIX_XEN_CFG) | TYPE_BIT(GRUBFIX_CMDLINE))
/* Those that Xen and its dom0 are started with. */
#define TYPES_XEN_ARGS (TYPES_MENU | TYPES_SETTINGS | TYPE_BIT(GRUBFIX_XEN_CFG))
#define TYPES_FLAT     (TYPE_BIT(GRUBFIX_XM) | TYPE_BIT(GRUBFIX_XL))
#define TYPES_GUEST    (TYPES_FLAT | TYPE_BIT(GRUBFIX_SXP) | TYPE_BIT(GRUBFIX_LIBVIRT))

struct fix {
	struct doc *doc;
	const struct grubfix_facts *facts;
	const struct fix_rule *rule;
	struct grubfix_result *result;
};

struct fix_example {
	enum grubfix_type type;
	const char *text;
	const char *options; /* what the reader would call grubfix with */
	struct grubfix_facts facts;
};

struct fix_rule {
	const char *id;
	const char *why;			/* one sentence */
	unsigned types;				/* TYPE_BIT */
	bool (*matches)(const struct fix *fix); /* do the facts ask for it? */
	int (*apply)(struct fix *fix, struct err *err);
	const struct fix_example *example;
};

/* Says what was changed at a token and why. before and after may be NULL. */
void fix_edited(struct fix *fix, uint32_t token, const char *before, const char *after,
		const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Says what could not or must not be changed. */
void fix_remark(struct fix *fix, uint32_t token, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "menu.lst:12: root=/dev/hda7: ...", -EBADMSG. */
int fix_fail(const struct fix *fix, struct err *err, uint32_t token, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Adds a line at the end of the text. */
void fix_append_line(struct fix *fix, const char *line, const char *reason);

/* rule_root.c */
extern const struct fix_rule rule_root, rule_resume, rule_fstab, rule_crypttab, rule_linux_uuid;
/* rule_loader.c */
extern const struct fix_rule rule_grub_root, rule_search, rule_device_map;
/* rule_files.c */
extern const struct fix_rule rule_boot_path, rule_missing_file;
/* rule_default.c */
extern const struct fix_rule rule_xen_default;
/* rule_console.c */
extern const struct fix_rule rule_xen_console, rule_dom0_console, rule_grub_serial;
/* rule_arguments.c */
extern const struct fix_rule rule_dom0_mem, rule_xen_args, rule_dom0_args;
/* rule_guest.c */
extern const struct fix_rule rule_altp2m, rule_hap, rule_nestedhvm, rule_tsc_mode, rule_hdtype,
	rule_serial, rule_netfront;
/* rule_translate.c */
extern const struct fix_rule rule_to_xl, rule_to_xm;
