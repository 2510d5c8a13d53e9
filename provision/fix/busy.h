/* Is somebody using this image? */
#pragma once
#include <stdbool.h>

#include "base/err.h"

/* -EBUSY: another program has a lock on it (QEMU's, flock, POSIX), or a loop device lies over it;
 * the message says which and what to do. exclusive: keeps an flock on the descriptor of its own. */
int busy_check(int fd, const char *path, bool exclusive, struct err *err);
