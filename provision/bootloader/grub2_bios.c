#include "bootloader/grub2_bios.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"

#define GRUB_FOLDER	 "/usr/lib/grub/i386-pc"
#define SECTOR_BYTES	 512
#define BOOT_CODE_BYTES	 440  /* what follows in the sector belongs to the partition table */
#define KERNEL_SECTOR_AT 0x5c /* GRUB_BOOT_MACHINE_KERNEL_SECTOR, include/grub/i386/pc/boot.h */
#define BLOCKLIST_AT	 (SECTOR_BYTES - 12) /* the first blocklist ends the first sector of core */
#define CORE_MAX_BYTES	 (4u << 20)

/* All that grub.cfg uses is in core.img: nothing has to be loaded from the file system. */
static const char *const modules[] = {
	"biosdisk", "part_msdos", "part_gpt",	"ext2", "search", "search_fs_uuid",
	"normal",   "configfile", "echo",	"test", "serial", "terminal",
	"linux",    "multiboot",  "multiboot2", "gzio", NULL,
};

static int core_make(const char *folder, const char *root_uuid, const char *core_path,
		     struct err *err)
{
	CLEANUP(free_cleanup) char *config = path_join(folder, "early.cfg");
	CLEANUP(free_cleanup)
	char *text = str_format("search --no-floppy --fs-uuid --set=root %s\n"
				"set prefix=($root)/boot/grub\n",
				root_uuid);
	CLEANUP(strv_done) struct strv argv = { 0 };
	int r = file_write(config, text, strlen(text), 0600, err);

	if (r < 0)
		return r;
	strv_add(&argv, "grub-mkimage");
	strv_add(&argv, "--format=i386-pc");
	strv_add(&argv, "--directory=" GRUB_FOLDER);
	strv_add(&argv, "--prefix=/boot/grub");
	strv_format(&argv, "--config=%s", config);
	strv_format(&argv, "--output=%s", core_path);
	for (const char *const *module = modules; *module; module++)
		strv_add(&argv, *module);
	return spawn_run(&(struct spawn_options){ .argv = (const char *const *)argv.items,
						  .purpose = "making GRUB's core image" },
			 NULL, err);
}

/* boot.img and core.img come ready for a core at LBA 1; elsewhere both need its place. */
static void place_patch(char *boot, char *core, uint64_t core_lba)
{
	uint64_t first = htole64(core_lba), second = htole64(core_lba + 1);

	memcpy(boot + KERNEL_SECTOR_AT, &first, sizeof first);
	memcpy(core + BLOCKLIST_AT, &second, sizeof second);
}

static int embed(struct image *image, const struct layout *layout, char *core, size_t core_length,
		 struct err *err)
{
	CLEANUP(free_cleanup) char *boot = NULL;
	size_t boot_length = 0;
	int r = file_read(GRUB_FOLDER "/boot.img", SECTOR_BYTES, &boot, &boot_length, err);

	if (r < 0)
		return r;
	if (boot_length != SECTOR_BYTES || core_length <= SECTOR_BYTES)
		return err_set(err, -EBADMSG, "%s/boot.img or the core image has a wrong size",
			       GRUB_FOLDER);
	if (core_length > layout->boot_area.size_bytes)
		return err_set(err, -EFBIG,
			       "%s: GRUB's core image (%zu bytes) does not fit into the "
			       "%llu bytes before the first partition",
			       image_path(image), core_length,
			       (unsigned long long)layout->boot_area.size_bytes);
	place_patch(boot, core, layout->boot_area.start_bytes / SECTOR_BYTES);
	r = image_write(image, layout->boot_area.start_bytes, core, core_length, err);
	return r < 0 ? r : image_write(image, 0, boot, BOOT_CODE_BYTES, err);
}

int grub2_bios_install(struct image *image, const struct layout *layout, const char *root_uuid,
		       struct err *err)
{
	CLEANUP(free_cleanup) char *folder = NULL;
	CLEANUP(free_cleanup) char *core_path = NULL;
	CLEANUP(free_cleanup) char *core = NULL;
	size_t core_length = 0;
	int r = temp_dir(NULL, &folder, err);

	if (r < 0)
		return r;
	core_path = path_join(folder, "core.img");
	r = core_make(folder, root_uuid, core_path, err);
	if (r == 0)
		r = file_read(core_path, CORE_MAX_BYTES, &core, &core_length, err);
	if (r == 0)
		r = embed(image, layout, core, core_length, err);
	int removed = tree_remove(folder, r < 0 ? NULL : err);
	return r < 0 ? err_wrap(err, r, "installing GRUB") : removed;
}
