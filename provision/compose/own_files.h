/* The files that make a layer what its profile says, besides its base tree. */
#pragma once
#include "compose/initramfs.h"
#include "compose/overlay.h"
#include "compose/system.h"

/* For the layer's file systems and for its initramfs. Without a base tree at hand the names in it
 * are stand-ins: the base tree's key stands for the real ones. */
int own_files_make(const char *stack_name, const struct layer *layer,
		   const struct boot_names *names, const struct strv *modules,
		   struct overlay *system, struct overlay *initramfs, struct err *err);
