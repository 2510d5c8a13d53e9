/* Is somebody using this image? */
#pragma once
#include <stdbool.h>

#include "base/err.h"

/* -EBUSY: another program has a lock on it (QEMU's, flock, POSIX), a loop device lies over it, or a
 * process has it open for writing; the message says which and what to do. exclusive: keeps an flock
 * on the descriptor of its own. */
int busy_check(int fd, const char *path, bool exclusive, struct err *err);
