/* Is there anything on a disk that somebody may want to keep? */
#pragma once
#include "base/err.h"

/* -ENOTEMPTY names what was found: a partition table, a file system, LVM, RAID, or bytes that are
 * not zero where these would begin. What an install of this same machine left that was not finished
 * and never booted is nothing: it has its owner's mark (disk_mark.h). */
int disk_data_check(const char *path, const char *owner, struct err *err);
