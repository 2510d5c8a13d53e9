/* Partition tables, written by libparted. It gets a sparse file in memory of the size of the disk,
 * never the image or a device: what it made is then fitted with stable identifiers and copied over
 * by image_write, so a failure leaves the image as it was. */
#include "image/table.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <parted/parted.h>
#include <sys/mman.h>

#include "base/fs.h"
#include "base/str.h"
#include "image/table_ids.h"

#define SECTOR_BYTES	 512
#define ALIGN_SECTORS	 2048
#define FIRST_BYTES	 (UINT64_C(1) << 20) /* both kinds of table lie within */
#define GPT_COPY_SECTORS UINT64_C(33)	     /* entries, then the header */
#define GPT_OTHER_BYTES	 32		     /* in the header: sector of the other copy */
#define MBR_PRIMARIES	 4

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

/* Where GRUB's core image goes on a GPT disk. */
static int bios_boot_add(struct image *image, PedDisk *disk, const struct layout *layout,
			 struct err *err)
{
	PedPartition *boot = partition_add(disk, &layout->boot_area, NULL);

	if (!boot || !ped_partition_set_flag(boot, PED_PARTITION_BIOS_GRUB, 1) ||
	    !ped_partition_set_name(boot, "BIOS boot"))
		return parted_failed(image, "adding the BIOS boot partition", err);
	return 0;
}

static int partition_mark(struct image *image, PedPartition *partition, enum table_kind table,
			  const struct partition_spec *wanted, struct err *err)
{
	if (table == TABLE_GPT && wanted->label && *wanted->label &&
	    !ped_partition_set_name(partition, wanted->label))
		return parted_failed(image, "naming a partition", err);
	if (str_equal(wanted->mount_point, ESP_MOUNT_POINT) &&
	    !ped_partition_set_flag(partition, PED_PARTITION_ESP, 1))
		return parted_failed(image, "marking the EFI system partition", err);
	if (table == TABLE_MBR && str_equal(wanted->mount_point, "/") &&
	    !ped_partition_set_flag(partition, PED_PARTITION_BOOT, 1))
		return parted_failed(image, "marking the active partition", err);
	return 0;
}

static int partitions_add(struct image *image, PedDisk *disk, const struct layout *layout,
			  const struct disk_spec *spec, struct err *err)
{
	int r = layout->table == TABLE_GPT ? bios_boot_add(image, disk, layout, err) : 0;

	for (size_t i = 0; r == 0 && i < layout->partition_count; i++) {
		const struct partition_spec *wanted = &spec->partitions[i];
		PedPartition *partition = partition_add(disk, &layout->partitions[i],
							parted_filesystem(wanted->filesystem));

		if (!partition)
			return parted_failed(image, "adding a partition", err);
		r = partition_mark(image, partition, layout->table, wanted, err);
	}
	return r;
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

/* What is done with the file that stands for the disk. */
struct device_work {
	struct image *image;
	const struct layout *layout;
	const struct disk_spec *spec;
	unsigned number;      /* of the partition that grows */
	struct extent *where; /* where it lies then */
};

static int device_make(const struct device_work *work, PedDevice *device, struct err *err)
{
	return device_fill(work->image, device, work->layout, work->spec, err);
}

static int device_use(const struct device_work *work, int fd,
		      int (*use)(const struct device_work *work, PedDevice *device,
				 struct err *err),
		      struct err *err)
{
	CLEANUP(free_cleanup) char *path = str_format("/proc/self/fd/%d", fd);
	PedExceptionHandler *before = ped_exception_get_handler();
	PedDevice *device;
	int r;

	ped_exception_set_handler(complaint_take);
	device = ped_device_get(path);
	if (!device) {
		r = parted_failed(work->image, "opening the partition table", err);
	} else {
		r = use(work, device, err);
		ped_device_destroy(device);
	}
	ped_exception_set_handler(before);
	free(take(&complaint));
	return r;
}

/* A sparse file in memory of the size of the disk. */
static int stand_in(struct image *image, int *ret_fd, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = memfd_create("partition table", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)image_size_bytes(image)) < 0)
		return err_errno(err, errno, "%s: no memory for its partition table",
				 image_path(image));
	*ret_fd = fd_take(&fd);
	return 0;
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
	const struct device_work work = { .image = image, .layout = layout, .spec = spec };
	CLEANUP(fd_cleanup) int fd = -1;
	int r = stand_in(image, &fd, err);

	if (r == 0)
		r = device_use(&work, fd, device_make, err);
	if (r == 0)
		r = table_set_ids(fd, layout->table, disk_id, err);
	if (r == 0)
		r = table_clear(image, layout, err);
	if (r == 0)
		r = image_copy_in(image, 0, fd, err);
	return r;
}

/* --- growing -------------------------------------------------------------------------------- */

/* A GPT that ends before the disk does: to be fixed. */
static PedExceptionOption fix_take(PedException *exception)
{
	if (exception->options & PED_EXCEPTION_FIX)
		return PED_EXCEPTION_FIX;
	return complaint_take(exception);
}

/* How far it may reach. An MBR has 32 bits for start and length: 2 TiB of a larger disk. */
static PedSector end_find(PedDisk *disk, PedPartition *partition)
{
	bool gpt = str_equal(disk->type->name, "gpt");
	PedSector limit = gpt || disk->dev->length < UINT32_MAX ? disk->dev->length : UINT32_MAX;
	PedGeometry *all = ped_geometry_new(disk->dev, 0, limit);
	PedConstraint *within = all ? ped_constraint_new_from_max(all) : NULL;
	PedGeometry *room =
		within ? ped_disk_get_max_partition_geometry(disk, partition, within) : NULL;
	PedSector end = room ? (room->end + 1) / ALIGN_SECTORS * ALIGN_SECTORS - 1 : 0;

	if (room)
		ped_geometry_destroy(room);
	if (within)
		ped_constraint_destroy(within);
	if (all)
		ped_geometry_destroy(all);
	return end;
}

