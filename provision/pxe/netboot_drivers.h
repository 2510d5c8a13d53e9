/* The drivers of the netboot system: of every disk and network card that a server may have, as far
 * as the kernel of a tree has them. One kernel serves all machines of a lab, none of which is
 * known.
 */
#pragma once
#include "base/err.h"
#include "base/str.h"
#include "image/members.h"

struct netboot_drivers {
	struct members modules; /* "lib/modules/VERSION/kernel/...ko", uncompressed */
	char *dependencies;	/* modules.dep, of these alone */
	char *aliases;		/* modules.alias, of these alone */
	bool kernel_has_zstd;	/* for its initramfs */
};

/* dependencies: the tree's modules.dep. netboot_drivers_done it, after a failure too. */
int netboot_drivers_read(const char *tree, const char *version, const char *dependencies,
			 struct netboot_drivers *ret_drivers, struct err *err);
void netboot_drivers_done(struct netboot_drivers *drivers);
