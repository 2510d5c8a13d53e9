/* GRUB 2 for UEFI machines: its core image is the program that firmware starts from a removable
 * disk, so no variable of the firmware has to name it. */
#include "base/str.h"
#include "bootloader/grub2.h"
#include "bootloader/loaders.h"

static int files(const struct boot_target *target, struct overlay *overlay, struct err *err)
{
	const struct grub2_core core = {
		.format = "x86_64-efi",
		.folder = "/usr/lib/grub/x86_64-efi",
		.modules = "fat",
		.root_uuid = target->root_uuid,
		.menu_folder = target->grub2_folder,
	};
	CLEANUP(free_cleanup) char *data = NULL;
	size_t length = 0;
	int r = grub2_core_make(&core, &data, &length, err);

	if (r < 0)
		return err_wrap(err, r, "installing GRUB for UEFI");
	overlay_file(overlay, ESP_MOUNT_POINT "/EFI/BOOT/BOOTX64.EFI", data, length, 0644);
	return 0;
}

const struct bootloader grub2_efi_loader = {
	.id = BOOT_GRUB2_EFI, .uefi = true, .menu = true, .files = files
};
