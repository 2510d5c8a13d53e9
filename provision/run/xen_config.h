/* The guest configs of one run in /etc/xen/vm: written before it, removed after it; what is not of
 * nestctl's making is left alone. */
#pragma once
#include "run/driver.h"
#include "run/toolstack.h"

/* Of the one that create reads; the caller frees. */
char *xen_config_path(const char *name);

/* -EEXIST: a config of that name is somebody else's; -EINVAL: a path in it cannot be written. */
int xen_config_write(const struct toolstack *toolstack, const struct l0_request *request,
		     struct err *err);
/* Those of this run, and the socket of its channel. */
void xen_config_remove(const struct toolstack *toolstack, const char *name);
