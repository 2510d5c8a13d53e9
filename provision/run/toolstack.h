/* The programs that make domains on a Xen host: xl, and xm where xend runs (Xen 3.4 to 4.4). A row
 * each; what they have in common the driver knows. */
#pragma once
#include "guest/format.h"
#include "guest/xl.h"

struct toolstack_config {
	const char *suffix; /* behind the machine's name in /etc/xen/vm */
	void (*emit)(const struct layer *layer, const struct guest_place *place, struct buf *out);
};

#define TOOLSTACK_CONFIGS 3

struct toolstack {
	const char *program; /* "xl" */
	const char *package; /* Debian's that brings it */
	const char *daemon;  /* what must be up for it to answer */
	/* Of the disk that a run writes to: "qcow2" over the built one, "raw" for a copy of it. */
	const char *disk_format;
	const struct guest_format *format; /* what its configs can say */
	/* That no path in a config may hold. */
	const char *not_in_path;
	/* The first is what create reads, and the only one for an installer. Each holds
	 * GUEST_CONFIG_MARK. */
	struct toolstack_config configs[TOOLSTACK_CONFIGS];
	/* Xen's reason for the end of the domain, as its log tells it; -1: it does not. */
	int (*reason)(const char *name, int id);
};

/* The one that is in charge of this host. */
const struct toolstack *toolstack_here(void);

/* Where a file of the host is: below $NESTCTL_L0_ROOT, which tests set. The caller frees. */
char *xen_host_path(const char *path);
