/* ESXi over the network: its boot program mboot gets a boot.cfg with the URL of the medium in it.
 * No secret: the answers' URL comes with the program's arguments. */
#pragma once
#include "base/err.h"
#include "pxe/vendor_media.h"

struct vendor_esxi {		  /* zeroed; vendor_esxi_done it */
	char *bios, *bios_config; /* mboot on the medium, and the text of its configuration */
	char *uefi, *uefi_config; /* NULL where the medium has none */
};

/* -EBADMSG: the medium is not whole. */
int vendor_esxi_make(const struct vendor_medium *medium, const char *repository,
		     struct vendor_esxi *ret_esxi, struct err *err);
void vendor_esxi_done(struct vendor_esxi *esxi);
