/* One machine in the forms that xend, up to Xen 4.4, and what belongs to it read. Sources:
 * tools/python/xen/xm/create.py, xen/xend/XendConfig.py and image.py of Xen 4.2; libvirt's
 * formatdomain page. */
#pragma once
#include "guest/xl.h"

struct xend_machine {
	const struct layer *layer;
	const char *disk;	 /* a raw image */
	const char *bridge;	 /* NULL: what the host takes by default */
	const char *socket;	 /* of the second serial port, the agent's channel; NULL: a pty */
	const char *on_reboot;	 /* "restart", "destroy" */
	const char *description; /* or NULL */
	const struct guest_installer *installer; /* the flat config's alone; NULL: the disk boots */
};

/* The Python that `xm create` runs. No path may hold a comma: xm splits at each. */
void xend_flat(const struct xend_machine *machine, struct buf *out);
/* What `xm new -F` takes, in the shape of `xm list -l`. */
void xend_sxp(const struct xend_machine *machine, struct buf *out);
/* libvirt's domain, as SUSE's tools keep it in /etc/xen/vm/NAME.xml beside the flat config. */
void xend_xml(const struct xend_machine *machine, struct buf *out);

/* xend knows the modes of the time stamp counter by their numbers. */
#define XEND_TSC_NATIVE 2
/* As qemu-dm's -serial takes it; the caller frees. */
char *xend_channel(const struct xend_machine *machine);
