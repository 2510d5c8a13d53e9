/* The files that the Xen entry of a menu loads. */
#pragma once
#include "grubfix/grubfix.h"

struct xen_entry {
	char *title;
	char *kernel, *initrd; /* of dom0, paths in the image; NULL: none, or it cannot be said */
};

/* The entry that is the default when Xen is wanted; all NULL if there is none. */
void xen_entry_read(const struct grubfix_request *menu, struct xen_entry *ret_entry);
void xen_entry_done(struct xen_entry *entry);
