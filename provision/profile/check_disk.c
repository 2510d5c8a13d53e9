/* Checks of a layer's disk: its partitions, and what its boot loader wants of them. */
#include <string.h>

#include "answers/answers.h"
#include "bootloader/bootloader.h"
#include "image/fat.h"
#include "image/layout.h"
#include "image/swap.h"
#include "pattern/pattern.h"
#include "profile/check_rows.h"

#define MIB (UINT64_C(1) << 20)

static void check_uefi(const struct check *check)
{
	const struct layer *layer = check->layer;
	const char *loader = boot_loader_name(layer->boot_loader);

	if (!bootloader_of(layer->boot_loader)->uefi)
		return;
	if (disk_partition_at(&layer->disk, ESP_MOUNT_POINT) == layer->disk.partition_count)
		check_wrong(
			check, "disk.partitions",
			"found no EFI system partition; allowed with %s is a disk with one: filesystem "
			"vfat, mount %s",
			loader, ESP_MOUNT_POINT);
}

/* Its file system drivers and its embedding are older than ext4 and GPT. */
static void check_grub_legacy(const struct check *check)
{
	const struct disk_spec *disk = &check->layer->disk;
	size_t root = disk_partition_at(disk, "/");

	if (check->layer->boot_loader != BOOT_GRUB_LEGACY)
		return;
	if (disk->table != TABLE_MBR)
		check_wrong(check, "disk.table", "found \"%s\"; allowed with grub-legacy is mbr",
			    table_kind_name(disk->table));
	if (root == disk->partition_count || disk->partitions[root].filesystem == FILESYSTEM_EXT3)
		return;
	diagnostic_add(
		check->diagnostics, &disk->partitions[root].mark,
		"disk.partitions[%zu].filesystem: found \"%s\"; allowed for / with grub-legacy "
		"is ext3",
		root + 1, filesystem_kind_name(disk->partitions[root].filesystem));
}

static void check_partition(const struct check *check, const struct partition_spec *partition,
			    size_t number)
{
	bool swap = partition->filesystem == FILESYSTEM_SWAP;

	bool esp = str_equal(partition->mount_point, ESP_MOUNT_POINT);

	if (swap && *partition->mount_point)
		diagnostic_add(check->diagnostics, &partition->mark,
			       "disk.partitions[%zu].mount: found \"%s\"; allowed for swap is none",
			       number, partition->mount_point);
	else if (esp != (partition->filesystem == FILESYSTEM_VFAT))
		diagnostic_add(
			check->diagnostics, &partition->mark,
			"disk.partitions[%zu].filesystem: found \"%s\" at %s; allowed is vfat "
			"at " ESP_MOUNT_POINT " and nowhere else",
			number, filesystem_kind_name(partition->filesystem),
			*partition->mount_point ? partition->mount_point : "no mount point");
	else if (esp && !fat_label_valid(partition->label))
		diagnostic_add(
			check->diagnostics, &partition->mark,
			"disk.partitions[%zu].label: found \"%s\"; allowed for vfat is at most "
			"%d capital letters, digits, - and _",
			number, partition->label, FAT_LABEL_MAX);
	else if (swap && strlen(partition->label) > SWAP_LABEL_MAX)
		diagnostic_add(check->diagnostics, &partition->mark,
			       "disk.partitions[%zu].label: found \"%s\"; allowed for swap is at "
			       "most %d bytes",
			       number, partition->label, SWAP_LABEL_MAX);
}

/* What is too small to hold a file system at all. */
static void check_partition_sizes(const struct check *check, const struct layout *layout)
{
	static const uint64_t least[] = {
		[FILESYSTEM_SWAP] = MIB,
		[FILESYSTEM_EXT3] = 16 * MIB,
		[FILESYSTEM_EXT4] = 16 * MIB,
		[FILESYSTEM_VFAT] = 32 * MIB,
	};

	for (size_t i = 0; i < layout->partition_count; i++) {
		const struct partition_spec *partition = &check->layer->disk.partitions[i];
		CLEANUP(free_cleanup) char *have = size_format(layout->partitions[i].size_bytes);
		CLEANUP(free_cleanup) char *want = size_format(least[partition->filesystem]);

		if (layout->partitions[i].size_bytes < least[partition->filesystem])
			diagnostic_add(check->diagnostics, &partition->mark,
				       "disk.partitions[%zu].size: found %s; allowed for %s is at "
				       "least %s",
				       i + 1, have, filesystem_kind_name(partition->filesystem),
				       want);
	}
}

static size_t mounts_of(const struct disk_spec *disk, const char *mount_point)
{
	size_t count = 0;

	for (size_t i = 0; i < disk->partition_count; i++)
		count += str_equal(disk->partitions[i].mount_point, mount_point);
	return count;
}

static void check_disk(const struct check *check)
{
	const struct layer *layer = check->layer;
	const struct disk_spec *disk = &layer->disk;
	bool needed =
		layer->machine.type == MACHINE_HVM || layer->pattern->initramfs == INITRAMFS_ROOT;
	struct layout layout;
	struct err err = { 0 };

	if (disk->size_bytes == 0) {
		if (needed)
			check_wrong(check, "disk.size",
				    "found no disk; this layer boots from one, so allowed "
				    "is a size");
		else if (disk->partition_count > 0)
			check_wrong(check, "disk.partitions",
				    "found partitions without a disk; allowed is "
				    "none, or a disk.size");
		return;
	}
	for (size_t i = 0; i < disk->partition_count; i++) {
		const char *mount_point = disk->partitions[i].mount_point;

		check_partition(check, &disk->partitions[i], i + 1);
		if (*mount_point && strcmp(mount_point, "/") != 0 &&
		    mounts_of(disk, mount_point) > 1)
			check_wrong(check, "disk.partitions",
				    "found %s mounted twice; allowed is once", mount_point);
	}
	/* An installer that partitions the disk by itself. */
	if (disk->partition_count == 0 && !answers_format_of(layer->os_family)->partitions)
		return;
	size_t roots = mounts_of(disk, "/");
	if (roots != 1)
		check_wrong(check, "disk.partitions",
			    "found %zu partitions mounted at /; allowed is exactly "
			    "one",
			    roots);
	if (layout_check(disk, &err) < 0)
		check_wrong(check, "disk.partitions", "%s", err.text);
	else if (layout_plan(disk, &layout, &err) < 0)
		check_wrong(check, "disk.size", "%s", err.text);
	else
		check_partition_sizes(check, &layout);
	err_clear(&err);
}

const struct check_row disk_checks[] = {
	{ check_uefi, { "boot.loader", "disk" } },
	{ check_grub_legacy, { "boot.loader", "disk" } },
	{ check_disk, { "os.family", "pattern", "machine.type", "disk" } },
	{ NULL, { NULL } },
};
