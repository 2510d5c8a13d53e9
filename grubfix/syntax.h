/* The file formats: one row a type, one parser file a syntax. */
#pragma once
#include "doc.h"

struct syntax {
	enum grubfix_type type;
	const char *name;	  /* the word for --type */
	const char *const *paths; /* ends of paths that are files of this type, NULL at the end */
	/* Does the content look like it? Asked only if no path fits; may be NULL. */
	bool (*detect)(const char *text);
	void (*parse)(struct doc *doc);
};

/* NULL for GRUBFIX_UNKNOWN. */
const struct syntax *syntax_of(enum grubfix_type type);

void legacy_parse(struct doc *doc);
void grub_cfg_parse(struct doc *doc);
void settings_parse(struct doc *doc); /* shell assignments */
void grubenv_parse(struct doc *doc);
/* Makes up for changes in the padding, so that the block stays 1024 bytes long. -EBADMSG: there is
 * no room. */
int grubenv_pad(struct doc *doc, struct err *err);
void bls_parse(struct doc *doc);
void xen_cfg_parse(struct doc *doc);
void table_parse(struct doc *doc); /* fstab, crypttab, device.map */
void cmdline_parse(struct doc *doc);
void flat_parse(struct doc *doc); /* xm, xl */
void sxp_parse(struct doc *doc);
void libvirt_parse(struct doc *doc);
