/* The boot menu of a layer, rendered from templates/. */
#include "compose/system.h"

#include "base/data.h"
#include "base/fs.h"
#include "compose/family.h"
#include "compose/names.h"

/* xen-4.17-amd64.gz -> "Xen 4.17"; the caller frees. */
static char *xen_label(const char *file)
{
	size_t length = 0;

	if (!str_starts(file, "xen-"))
		return str_copy("Xen");
	while (file[4 + length] && file[4 + length] != '-' && !str_starts(file + 4 + length, ".gz"))
		length++;
	return str_format("Xen %.*s", (int)length, file + 4);
}

/* The files of each loader's menu: rendered with @ENTRIES@, which are the rendered entries. */
struct menu_file {
	const char *template, *path; /* relative: in the folder of the family's GRUB 2 */
	enum boot_loader loader;
	uint32_t mode;
};

static const struct menu_file menu_files[] = {
	{ "grub/grub.cfg", "grub.cfg", BOOT_GRUB2_BIOS, 0600 },
	{ "grub/default", "/etc/default/grub", BOOT_GRUB2_BIOS, 0644 },
	{ "grub/grub.cfg", "grub.cfg", BOOT_GRUB2_EFI, 0600 },
	{ "grub/default", "/etc/default/grub", BOOT_GRUB2_EFI, 0644 },
	{ "grub-legacy/menu.lst", "/boot/grub/menu.lst", BOOT_GRUB_LEGACY, 0600 },
	{ "grub-legacy/device.map", "/boot/grub/device.map", BOOT_GRUB_LEGACY, 0644 },
	{ "xen-efi/xen.cfg", ESP_MOUNT_POINT "/EFI/BOOT/BOOTX64.cfg", BOOT_XEN_EFI, 0644 },
};

static const struct {
	enum boot_loader loader;
	const char *xen, *linux_;
} menu_entries[] = {
	{ BOOT_GRUB2_BIOS, "grub/xen-entries", "grub/linux-entry" },
	{ BOOT_GRUB2_EFI, "grub/xen-entries", "grub/linux-entry" },
	{ BOOT_GRUB_LEGACY, "grub-legacy/xen-entry", "grub-legacy/linux-entry" },
};

/* The caller frees; "" for a loader whose menu has no entries. */
static int entries_render(const struct layer *layer, const struct template_value *values,
			  char **ret_entries, struct err *err)
{
	CLEANUP(free_cleanup) char *xen = NULL;
	CLEANUP(free_cleanup) char *linux_ = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof menu_entries / sizeof *menu_entries; i++) {
		if (menu_entries[i].loader != layer->boot_loader)
			continue;
		if (layer->hypervisor == HYPERVISOR_XEN)
			r = template_render(menu_entries[i].xen, values, &xen, err);
		if (r == 0)
			r = template_render(menu_entries[i].linux_, values, &linux_, err);
	}
	if (r == 0)
		*ret_entries = str_format("%s%s", xen ? xen : "", linux_ ? linux_ : "");
	return r;
}

static int files_render(const struct layer *layer, const struct template_value *values,
			struct overlay *overlay, struct err *err)
{
	const struct family_files *family = family_files_of(layer->os_family);

	for (size_t i = 0; i < sizeof menu_files / sizeof *menu_files; i++) {
		const struct menu_file *file = &menu_files[i];
		CLEANUP(free_cleanup) char *text = NULL;

		if (file->loader != layer->boot_loader)
			continue;
		int r = template_render(file->template, values, &text, err);
		if (r < 0)
			return r;
		CLEANUP(free_cleanup) char *path = path_join(family->grub2_folder, file->path);
		overlay_text(overlay, path, file->mode, "%s", text);
	}
	return 0;
}

int menu_overlay(const char *stack_name, const struct layer *layer, const struct boot_names *names,
		 struct overlay *overlay, struct err *err)
{
	const struct family_files *family = family_files_of(layer->os_family);
	const char *xen_file = names->hypervisor_file ? names->hypervisor_file : "";
	CLEANUP(free_cleanup) char *uuid = compose_uuid_text(stack_name, layer, "root");
	/* "(hd0,1)" is the second partition for GRUB Legacy. */
	CLEANUP(free_cleanup) char *root = str_format("%zu", disk_partition_at(&layer->disk, "/"));
	CLEANUP(free_cleanup) char *timeout = str_format("%u", layer->menu_timeout_seconds);
	CLEANUP(free_cleanup) char *xen = xen_label(xen_file);
	CLEANUP(free_cleanup) char *os = family->title(layer);
	CLEANUP(free_cleanup)
	char *linux_title = str_format("%s, with Linux %s", os, names->kernel_version);
	CLEANUP(free_cleanup) char *xen_title = str_format("%s -- %s", xen, linux_title);
	CLEANUP(free_cleanup)
	char *initrd = str_format("%s%s", family->initrd_prefix, names->kernel_version);
	CLEANUP(free_cleanup) char *xen_args = hypervisor_arguments(layer);
	CLEANUP(free_cleanup) char *dom0_args = dom0_arguments(layer);
	CLEANUP(free_cleanup) char *linux_args = linux_arguments(layer);
	CLEANUP(free_cleanup) char *entries = NULL;
	struct template_value values[] = {
		{ "ENTRIES", "" },
		{ "LAYER", layer->name },
		{ "TIMEOUT", timeout },
		{ "ROOT_UUID", uuid },
		{ "ROOT_INDEX", root },
		{ "KERNEL", names->kernel_version },
		{ "INITRD", initrd },
		{ "FAMILY", os_family_name(layer->os_family) },
		{ "DISTRIBUTOR", family->distributor ? family->distributor : os },
		{ "XEN_TITLE", xen_title },
		{ "LINUX_TITLE", linux_title },
		{ "XEN_ARGS", xen_args },
		{ "DOM0_ARGS", dom0_args },
		{ "LINUX_ARGS", linux_args },
		{ "XEN_FILE", xen_file },
		{ NULL, NULL },
	};
	int r = entries_render(layer, values, &entries, err);

	if (r < 0)
		return r;
	values[0].value = entries;
	return files_render(layer, values, overlay, err);
}
