/* A composed system's initramfs has the drivers of virtual machines' disks alone. It gets those of
 * the disk that the system was installed on.
 */
#pragma once
#include "image/fsys.h"

/* drivers: modules, as /sys names them. Of every kernel in /boot; what is not there as a module is
 * built in, or missed by fix/initrd.h. Initramfs images that nestctl did not make stay as they are.
 * ret_said: a line for each that was changed. */
int initrd_add_drivers(struct fsys *root, const struct strv *drivers, struct strv *ret_said,
		       struct err *err);
