/* What process 1 of a small guest has to do before the agent can be an agent. */
#pragma once
#include "conf.h"
#include "outward.h"

/* File systems, and log lines to the kernel's log. Nothing here can fail in a way that matters
 * more than going on. */
void init_mount(void);
/* Host name and modules, in their order; what cannot be loaded is told as a note. */
void init_settle(const struct conf *conf, struct outward *outward);
