/* The root file system takes what the disk has more than the image. */
#pragma once
#include "base/err.h"

/* path: a disk with a complete image. The table's end moves to the disk's; the root partition and
 * its ext file system grow if nothing lies behind them. *ret_said: one line about it; the caller
 * frees. */
int disk_grow(const char *path, char **ret_said, struct err *err);
