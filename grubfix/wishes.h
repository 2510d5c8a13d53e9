/* Arguments that a list of hypervisor or kernel arguments shall have. */
#pragma once
#include "fix.h"

enum wish_mode {
	WISH_SET,  /* key=value, whatever stood there */
	WISH_KEEP, /* key=value unless the key is there */
	WISH_ITEM, /* the value is a comma list that must have this item; it goes first */
	WISH_WORD, /* exactly this word, beside others with the same key */
};

struct wish {
	enum wish_mode mode;
	const char *key, *value;
};

/* Makes every list of a role say so. A file of settings (GRUB_CMDLINE_XEN and its _DEFAULT) counts
 * as one list, and gets the variable if it has none; a section of xen.cfg gets its options= line.
 * wishes ends with a NULL key. */
void wishes_grant(struct fix *fix, enum args_role role, const struct wish *wishes,
		  const char *reason);
/* The same for one list. */
void wishes_grant_one(struct fix *fix, uint32_t args, const struct wish *wishes,
		      const char *reason);
