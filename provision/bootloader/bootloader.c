#include "bootloader/bootloader.h"

#include "bootloader/loaders.h"

/* The outer hypervisor loads kernel and initramfs: nothing to install. */
static const struct bootloader direct_loader = { .id = BOOT_DIRECT };

static const struct bootloader *const loaders[] = {
	[BOOT_GRUB2_BIOS] = &grub2_bios_loader, [BOOT_GRUB_LEGACY] = &grub_legacy_loader,
	[BOOT_GRUB2_EFI] = &grub2_efi_loader,	[BOOT_XEN_EFI] = &xen_efi_loader,
	[BOOT_DIRECT] = &direct_loader,
};

const struct bootloader *bootloader_of(enum boot_loader id)
{
	return loaders[id];
}
