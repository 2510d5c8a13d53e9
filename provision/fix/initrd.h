/* The kernel of the Xen entry and its initial ramdisk: what it is called, whether it can see the
 * disk. */
#pragma once
#include "fix/target.h"

/* "3.0.101-63-xen" of /boot/vmlinuz-3.0.101-63-xen, links followed; "RELEASE" if it cannot be said.
 * The caller frees. */
char *kernel_release(struct target *target, const char *kernel);
/* Adds a remark with the command that rebuilds it if the initrd has no driver for a disk that a
 * guest may see, and the kernel has none built in. drivers: it must have all of these instead; or
 * NULL. What cannot be read becomes a remark too. */
void initrd_check(struct target *target, const char *kernel, const char *initrd,
		  const struct strv *drivers, struct strv *remarks);
