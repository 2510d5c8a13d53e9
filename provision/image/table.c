/* Partition tables, written by libparted. It gets a sparse file in memory of the size of the disk,
 * never the image or a device: what it made is then fitted with stable identifiers and copied over
 * by image_write, so a failure leaves the image as it was. */
#include "image/table.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <parted/parted.h>
#include <sys/mman.h>

#include "base/fs.h"
#include "base/str.h"
#include "image/table_ids.h"

#define SECTOR_BYTES 512

/* libparted's handler has no context argument: the text of the last complaint waits here between
 * the handler and the end of the call that caused it. */
static char *complaint;

static PedExceptionOption complaint_take(PedException *exception)
{
	free(complaint);
	complaint = str_copy(exception->message);
	return PED_EXCEPTION_UNHANDLED;
}

static int parted_failed(struct image *image, const char *what, struct err *err)
{
	CLEANUP(free_cleanup) char *text = take(&complaint);

	return err_set(err, -EIO, "%s: %s: %s", image_path(image), what,
		       text ? text : "libparted gives no reason");
}

static const char *parted_filesystem(enum filesystem_kind kind)
{
	switch (kind) {
	case FILESYSTEM_SWAP:
		return "linux-swap(v1)";
	case FILESYSTEM_EXT3:
		return "ext3";
	case FILESYSTEM_EXT4:
		return "ext4";
	case FILESYSTEM_VFAT:
		return "fat32";
	}
	return NULL;
}

static PedPartition *partition_add(PedDisk *disk, const struct extent *where,
				   const char *filesystem)
{
	const PedFileSystemType *type = filesystem ? ped_file_system_type_get(filesystem) : NULL;
	PedSector start = (PedSector)(where->start_bytes / SECTOR_BYTES);
	PedSector end = start + (PedSector)(where->size_bytes / SECTOR_BYTES) - 1;
	PedPartition *partition = ped_partition_new(disk, PED_PARTITION_NORMAL, type, start, end);
	PedConstraint *exact;
	int added;

	if (!partition)
		return NULL;
	exact = ped_constraint_exact(&partition->geom);
	added = exact && ped_disk_add_partition(disk, partition, exact);
	ped_constraint_destroy(exact);
	if (added)
		return partition;
	ped_partition_destroy(partition);
	return NULL;
}

static int partitions_add(struct image *image, PedDisk *disk, const struct layout *layout,
			  const struct disk_spec *spec, struct err *err)
{
	if (layout->table == TABLE_GPT) {
		PedPartition *boot = partition_add(disk, &layout->boot_area, NULL);

		if (!boot || !ped_partition_set_flag(boot, PED_PARTITION_BIOS_GRUB, 1) ||
		    !ped_partition_set_name(boot, "BIOS boot"))
			return parted_failed(image, "adding the BIOS boot partition", err);
	}
	for (size_t i = 0; i < layout->partition_count; i++) {
		const struct partition_spec *wanted = &spec->partitions[i];
		PedPartition *partition = partition_add(disk, &layout->partitions[i],
							parted_filesystem(wanted->filesystem));

		if (!partition)
			return parted_failed(image, "adding a partition", err);
		if (layout->table == TABLE_GPT && wanted->label && *wanted->label &&
		    !ped_partition_set_name(partition, wanted->label))
			return parted_failed(image, "naming a partition", err);
		if (str_equal(wanted->mount_point, ESP_MOUNT_POINT) &&
		    !ped_partition_set_flag(partition, PED_PARTITION_ESP, 1))
			return parted_failed(image, "marking the EFI system partition", err);
		if (layout->table == TABLE_MBR && str_equal(wanted->mount_point, "/") &&
		    !ped_partition_set_flag(partition, PED_PARTITION_BOOT, 1))
			return parted_failed(image, "marking the active partition", err);
	}
	return 0;
}

static int device_fill(struct image *image, PedDevice *device, const struct layout *layout,
		       const struct disk_spec *spec, struct err *err)
{
	PedDiskType *type = ped_disk_type_get(layout->table == TABLE_GPT ? "gpt" : "msdos");
	PedDisk *disk = type ? ped_disk_new_fresh(device, type) : NULL;
	int r;

	if (!disk)
		return parted_failed(image, "making the partition table", err);
	if (ped_disk_is_flag_available(disk, PED_DISK_CYLINDER_ALIGNMENT))
		ped_disk_set_flag(disk, PED_DISK_CYLINDER_ALIGNMENT, 0);
	r = partitions_add(image, disk, layout, spec, err);
	/* to_dev alone: to_os would tell a kernel, and there is none to tell. */
	if (r == 0 && !ped_disk_commit_to_dev(disk))
		r = parted_failed(image, "writing the partition table", err);
	ped_disk_destroy(disk);
	return r;
}

/* The table in a file of its own, with libparted's identifiers. */
static int table_make(struct image *image, int fd, const struct layout *layout,
		      const struct disk_spec *spec, struct err *err)
{
	CLEANUP(free_cleanup) char *path = str_format("/proc/self/fd/%d", fd);
	PedExceptionHandler *before = ped_exception_get_handler();
	PedDevice *device;
	int r;

	ped_exception_set_handler(complaint_take);
	device = ped_device_get(path);
	if (!device) {
		r = parted_failed(image, "opening the partition table", err);
	} else {
		r = device_fill(image, device, layout, spec, err);
		ped_device_destroy(device);
	}
	ped_exception_set_handler(before);
	free(take(&complaint));
	return r;
}

/* What an older table may have left where the new one does not write: the first MiB and the
 * sectors of a backup GPT. */
static int table_clear(struct image *image, const struct layout *layout, struct err *err)
{
	uint64_t size = image_size_bytes(image),
		 first = layout->boot_area.start_bytes + layout->boot_area.size_bytes;
	uint64_t backup = 34 * (uint64_t)SECTOR_BYTES;
	int r = image_zero(image, 0, first < size ? first : size, err);

	if (r < 0 || size < backup)
		return r;
	for (size_t i = 0; i < layout->partition_count; i++)
		if (layout->partitions[i].start_bytes + layout->partitions[i].size_bytes >
		    size - backup)
			return 0;
	return image_zero(image, size - backup, backup, err);
}

int table_write(struct image *image, const struct layout *layout, const struct disk_spec *spec,
		const char *disk_id, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = memfd_create("partition table", MFD_CLOEXEC);
	int r;

	if (fd < 0 || ftruncate(fd, (off_t)image_size_bytes(image)) < 0)
		return err_errno(err, errno, "%s: no memory for its partition table",
				 image_path(image));
	r = table_make(image, fd, layout, spec, err);
	if (r == 0)
		r = table_set_ids(fd, layout->table, disk_id, err);
	if (r == 0)
		r = table_clear(image, layout, err);
	if (r == 0)
		r = image_copy_in(image, 0, fd, err);
	return r;
}
