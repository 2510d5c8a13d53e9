/* The netboot system: a kernel and an initramfs with nestctl in it, which installs the machine that
 * boots it (docs/pxe.md).
 */
#pragma once
#include "base/err.h"

/* From a base tree (an archive of the store) with a kernel: folder/vmlinuz and folder/initrd. The
 * program that goes in is this one, with the libraries and the few programs that it needs.
 * ca_certificate: PEM text, what the installer trusts alone. */
int netboot_make(const char *tree, const char *ca_certificate, const char *folder, struct err *err);
