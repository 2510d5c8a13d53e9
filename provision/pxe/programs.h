/* A program with all that it needs to run elsewhere: its shared libraries, as the dynamic loader
 * finds them. For programs of this machine alone: the loader runs a part of what it lists.
 */
#pragma once
#include "compose/overlay.h"

/* program: a path. It goes into the overlay at place ("/bin/nestctl"), its libraries at their own
 * paths. */
int program_add(struct overlay *overlay, const char *program, const char *place, struct err *err);
