/* What lies on the disk that is repaired: the file systems, and what each is for. */
#pragma once
#include "base/str.h"
#include "image/fsys.h"
#include "image/probe.h"

struct disk_part {
	unsigned number; /* 1 is the first; 0: no partition table, or not known */
	struct extent where;
	struct probe probe;
	struct part_names names;
	char *mount_point; /* by fstab, owned; NULL: none */
	char *volume;	   /* its name as grubfix_is_volume knows them, owned; NULL: none */
	bool is_root, is_swap, is_boot, is_esp;
	bool on_volume; /* mounted from one; what the system itself calls it, its fstab tells */
};

struct disk {
	struct disk_part *parts;
	size_t count;
	bool has_table;
	char *subvolume; /* "/@", where the root lies in a btrfs by its fstab; NULL: at the top */
	char *own_name;	 /* "/dev/sdc", if fstab calls the disk by another name than the first */
};

/* Partitions and what libblkid finds in them. -EBADMSG: damaged or cut short. disk_done it, after
 * a failure too. */
int disk_read(struct image *image, struct disk *ret_disk, struct err *err);
void disk_done(struct disk *disk);

/* Opens its file system. -EBADMSG as fsys_open; a journal to be replayed is told with the commands
 * that do it. */
int disk_part_open(struct image *image, const struct disk_part *part, bool writable,
		   struct fsys **ret_fsys, struct err *err);
/* One more part of which nothing is known. Valid until the next is added. */
struct disk_part *disk_add(struct disk *disk);
bool disk_part_is_ext(const struct disk_part *part);
/* By its signature; a machine that was suspended to it has left another there. */
bool disk_part_is_swap(const struct disk_part *part);
struct disk_part *disk_by_number(const struct disk *disk, unsigned number);
/* What a name means on this disk: "UUID=...", "LABEL=...", "/dev/hda2" (the first disk of any
 * kind), ".../by-id/...-part2", "/dev/disk/by-uuid/...". NULL: nothing here. */
struct disk_part *disk_by_name(const struct disk *disk, const char *name);
/* Sets mount points, is_boot and own_name from the text of an fstab. is_root must be set. An EFI
 * system partition that it does not mount is taken as /boot/efi. */
void disk_read_fstab(struct disk *disk, const char *text);
