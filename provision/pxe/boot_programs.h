/* The boot programs for firmware that has no iPXE: GRUB as a network boot image, for BIOS and UEFI.
 * They ask the boot port for their commands.
 */
#pragma once
#include "base/err.h"

#define BOOT_PROGRAM_BIOS "grub-i386.pxe"
#define BOOT_PROGRAM_UEFI "grub-x86_64.efi"

/* Into a folder, which is made where it is missing. server: "10.0.0.1:8080". */
int boot_programs_make(const char *folder, const char *server, struct err *err);
