#include "bootloader/bootloader.h"

#include "bootloader/loaders.h"

static const struct bootloader *const loaders[] = {
	[BOOT_GRUB2_BIOS] = &grub2_bios_loader, [BOOT_GRUB_LEGACY] = &grub_legacy_loader,
	[BOOT_GRUB2_EFI] = &grub2_efi_loader,	[BOOT_XEN_EFI] = &xen_efi_loader,
	[BOOT_DIRECT] = &direct_loader,
};

/* The outer hypervisor loads kernel and initramfs: nothing to install. */
const struct bootloader direct_loader = { .id = BOOT_DIRECT };

const struct bootloader *bootloader_of(enum boot_loader id)
{
	return loaders[id];
}
