/* The search for the root file system, and what is said when there is none. */
#include "fix/root_find.h"

#include <errno.h>

/* What stands in the way of a look inside, and how to get at it. */
static const struct obstacle {
	const char *type, *name, *remedy;
} obstacles[] = {
	{ "LVM2_member", "an LVM physical volume",
	  "attach the image with losetup -P, activate it with vgchange -ay, mount the root" },
	{ "LVM1_member", "an LVM physical volume",
	  "attach the image with losetup -P, activate it with vgchange -ay, mount the root" },
	{ "crypto_LUKS", "a LUKS container",
	  "attach the image with losetup -P, open it with cryptsetup open, mount the root" },
	{ "linux_raid_member", "a member of a Linux RAID",
	  "attach the image with losetup -P, start it with mdadm --assemble, mount the root" },
	{ "xfs", "an xfs file system", "attach the image with losetup -P, mount it" },
	{ "btrfs", "a btrfs file system", "attach the image with losetup -P, mount it" },
	{ "reiserfs", "a reiserfs file system", "attach the image with losetup -P, mount it" },
	{ "jfs", "a jfs file system", "attach the image with losetup -P, mount it" },
	{ "f2fs", "an f2fs file system", "attach the image with losetup -P, mount it" },
};

static const struct obstacle *obstacle_of(const struct disk_part *part)
{
	for (size_t i = 0; i < sizeof obstacles / sizeof *obstacles; i++)
		if (str_equal(obstacles[i].type, part->probe.type))
			return &obstacles[i];
	return NULL;
}

static bool holds_system(struct fsys *fsys)
{
	return (fsys_exists(fsys, "/etc/fstab") && fsys_exists(fsys, "/sbin/init")) ||
	       fsys_exists(fsys, "/etc/os-release");
}

/* The least that says so: with a /usr of its own the links to init and os-release lead nowhere. */
static bool holds_trace(struct fsys *fsys)
{
	return fsys_exists(fsys, "/etc/fstab") || holds_system(fsys);
}

static char *where_text(const struct disk_part *part)
{
	return part->number ? str_format("partition %u", part->number)
			    : str_copy("the whole image, which has no partition table,");
}

static int obstacle_error(struct image *image, const struct disk_part *part,
			  const struct obstacle *obstacle, struct err *err)
{
	CLEANUP(free_cleanup) char *where = where_text(part);

	return err_set(err, -EBADMSG,
		       "%s: %s holds %s, which nestctl cannot open by itself: %s and run nestctl "
		       "fix --root DIR",
		       image_path(image), where, obstacle->name, obstacle->remedy);
}

static int none_error(struct image *image, const struct disk *disk, struct err *err)
{
	CLEANUP(buf_done) struct buf list = { 0 };
	bool is_blank = !disk->has_table;

	for (size_t i = 0; disk->parts && i < disk->count; i++) {
		const struct disk_part *part = &disk->parts[i];
		const struct obstacle *obstacle = obstacle_of(part);

		if (obstacle)
			return obstacle_error(image, part, obstacle, err);
		is_blank &= !part->probe.type[0];
		buf_format(&list, "%s%u %s", i ? ", " : "", part->number,
			   part->probe.type[0] ? part->probe.type : "unknown");
	}
	if (is_blank)
		return err_set(
			err, -EBADMSG,
			"%s: has no partition table and no file system: it is no disk image, "
			"or an empty one",
			image_path(image));
	return err_set(err, -EBADMSG,
		       "%s: no root file system: no partition has /etc/fstab and /sbin/init, or "
		       "/etc/os-release (partitions: %s): install the system first, or name one "
		       "with --root-partition N",
		       image_path(image), list.length ? list.data : "none");
}

static int chosen_check(struct image *image, struct disk *disk, unsigned number,
			struct disk_part **ret_root, struct err *err)
{
	struct disk_part *part = disk_by_number(disk, number);
	CLEANUP(fsys_cleanup) struct fsys *fsys = NULL;

	if (!part)
		return err_set(err, -EBADMSG,
			       "%s: has no partition %u (nestctl image inspect lists them)",
			       image_path(image), number);
	const struct obstacle *obstacle = obstacle_of(part);
	if (obstacle)
		return obstacle_error(image, part, obstacle, err);
	if (!disk_part_is_ext(part))
		return err_set(err, -EBADMSG,
			       "%s: partition %u holds %s, no ext2, ext3 or ext4 file system",
			       image_path(image), number,
			       part->probe.type[0] ? part->probe.type : "nothing that is known");
	int r = disk_part_open(image, part, false, &fsys, err);
	if (r < 0)
		return r;
	if (!holds_trace(fsys))
		return err_set(
			err, -EBADMSG,
			"%s: partition %u (%s) holds no system: it has neither /etc/fstab nor "
			"/etc/os-release (is it a separate /boot? name the partition of the "
			"root)",
			image_path(image), number, part->probe.type);
	*ret_root = part;
	return 0;
}

/* Every ext file system is looked at; the first that cannot be opened is told if none fits. */
static int search(struct image *image, struct disk *disk, struct disk_part **ret_root,
		  struct err *err)
{
	struct disk_part *found = NULL;
	struct err closed = { 0 };
	int r = 0;

	for (size_t i = 0; i < disk->count && r == 0; i++) {
		struct disk_part *part = &disk->parts[i];
		CLEANUP(fsys_cleanup) struct fsys *fsys = NULL;

		if (!disk_part_is_ext(part) ||
		    disk_part_open(image, part, false, &fsys, closed.text ? NULL : &closed) < 0 ||
		    !holds_system(fsys))
			continue;
		if (found)
			r = err_set(err, -EBADMSG,
				    "%s: partitions %u and %u both hold a system: choose with "
				    "--root-partition %u or --root-partition %u",
				    image_path(image), found->number, part->number, found->number,
				    part->number);
		found = part;
	}
	if (r == 0 && !found)
		r = closed.text ? err_set(err, -EBADMSG, "%s", closed.text)
				: none_error(image, disk, err);
	err_clear(&closed);
	*ret_root = found;
	return r;
}

int root_find(struct image *image, struct disk *disk, unsigned number, struct disk_part **ret_root,
	      struct err *err)
{
	struct disk_part *root = NULL;
	int r = number ? chosen_check(image, disk, number, &root, err)
		       : search(image, disk, &root, err);

	if (r < 0 || !root)
		return r;
	root->is_root = true;
	root->is_swap = root->is_boot = false;
	*ret_root = root;
	return 0;
}
