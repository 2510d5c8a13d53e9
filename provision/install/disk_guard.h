/* The disk in the making under a second name, NAME.save: on a Xen host other tools know the domain
 * too, and some delete its disk with it. */
#pragma once
#include "base/err.h"

/* A file system without hard links is told, and is no failure. */
void disk_guard_begin(const char *disk);
/* The disk is the one that disk_guard_begin saw, whatever became of its name meanwhile; the second
 * name is gone. */
int disk_guard_end(const char *disk, struct err *err);
