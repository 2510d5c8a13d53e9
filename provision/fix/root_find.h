/* Which partition of a disk holds the system. */
#pragma once
#include "fix/disk.h"

/* Marks it with is_root. number 0: the one partition whose file system has /etc/fstab and
 * /sbin/init, or /etc/os-release. -EBADMSG, with what to do: none, two, one that cannot be opened,
 * or one that only a mount can open (LVM, LUKS, xfs, btrfs). */
int root_find(struct image *image, struct disk *disk, unsigned number, struct disk_part **ret_root,
	      struct err *err);
