/* The repair of a target: first all of it is computed, then all of it is written, then all of it
 * is read again. */
#pragma once
#include "fix/facts.h"

struct repair {
	struct target *target; /* borrowed */
	const struct fix_wishes *wishes;
	struct fix_files files;
	struct disk_facts facts;
	/* The rules for a menu from elsewhere: those that fit it are not left out. */
	struct strv menu_only, menu_skip;
	char *grub2_entry; /* what the settings of GRUB 2 shall name, or NULL */
	struct strv remarks;
};

/* Reads, applies the rules, writes nothing. menu_from: a file, URL or image whose menu takes the
 * place of the target's, or NULL. -EBADMSG: a file or image has wrong content, -EINVAL: the wishes
 * are wrong. repair_done it, after a failure too. */
int repair_plan(struct target *target, const struct fix_wishes *wishes, const char *menu_from,
		struct repair *ret_repair, struct err *err);
/* Writes what changed, with backups, and checks it by reading it again; a mistake puts back what
 * was there. */
int repair_write(struct repair *repair, struct err *err);
size_t repair_changed(const struct repair *repair);
void repair_done(struct repair *repair);
