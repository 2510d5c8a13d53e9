/* The rows of the table in bootloader.c. */
#pragma once
#include "bootloader/bootloader.h"

extern const struct bootloader grub2_bios_loader, grub2_efi_loader, grub_legacy_loader,
	xen_efi_loader;