static bool end_set(PedDisk *disk, PedPartition *partition, PedSector end)
{
	PedSector start = partition->geom.start;
	PedGeometry *wanted = ped_geometry_new(disk->dev, start, end - start + 1);
	PedConstraint *exact = wanted ? ped_constraint_exact(wanted) : NULL;
	bool done = exact && ped_disk_set_partition_geom(disk, partition, exact, start, end);

	if (exact)
		ped_constraint_destroy(exact);
	if (wanted)
		ped_geometry_destroy(wanted);
	return done;
}

static int partition_grow(const struct device_work *work, PedDisk *disk, PedPartition *partition,
			  struct err *err)
{
	PedSector end = end_find(disk, partition);

	if (end > partition->geom.end && !end_set(disk, partition, end))
		return parted_failed(work->image, "growing a partition", err);
	*work->where = (struct extent){ (uint64_t)partition->geom.start * SECTOR_BYTES,
					(uint64_t)partition->geom.length * SECTOR_BYTES };
	return 0;
}

static int disk_grow(const struct device_work *work, PedDisk *disk, struct err *err)
{
	PedPartition *partition = ped_disk_get_partition(disk, (int)work->number);

	if (ped_disk_is_flag_available(disk, PED_DISK_CYLINDER_ALIGNMENT))
		ped_disk_set_flag(disk, PED_DISK_CYLINDER_ALIGNMENT, 0);
	if (!partition)
		return parted_failed(work->image, "reading the partition table", err);
	int r = partition_grow(work, disk, partition, err);
	if (r == 0 && !ped_disk_commit_to_dev(disk))
		r = parted_failed(work->image, "writing the partition table", err);
	return r;
}

static int device_grow(const struct device_work *work, PedDevice *device, struct err *err)
{
	ped_exception_set_handler(fix_take);
	PedDisk *disk = ped_disk_new(device);

	ped_exception_set_handler(complaint_take);
	if (!disk)
		return parted_failed(work->image, "reading the partition table", err);
	int r = disk_grow(work, disk, err);
	ped_disk_destroy(disk);
	return r;
}

static int part_copy(struct image *image, int fd, uint64_t offset, uint64_t length, struct err *err)
{
	CLEANUP(free_cleanup) char *data = mem_alloc(length);
	int r = image_read(image, offset, data, length, err);

	if (r == 0 && fd_pwrite_all(fd, data, length, offset) < 0)
		r = err_set(err, -ENOMEM, "%s: no memory for its partition table",
			    image_path(image));
	return r;
}

/* Where the second copy lies now; 0 bytes of an MBR. */
static int second_copy_find(struct image *image, const struct table *table,
			    struct extent *ret_where, struct err *err)
{
	uint64_t sector;
	int r = image_read(image, SECTOR_BYTES + GPT_OTHER_BYTES, &sector, sizeof sector, err);

	*ret_where = (struct extent){ 0 };
	sector = le64toh(sector);
	if (r < 0 || table->kind != TABLE_GPT || sector < GPT_COPY_SECTORS ||
	    sector >= image_size_bytes(image) / SECTOR_BYTES)
		return r;
	ret_where->start_bytes = (sector + 1 - GPT_COPY_SECTORS) * SECTOR_BYTES;
	ret_where->size_bytes = GPT_COPY_SECTORS * SECTOR_BYTES;
	return 0;
}

static int table_check(struct image *image, const struct table *table, struct err *err)
{
	if (!table->present || image_size_bytes(image) < FIRST_BYTES)
		return err_set(err, -EBADMSG, "%s: has no partition table", image_path(image));
	for (size_t i = 0; i < table->count; i++)
		if (table->kind == TABLE_MBR && table->entries[i].number > MBR_PRIMARIES)
			return err_set(err, -ENOTSUP,
				       "%s: has logical partitions, which are not grown",
				       image_path(image));
	return 0;
}

int table_grow(struct image *image, unsigned number, struct extent *ret_where, struct err *err)
{
	CLEANUP(free_cleanup) struct table *table = mem_alloc(sizeof *table);
	const struct device_work work = { .image = image, .number = number, .where = ret_where };
	uint64_t end = image_size_bytes(image);
	CLEANUP(fd_cleanup) int fd = -1;
	struct extent second = { 0 };
	int r = table_read(image, table, err);

	if (r == 0)
		r = table_check(image, table, err);
	if (r == 0)
		r = second_copy_find(image, table, &second, err);
	if (r == 0)
		r = stand_in(image, &fd, err);
	if (r == 0)
		r = part_copy(image, fd, 0, FIRST_BYTES, err);
	if (r == 0 && second.size_bytes)
		r = part_copy(image, fd, second.start_bytes, second.size_bytes, err);
	if (r == 0)
		r = device_use(&work, fd, device_grow, err);
	if (r == 0)
		r = image_copy_in(image, 0, fd, err);
	/* What is left of the second copy at its old place lies in a partition now. */
	if (r == 0 && second.start_bytes + 2 * second.size_bytes <= end)
		r = image_zero(image, second.start_bytes, second.size_bytes, err);
	return r;
}
