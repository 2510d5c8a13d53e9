/* AutoYaST: partitions, boot loader. */
#include "answers/autoyast.h"
#include "answers/escape.h"
#include "answers/values.h"
#include "compose/names.h"

bool yast_by_label(const struct partition_spec *partition)
{
	return escape_not_needed(partition->label);
}

static void partition(struct xml *xml, const struct partition_spec *spec, unsigned number_)
{
	/* Partition types as YaST numbers them: swap, Linux, EFI system partition. */
	static const unsigned ids[] = { [FILESYSTEM_SWAP] = 130,
					[FILESYSTEM_EXT3] = 131,
					[FILESYSTEM_EXT4] = 131,
					[FILESYSTEM_VFAT] = 259 };
	bool swap = spec->filesystem == FILESYSTEM_SWAP;
	CLEANUP(free_cleanup)
	char *size = str_format("%lluM", (unsigned long long)(spec->size_bytes / MIB));

	xml_open(xml, "partition", NULL);
	yast_flag(xml, "create", true);
	xml_text(xml, "filesystem", SYMBOL, filesystem_kind_name(spec->filesystem));
	yast_flag(xml, "format", true);
	if (*spec->label)
		xml_text(xml, "label", NULL, spec->label);
	if (swap || *spec->mount_point) {
		xml_text(xml, "mount", NULL, swap ? "swap" : spec->mount_point);
		xml_text(xml, "mountby", SYMBOL, yast_by_label(spec) ? "label" : "uuid");
	}
	yast_number(xml, "partition_id", ids[spec->filesystem]);
	yast_number(xml, "partition_nr", number_);
	xml_text(xml, "size", NULL, spec->size_bytes == PARTITION_REST ? "max" : size);
	xml_close(xml);
}

void yast_partitioning(struct xml *xml, const struct disk_spec *disk)
{
	xml_open(xml, "partitioning", LIST);
	xml_open(xml, "drive", NULL);
	xml_text(xml, "device", NULL, "/dev/sda");
	xml_text(xml, "disklabel", NULL, disk->table == TABLE_GPT ? "gpt" : "msdos");
	yast_flag(xml, "initialize", true);
	xml_open(xml, "partitions", LIST);
	for (size_t i = 0; i < disk->partition_count; i++)
		partition(xml, &disk->partitions[i], (unsigned)i + 1);
	xml_close(xml);
	xml_text(xml, "use", NULL, "all");
	xml_close(xml);
	xml_close(xml);
}

static void legacy_section(struct xml *xml, const struct layer *layer, const char *title, bool xen)
{
	const struct disk_spec *disk = &layer->disk;
	CLEANUP(free_cleanup)
	char *root = str_format("/dev/disk/by-label/%s",
				disk->partitions[disk_partition_at(disk, "/")].label);
	CLEANUP(free_cleanup) char *dom0 = dom0_arguments(layer);
	CLEANUP(free_cleanup) char *linux_ = linux_arguments(layer);
	CLEANUP(free_cleanup) char *hypervisor = hypervisor_arguments(layer);
	/* Xen's line is xvc0 in SUSE's own Xen kernels, hvc0 in others. */
	CLEANUP(free_cleanup) char *xen_dom0 = str_format("xencons=xvc console=xvc0 %s", dom0);

	xml_open(xml, "section", NULL);
	xml_text(xml, "append", NULL, xen ? xen_dom0 : linux_);
	xml_text(xml, "image", NULL, xen ? "/boot/vmlinuz-xen" : "/boot/vmlinuz");
	if (xen == is_xen(layer))
		xml_text(xml, "initial", NULL, "1");
	xml_text(xml, "initrd", NULL, xen ? "/boot/initrd-xen" : "/boot/initrd");
	xml_text(xml, "lines_cache_id", NULL, xen || !is_xen(layer) ? "0" : "1");
	xml_text(xml, "name", NULL, title);
	xml_text(xml, "original_name", NULL, xen ? "xen" : "linux");
	xml_text(xml, "root", NULL, root);
	xml_text(xml, "type", NULL, xen ? "xen" : "image");
	if (xen) {
		xml_text(xml, "xen", NULL, "/boot/xen.gz");
		xml_text(xml, "xen_append", NULL, hypervisor);
	}
	xml_close(xml);
}

static void legacy_bootloader(struct xml *xml, const struct layer *layer,
			      const struct answers_release *release)
{
	CLEANUP(free_cleanup) char *xen_title = str_format("Xen -- %s", release->title);
	const char *linux_title = release->title;

	xml_open(xml, "device_map", LIST);
	xml_open(xml, "device_map_entry", NULL);
	xml_text(xml, "firmware", NULL, "hd0");
	xml_text(xml, "linux", NULL, "/dev/sda");
	xml_close(xml);
	xml_close(xml);
	xml_open(xml, "global", NULL);
	xml_text(xml, "activate", NULL, "true");
	xml_text(xml, "boot_mbr", NULL, "false");
	xml_text(xml, "boot_root", NULL, "true");
	xml_text(xml, "default", NULL, is_xen(layer) ? xen_title : linux_title);
	xml_text(xml, "generic_mbr", NULL, "true");
	xml_text(xml, "serial", NULL, "--unit=0 --speed=115200");
	xml_text(xml, "terminal", NULL, "--timeout=1 serial console");
	yast_number(xml, "timeout", layer->menu_timeout_seconds);
	xml_close(xml);
	xml_text(xml, "loader_type", NULL, "grub");
	xml_open(xml, "sections", LIST);
	if (is_xen(layer))
		legacy_section(xml, layer, xen_title, true);
	legacy_section(xml, layer, linux_title, false);
	xml_close(xml);
}

/* xen_append is dom0's kernel here and xen_kernel_append the hypervisor, unlike in GRUB Legacy's
 * sections. */
static void grub2_bootloader(struct xml *xml, const struct layer *layer)
{
	CLEANUP(free_cleanup) char *linux_ = linux_arguments(layer);
	CLEANUP(free_cleanup) char *dom0 = dom0_arguments(layer);
	CLEANUP(free_cleanup) char *hypervisor = hypervisor_arguments(layer);
	bool uefi = layer->boot_loader == BOOT_GRUB2_EFI;

	xml_open(xml, "global", NULL);
	if (!uefi)
		xml_text(xml, "activate", NULL, "true");
	xml_text(xml, "append", NULL, linux_);
	if (!uefi) {
		xml_text(xml, "boot_mbr", NULL, "true");
		xml_text(xml, "generic_mbr", NULL, "false");
	}
	xml_text(xml, "os_prober", NULL, "false");
	xml_text(xml, "serial", NULL, "serial --unit=0 --speed=115200");
	xml_text(xml, "terminal", NULL, "serial");
	yast_number(xml, "timeout", layer->menu_timeout_seconds);
	if (is_xen(layer)) {
		xml_text(xml, "xen_append", NULL, dom0);
		xml_text(xml, "xen_kernel_append", NULL, hypervisor);
	}
	xml_close(xml);
	xml_text(xml, "loader_type", NULL, uefi ? "grub2-efi" : "grub2");
}

void yast_bootloader(struct xml *xml, const struct layer *layer,
		     const struct answers_release *release)
{
	xml_open(xml, "bootloader", NULL);
	if (release->legacy)
		legacy_bootloader(xml, layer, release);
	else
		grub2_bootloader(xml, layer);
	xml_close(xml);
}
