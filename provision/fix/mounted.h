/* What the mounts of a folder tell of the disk behind it. */
#pragma once
#include "fix/disk.h"

/* If path is a mount point of a block device: its partition as the root, that of a mount at
 * path/boot, and the other partitions of the same disk. Otherwise the disk stays empty: what
 * cannot be seen is no failure. */
void mounted_read(const char *path, struct disk *ret_disk);
