/* The netboot system: a kernel and an initramfs with nestctl in it, which installs the machine that
 * boots it (docs/pxe.md).
 */
#pragma once
#include "base/err.h"

/* From a base tree (an archive of the store) with a kernel: folder/vmlinuz and folder/initrd. The
 * program that goes in is this one, with the libraries and the few programs that it needs. */
int netboot_make(const char *tree, const char *ca_certificate, const char *folder, struct err *err);

/* As process 1's child in there: reads what to do from the kernel's command line, fetches its
 * ticket, installs, reports, and returns when the machine shall reboot. The verb `pxe install`. */
int netboot_install(const char *command_line, struct err *err);
