/* <partitioning>: table, file systems, mounts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linuxrc.h"

#define NODE_WAIT_TRIES 100

static void wait_for(const char *path)
{
	for (int i = 0; access(path, F_OK) < 0; i++) {
		if (i == NODE_WAIT_TRIES)
			fail("%s: does not appear", path);
		usleep(100000);
	}
}

/* "512mb", "20G", "max" in MiB; 0 for max. */
static uint64_t size_parse(const char *size)
{
	static const struct {
		const char *unit;
		uint64_t per_mib; /* units in a MiB, or: */
		uint64_t mib;
	} units[] = {
		{ "", 1 << 20, 0 }, { "b", 1 << 20, 0 }, { "k", 1024, 0 },   { "kb", 1024, 0 },
		{ "kib", 1024, 0 }, { "m", 1, 0 },	 { "mb", 1, 0 },     { "mib", 1, 0 },
		{ "g", 0, 1024 },   { "gb", 0, 1024 },	 { "gib", 0, 1024 },
	};
	char *unit;

	if (strcasecmp(size, "max") == 0)
		return 0;
	unsigned long long number = strtoull(size, &unit, 10);
	for (size_t i = 0; unit != size && i < sizeof units / sizeof *units; i++) {
		if (strcasecmp(unit, units[i].unit) != 0)
			continue;
		number = units[i].mib ? number * units[i].mib : number / units[i].per_mib;
		if (number > 0)
			return number;
	}
	fail("<size>%s</size>: is no size", size);
}

static void partition_read(const struct node *node, struct disk *disk)
{
	struct partition *partition = &disk->partitions[disk->count];
	const char *id = value_at(node, "partition_id");

	if (disk->count == PARTITIONS_MAX || disk->count == 4)
		fail("more than four partitions");
	if (!true_at(node, "create", true))
		fail("partition %d is to be kept, but the disk is a new one", disk->count + 1);
	disk->count++;
	partition->device = text("%s%d", disk->device, disk->count);
	partition->filesystem = value_at(node, "filesystem");
	partition->mount = value_at(node, "mount");
	partition->label = value_at(node, "label");
	partition->mountby = value_at(node, "mountby");
	partition->uuid = text("%s", value_at(node, "uuid"));
	partition->size_mib = size_parse(value_at(node, "size"));
	partition->id = *id ? atoi(id) : strcmp(partition->filesystem, "swap") == 0 ? 130 : 131;
	say("partition %d: %s %s, label \"%s\", at %s, by %s", disk->count, value_at(node, "size"),
	    partition->filesystem, partition->label, partition->mount, partition->mountby);
}

