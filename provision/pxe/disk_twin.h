/* Two disks with the same image are one too many: boot programs take the first that they see. */
#pragma once
#include "pxe/machine_disk.h"

/* -ENOTUNIQ: another disk than `disk`, one of disks, holds the file system of this UUID where a
 * boot program looks for it (image_boot.h); the message names it. What cannot be read is none. dev:
 * "/dev", or what a test has in its place. */
int disk_twin_check(const struct machine_disks *disks, const struct machine_disk *disk,
		    const char *dev, const char *boot_uuid, struct err *err);
