/* Menus that load menus. */
#pragma once
#include "fix/files.h"

/* -EBADMSG if GRUB would go from menu to menu in a circle, with the files as they were planned and
 * nobody at the keyboard; the message names the menus. */
int chain_check(struct target *target, const struct fix_files *files,
		const struct grubfix_facts *facts, struct err *err);