static char *first_disk(const char *without)
{
	static const char *const names[] = { "/dev/sda", "/dev/sdb", "/dev/vda", "/dev/hda",
					     "/dev/xvda" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (access(names[i], F_OK) == 0 && !(without && strcmp(names[i], without) == 0))
			return text("%s", names[i]);
	fail("the machine has no disk");
}

static void disk_read(const struct node *profile, const char *without, struct disk *disk)
{
	const struct node *drive = node_at(profile, "partitioning/drive");
	const char *device = value_at(drive, "device"), *label = value_at(drive, "disklabel");

	if (!drive)
		fail("<partitioning> is missing or has no <drive>");
	disk->device = *device ? text("%s", device) : first_disk(without);
	if (access(disk->device, F_OK) < 0)
		fail("%s: the answer file installs there, this machine has no such disk",
		     disk->device);
	if (*label && strcmp(label, "msdos") != 0)
		fail("<disklabel>%s</disklabel>: GRUB Legacy starts from msdos", label);
	disk->root = disk->swap = disk->boot = -1;
	const struct node *list = node_at(drive, "partitions");
	for (const struct node *node = list ? list->first : NULL; node; node = node->next)
		partition_read(node, disk);
	for (int i = 0; i < disk->count; i++) {
		if (strcmp(disk->partitions[i].mount, "/") == 0)
			disk->root = i;
		if (strcmp(disk->partitions[i].mount, "/boot") == 0)
			disk->boot = i;
		if (strcmp(disk->partitions[i].filesystem, "swap") == 0)
			disk->swap = i;
	}
	if (disk->root < 0)
		fail("no partition is mounted at /");
	if (disk->boot < 0)
		disk->boot = disk->root;
}

static void table_write(const struct disk *disk)
{
	char *table = text("label: dos\n");

	for (int i = 0; i < disk->count; i++) {
		const struct partition *partition = &disk->partitions[i];
		char *size = partition->size_mib
				     ? text("%lluMiB", (unsigned long long)partition->size_mib)
				     : text("%s", "");

		/* YaST's ids are the types, with 256 added where it means more. */
		table = text("%s,%s,%x%s\n", table, size, partition->id & 0xff,
			     i == disk->boot ? ",*" : "");
	}
	run(table,
	    (const char *const[]){ "sfdisk", "--quiet", "--wipe", "always", disk->device, NULL });
}

static void filesystem_make(struct partition *partition, bool is_boot)
{
	const char *label = partition->label;

	wait_for(partition->device);
	if (!*partition->uuid)
		partition->uuid = text("%.36s", get_file("/proc/sys/kernel/random/uuid"));
	if (strcmp(partition->filesystem, "swap") == 0) {
		RUN("mkswap", "-L", label, "-U", partition->uuid, partition->device);
		return;
	}
	if (strcmp(partition->filesystem, "ext2") != 0 &&
	    strcmp(partition->filesystem, "ext3") != 0)
		fail("<filesystem>%s</filesystem>: %s", partition->filesystem,
		     is_boot ? "GRUB Legacy cannot read it" : "SLES 11 SP4 does not make it");
	/* GRUB Legacy reads inodes of 128 bytes only. */
	RUN("mke2fs", "-q", "-F", "-t", partition->filesystem, "-I", "128", "-i", "65536", "-L",
	    label, "-U", partition->uuid, partition->device);
}

void disk_make(const struct node *profile, const char *without, struct disk *disk)
{
	disk_read(profile, without, disk);
	say("partitioning %s", disk->device);
	table_write(disk);
	for (int i = 0; i < disk->count; i++) {
		struct partition *partition = &disk->partitions[i];

		filesystem_make(partition, i == disk->boot);
		if (strcmp(partition->mountby, "label") == 0 && *partition->label)
			partition->name = text("/dev/disk/by-label/%s", partition->label);
		else if (strcmp(partition->mountby, "uuid") == 0)
			partition->name = text("/dev/disk/by-uuid/%s", partition->uuid);
		else
			partition->name = text("%s", partition->device);
	}
}

static int by_mount(const void *a, const void *b)
{
	const struct partition *const *left = a, *const *right = b;

	return strcmp((*left)->mount, (*right)->mount);
}

/* Those with a mount point, the outer ones first. */
static int mounts(const struct disk *disk, const struct partition **list)
{
	int count = 0;

	for (int i = 0; i < disk->count; i++)
		if (disk->partitions[i].mount[0] == '/')
			list[count++] = &disk->partitions[i];
	qsort(list, (size_t)count, sizeof *list, by_mount);
	return count;
}

void disk_mount(const struct disk *disk)
{
	const struct partition *list[PARTITIONS_MAX];
	int count = mounts(disk, list);

	for (int i = 0; i < count; i++) {
		char *folder = text("%s%s", TARGET, list[i]->mount);

		RUN("mkdir", "-p", folder);
		if (mount(list[i]->device, folder, list[i]->filesystem, MS_NOATIME, "") < 0)
			fail("%s: cannot be mounted at %s: %s", list[i]->device, folder,
			     strerror(errno));
	}
}

void disk_unmount(const struct disk *disk)
{
	const struct partition *list[PARTITIONS_MAX];

	for (int i = mounts(disk, list) - 1; i >= 0; i--) {
		char *folder = text("%s%s", TARGET, list[i]->mount);

		if (umount(folder) < 0)
			fail("%s: cannot be unmounted: %s", folder, strerror(errno));
	}
	sync();
}
