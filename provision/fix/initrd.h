/* The initial ramdisk of the Xen entry: can it see the disk? */
#pragma once
#include "fix/target.h"

/* Adds a remark with the command that rebuilds it if the initrd has no driver for a disk that a
 * guest may see, and the kernel has none built in. What cannot be read becomes a remark too. */
void initrd_check(struct target *target, const char *kernel, const char *initrd,
		  struct strv *remarks);
