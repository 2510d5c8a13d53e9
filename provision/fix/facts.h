/* What the rules are told of the disk. */
#pragma once
#include "fix/files.h"

/* From the command line; borrowed strings, NULL: not given. */
struct fix_wishes {
	enum grubfix_style style;
	const char *root_uuid, *swap_uuid; /* where the target itself cannot tell */
	const char *disk;		   /* the disk's name in the guest, for device.map */
	const char *dom0_mem;
	bool console;
	const struct strv *drivers; /* modules that the real disk of the machine needs */
	struct strv devices;	    /* "NAME=UUID" */
	struct strv only, skip;
};

struct disk_facts {
	struct grubfix_facts facts;
	struct grubfix_filesystem *filesystems;
	struct grubfix_device *devices;
	struct strv names; /* strings that the facts borrow */
	struct strv disk_names;
};

/* Borrows from all its arguments. -EINVAL: the root file system of a folder is not known, or
 * --device is wrong. disk_facts_done it, after a failure too. */
int disk_facts_make(struct target *target, const struct fix_files *files,
		    const struct fix_wishes *wishes, struct disk_facts *ret_facts, struct err *err);
void disk_facts_done(struct disk_facts *facts);
