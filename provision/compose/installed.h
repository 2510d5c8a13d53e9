/* A layer whose disk its vendor's installer made: what nestctl does to a copy of that disk before
 * the layer starts from it. Where things lie is read from the disk, not from the profile. */
#pragma once
#include <stdbool.h>

#include "compose/overlay.h"
#include "compose/volumes.h"

/* Changes whenever the same disk would be treated differently. */
#define INSTALLED_FORMAT "installed-1"

/* Can nestctl write into the system? Not into ESXi's: its disk boots as the installer left it. */
bool installed_is_open(const struct layer *layer);

/* A sparse copy at a path where nothing is; in it boot menu, fstab and the like are repaired as
 * `nestctl fix` does, Xen becomes the entry that boots, its console the serial one. from is only
 * read. -EBADMSG: something on the disk cannot be repaired. */
int installed_copy(const struct layer *layer, const char *from, const char *to, struct err *err);

/* What is put into the copy: the agent, guest configs, the profile's files; all ways in which an
 * agent may be started are in it, installed_put takes the one that the system has. */
int installed_overlay(const char *stack_name, const struct layer *layer, struct overlay *overlay,
		      struct err *err);
/* -EBADMSG: the system has neither systemd nor an inittab to start the agent. */
int installed_put(const char *stack_name, const struct layer *layer, struct volumes *volumes,
		  struct err *err);
