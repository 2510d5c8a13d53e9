/* Is what an installer left a disk that a machine can start from? */
#pragma once
#include "profile/stack.h"

/* -EBADMSG: no partitions, no root file system that nestctl can open, or one that was not
 * unmounted. */
int disk_check(const char *path, const struct layer *layer, struct err *err);
