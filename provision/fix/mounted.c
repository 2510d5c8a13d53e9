/* From a mount point to the device, from there to the disk and its partitions, by way of
 * /proc/self/mountinfo and sysfs. */
#include "fix/mounted.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fs.h"
#include "grubfix/grubfix.h"

#define MOUNTINFO_MAX_BYTES ((size_t)16 << 20)
#define NUMBER_MAX_BYTES    64

/* What the device holds; nothing if it cannot be read. */
static struct disk_part *part_add(struct disk *disk, const char *device)
{
	struct disk_part part = { 0 };

	if (!probe_device(device, &part.probe, &part.names))
		return NULL;
	part.is_swap = disk_part_is_swap(&part);
	struct disk_part *added = disk_add(disk);
	*added = part;
	return added;
}

/* The device mounted there, by the last line that says so: "36 35 98:0 /root /mnt rw - ext3 /dev/x
 * rw". A part of a file system (a bind mount) says nothing, but for btrfs, whose root may be one.
 */
static char *device_of(char *mountinfo, const char *point)
{
	char *lines, *device = NULL;

	for (char *line = strtok_r(mountinfo, "\n", &lines); line;
	     line = strtok_r(NULL, "\n", &lines)) {
		char root[4096], at[4096], type[64], source[4096];
		char *rest = strstr(line, " - ");

		if (!rest || sscanf(line, "%*s %*s %*s %4095s %4095s", root, at) != 2 ||
		    sscanf(rest, " - %63s %4095s", type, source) != 2)
			continue;
		str_unescape(at);
		str_unescape(source);
		if (strcmp(at, point) != 0)
			continue;
		free(device);
		device = str_starts(source, "/dev/") &&
					 (str_equal(root, "/") || str_equal(type, "btrfs"))
				 ? str_copy(source)
				 : NULL;
	}
	return device;
}

static char *mounted_device(const char *point)
{
	CLEANUP(free_cleanup) char *mountinfo = NULL;

	if (file_read("/proc/self/mountinfo", MOUNTINFO_MAX_BYTES, &mountinfo, NULL, NULL) < 0)
		return NULL;
	return device_of(mountinfo, point);
}

/* Folder of the device in sysfs; NULL if it is no block device. */
static char *sysfs_of(const char *device)
{
	struct stat status;

	if (stat(device, &status) < 0 || !S_ISBLK(status.st_mode))
		return NULL;
	CLEANUP(free_cleanup)
	char *link =
		str_format("/sys/dev/block/%u:%u", major(status.st_rdev), minor(status.st_rdev));
	return realpath(link, NULL);
}

/* The number of a partition, 0: it is none. */
static unsigned number_of(const char *sysfs)
{
	CLEANUP(free_cleanup) char *path = path_join(sysfs, "partition");
	CLEANUP(free_cleanup) char *text = NULL;

	if (file_read(path, NUMBER_MAX_BYTES, &text, NULL, NULL) < 0)
		return 0;
	return (unsigned)strtoul(text, NULL, 10);
}

/* All partitions of the disk that the one in sysfs belongs to. */
static void siblings_add(struct disk *disk, const char *sysfs)
{
	CLEANUP(free_cleanup) char *above = path_folder(sysfs);
	DIR *dir = opendir(above);

	for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
		CLEANUP(free_cleanup) char *path = path_join(above, entry->d_name);
		CLEANUP(free_cleanup) char *device = str_format("/dev/%s", entry->d_name);
		unsigned number = number_of(path);
		struct disk_part *part = number ? part_add(disk, device) : NULL;

		if (part)
			part->number = number;
	}
	if (dir)
		closedir(dir);
	disk->has_table = true;
}

/* above: the folder in sysfs of the disk whose partitions are known. On another one (a root on LVM
 * or on a second disk) a partition's number says nothing. */
static struct disk_part *part_of_device(struct disk *disk, const char *above, const char *device)
{
	CLEANUP(free_cleanup) char *sysfs = sysfs_of(device);
	CLEANUP(free_cleanup) char *folder = sysfs ? path_folder(sysfs) : NULL;

	return disk->has_table && str_equal(folder, above) ? disk_by_number(disk, number_of(sysfs))
							   : part_add(disk, device);
}

void mounted_read(const char *path, struct disk *ret_disk)
{
	CLEANUP(free_cleanup) char *point = realpath(path, NULL);
	CLEANUP(free_cleanup) char *device = point ? mounted_device(point) : NULL;
	CLEANUP(free_cleanup) char *sysfs = device ? sysfs_of(device) : NULL;

	if (!sysfs)
		return;
	CLEANUP(free_cleanup) char *above = path_folder(sysfs);
	if (number_of(sysfs))
		siblings_add(ret_disk, sysfs);
	CLEANUP(free_cleanup) char *boot = path_join(point, "boot");
	CLEANUP(free_cleanup) char *boot_device = mounted_device(boot);
	struct disk_part *part = boot_device ? part_of_device(ret_disk, above, boot_device) : NULL;
	if (part) {
		part->is_boot = true;
		part->mount_point = str_copy("/boot");
	}
	part = part_of_device(ret_disk, above, device);
	if (!part)
		return;
	part->is_root = true;
	part->on_volume = grubfix_is_volume(device);
}
