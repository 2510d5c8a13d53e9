/* Xen's own EFI program: it reads its configuration (named as the program is, .cfg in place of
 * .efi), the kernel and the initramfs from where it lies. Source: Xen docs/misc/efi.pandoc. */
#include <errno.h>

#include "bootloader/loaders.h"

#define FOLDER ESP_MOUNT_POINT "/EFI/BOOT"

static int files(const struct boot_target *target, struct overlay *overlay, struct err *err)
{
	const struct boot_part *xen = &target->hypervisor_efi;

	if (!xen->data)
		return err_set(err, -EBADMSG, "the base tree has no xen.efi beside its xen.gz");
	overlay_file(overlay, FOLDER "/BOOTX64.EFI", xen->data, xen->length, 0644);
	overlay_file(overlay, FOLDER "/vmlinuz", target->kernel.data, target->kernel.length, 0644);
	overlay_file(overlay, FOLDER "/initrd.img", target->initrd.data, target->initrd.length,
		     0644);
	return 0;
}

const struct bootloader xen_efi_loader = { .id = BOOT_XEN_EFI, .uefi = true, .files = files };
