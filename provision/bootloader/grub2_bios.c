/* GRUB 2 for BIOS machines: boot.img in the first sector, core.img behind it. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "bootloader/grub2.h"
#include "bootloader/loaders.h"

#define GRUB_FOLDER	 "/usr/lib/grub/i386-pc"
#define SECTOR_BYTES	 512
#define BOOT_CODE_BYTES	 440  /* what follows in the sector belongs to the partition table */
#define KERNEL_SECTOR_AT 0x5c /* GRUB_BOOT_MACHINE_KERNEL_SECTOR, include/grub/i386/pc/boot.h */
#define BLOCKLIST_AT	 (SECTOR_BYTES - 12) /* the first blocklist ends the first sector of core */

/* boot.img and core.img come ready for a core at LBA 1; elsewhere both need its place. */
static void place_patch(char *boot, char *core, uint64_t core_lba)
{
	uint64_t first = htole64(core_lba), second = htole64(core_lba + 1);

	memcpy(boot + KERNEL_SECTOR_AT, &first, sizeof first);
	memcpy(core + BLOCKLIST_AT, &second, sizeof second);
}

static int install(const struct boot_target *target, struct err *err)
{
	const struct extent *area = &target->layout->boot_area;
	size_t core_length = target->prepared.length;
	CLEANUP(free_cleanup) char *core = mem_alloc(core_length + 1);
	CLEANUP(free_cleanup) char *boot = NULL;
	size_t boot_length = 0;
	int r = file_read(GRUB_FOLDER "/boot.img", SECTOR_BYTES, &boot, &boot_length, err);

	if (r < 0)
		return r;
	if (boot_length != SECTOR_BYTES || core_length <= SECTOR_BYTES)
		return err_set(err, -EBADMSG, "%s/boot.img or the core image has a wrong size",
			       GRUB_FOLDER);
	if (core_length > area->size_bytes)
		return err_set(err, -EFBIG,
			       "%s: GRUB's core image (%zu bytes) does not fit into the "
			       "%llu bytes before the first partition",
			       image_path(target->image), core_length,
			       (unsigned long long)area->size_bytes);
	memcpy(core, target->prepared.data, core_length);
	place_patch(boot, core, area->start_bytes / SECTOR_BYTES);
	r = image_write(target->image, area->start_bytes, core, core_length, err);
	return r < 0 ? r : image_write(target->image, 0, boot, BOOT_CODE_BYTES, err);
}

static int prepare(const char *root_uuid, const char *grub2_folder, char **ret_data,
		   size_t *ret_length, struct err *err)
{
	const struct grub2_core core = {
		.format = "i386-pc",
		.folder = GRUB_FOLDER,
		.modules = "biosdisk multiboot",
		.root_uuid = root_uuid,
		.menu_folder = grub2_folder,
	};

	return grub2_core_make(&core, ret_data, ret_length, err);
}

const struct bootloader grub2_bios_loader = {
	.id = BOOT_GRUB2_BIOS,
	.menu = true,
	.prepare = prepare,
	.install = install,
};
