#include "device.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

#define MAX_PARTITION 256

bool facts_have_partitions(const struct grubfix_facts *facts)
{
	for (size_t i = 0; i < facts->filesystem_count; i++)
		if (facts->filesystems[i].partition > 0)
			return true;
	return false;
}

static const struct grubfix_filesystem *by_partition(const struct grubfix_facts *facts,
						     unsigned partition)
{
	for (size_t i = 0; partition > 0 && i < facts->filesystem_count; i++)
		if (facts->filesystems[i].partition == partition)
			return facts->filesystems + i;
	return NULL;
}

/* UUIDs are compared without regard to case: vfat's and a copied menu's can be upper case. */
const struct grubfix_filesystem *facts_by_uuid(const struct grubfix_facts *facts, const char *uuid)
{
	for (size_t i = 0; i < facts->filesystem_count; i++)
		if (facts->filesystems[i].uuid && strcasecmp(facts->filesystems[i].uuid, uuid) == 0)
			return facts->filesystems + i;
	return NULL;
}

static const struct grubfix_filesystem *by_partuuid(const struct grubfix_facts *facts,
						    const char *uuid)
{
	for (size_t i = 0; i < facts->filesystem_count; i++)
		if (facts->filesystems[i].partuuid &&
		    strcasecmp(facts->filesystems[i].partuuid, uuid) == 0)
			return facts->filesystems + i;
	return NULL;
}

static const struct grubfix_filesystem *by_partlabel(const struct grubfix_facts *facts,
						     const char *label)
{
	const struct grubfix_filesystem *found = NULL;

	for (size_t i = 0; i < facts->filesystem_count; i++) {
		if (!str_equal(facts->filesystems[i].partlabel, label))
			continue;
		if (found)
			return NULL;
		found = facts->filesystems + i;
	}
	return found;
}

static const struct grubfix_filesystem *by_label(const struct grubfix_facts *facts,
						 const char *label)
{
	const struct grubfix_filesystem *found = NULL;

	for (size_t i = 0; i < facts->filesystem_count; i++) {
		if (!str_equal(facts->filesystems[i].label, label))
			continue;
		if (found)
			return NULL; /* the same label twice says nothing */
		found = facts->filesystems + i;
	}
	return found;
}

bool facts_label_is_there(const struct grubfix_facts *facts, const char *label)
{
	for (size_t i = 0; i < facts->filesystem_count; i++)
		if (str_equal(facts->filesystems[i].label, label))
			return true;
	return false;
}

const struct grubfix_filesystem *facts_root(const struct grubfix_facts *facts)
{
	const struct grubfix_filesystem *found = NULL;

	for (size_t i = 0; i < facts->filesystem_count; i++) {
		if (!facts->filesystems[i].is_root)
			continue;
		if (found)
			return NULL;
		found = facts->filesystems + i;
	}
	return found;
}

const struct grubfix_filesystem *facts_swap(const struct grubfix_facts *facts)
{
	const struct grubfix_filesystem *found = NULL;

	for (size_t i = 0; i < facts->filesystem_count; i++) {
		if (!facts->filesystems[i].is_swap)
			continue;
		if (found)
			return NULL;
		found = facts->filesystems + i;
	}
	return found;
}

bool facts_separate_boot(const struct grubfix_facts *facts)
{
	const struct grubfix_filesystem *boot = facts_boot(facts);

	return boot && boot->is_boot && !boot->is_root;
}

const struct grubfix_filesystem *facts_boot(const struct grubfix_facts *facts)
{
	for (size_t i = 0; i < facts->filesystem_count; i++)
		if (facts->filesystems[i].is_boot)
			return facts->filesystems + i;
	return facts_root(facts);
}

/* The number behind the name of a disk: "2" of "2", "p2"; 0: none. */
static unsigned partition_number(const char *text)
{
	unsigned number = 0;

	if (!isdigit((unsigned char)*text))
		return 0;
	for (; isdigit((unsigned char)*text); text++)
		if ((number = number * 10 + (unsigned)(*text - '0')) > MAX_PARTITION)
			return 0;
	return *text == '\0' ? number : 0;
}

/* Disks that are named by a letter, and disks that are named by numbers; the image is the first
 * of its kind. */
static const char *const letter_disks[] = { "hda", "sda", "vda", "xvda", "ubda", NULL };
static const char *const number_disks[] = { "nvme0n1", "mmcblk0",    "cciss/c0d0", "ida/c0d0",
					    "rd/c0d0", "cciss!c0d0", NULL };

/* A partition of a disk that was said to be the image's. */
static bool named_disk(const struct grubfix_facts *facts, const char *path, unsigned *ret_partition)
{
	for (const char *const *d = facts->disk_names; d && *d; d++) {
		size_t length = strlen(*d);

		if (strncmp(path, *d, length) != 0)
			continue;
		const char *rest = path + length;
		rest += str_starts(rest, "-part") ? 5 : *rest == 'p';
		if ((*ret_partition = partition_number(rest)) > 0)
			return true;
	}
	return false;
}

/* A partition of a disk whose name says that it is the first. */
static bool first_disk(const char *path, unsigned *ret_partition)
{
	const char *name = path + strlen("/dev/");

	if (!str_starts(path, "/dev/"))
		return false;
	for (const char *const *d = letter_disks; *d; d++)
		if (str_starts(name, *d) &&
		    (*ret_partition = partition_number(name + strlen(*d))) > 0)
			return true;
	for (const char *const *d = number_disks; *d; d++)
		if (str_starts(name, *d) && name[strlen(*d)] == 'p' &&
		    (*ret_partition = partition_number(name + strlen(*d) + 1)) > 0)
			return true;
	if (!str_starts(name, "disk/by-id/") && !str_starts(name, "disk/by-path/"))
		return false;
	const char *part = strstr(name, "-part");
	for (const char *next; part && (next = strstr(part + 1, "-part"));)
		part = next;
	return part && (*ret_partition = partition_number(part + 5)) > 0;
}

static void found(struct device *device, const struct grubfix_filesystem *filesystem,
		  const char *what, const char *value)
{
	device->stable = true;
	if (filesystem) {
		device->kind = DEVICE_FOUND;
		device->filesystem = filesystem;
	} else {
		device->kind = DEVICE_UNKNOWN;
		device->reason = str_format("no file system of the image has the %s %s", what,
					    *value ? value : "\"\"");
	}
}

/* LABEL="x", UUID="x" and LABEL=a\040b are legal in fstab; udev's links have \x20. */
static char *unquoted(const char *value)
{
	CLEANUP(free_cleanup) char *copy = str_copy(value);

	str_unescape(copy);
	return str_unquoted(copy);
}

static bool resolve_stable(const struct grubfix_facts *facts, const char *name,
			   struct device *device)
{
	static const struct {
		const char *prefix, *what;
		const struct grubfix_filesystem *(*find)(const struct grubfix_facts *,
							 const char *);
	} kinds[] = {
		{ "UUID=", "UUID", facts_by_uuid },
		{ "LABEL=", "label", by_label },
		{ "PARTUUID=", "PARTUUID", by_partuuid },
		{ "/dev/disk/by-uuid/", "UUID", facts_by_uuid },
		{ "/dev/disk/by-label/", "label", by_label },
		{ "/dev/disk/by-partuuid/", "PARTUUID", by_partuuid },
		{ "PARTLABEL=", "PARTLABEL", by_partlabel },
		{ "/dev/disk/by-partlabel/", "PARTLABEL", by_partlabel },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (!str_starts(name, kinds[i].prefix))
			continue;
		CLEANUP(free_cleanup) char *value = unquoted(name + strlen(kinds[i].prefix));
		found(device, kinds[i].find(facts, value), kinds[i].what, value);
		return true;
	}
	return false;
}

static bool resolve_listed(const struct grubfix_facts *facts, const char *name,
			   struct device *device)
{
	for (size_t i = 0; i < facts->device_count; i++) {
		if (strcmp(facts->devices[i].name, name) != 0)
			continue;
		found(device, facts_by_uuid(facts, facts->devices[i].uuid), "UUID",
		      facts->devices[i].uuid);
		device->listed = true;
		device->stable = device->kind == DEVICE_FOUND && str_starts(name, "UUID=") &&
				 str_equal(name + 5, device->filesystem->uuid);
		return true;
	}
	return false;
}

static bool is_no_disk(const char *name)
{
	static const char *const names[] = { "/dev/nfs",   "/dev/ram", "/dev/loop", "/dev/sr",
					     "/dev/cdrom", "/dev/dvd", "/dev/fd",   "/dev/scd",
					     "/dev/cdrw",  "/dev/shm", NULL };

	for (const char *const *n = names; *n; n++)
		if (str_starts(name, *n))
			return true;
	/* "proc", "tmpfs", "host:/path", "live:...", "nfs:..." */
	return *name != '/' && !strchr(name, '=') && !isxdigit((unsigned char)*name)
		       ? true
		       : strchr(name, ':') && *name != '/';
}

bool grubfix_is_uuid(const char *text)
{
	return *text && text[strspn(text, "0123456789abcdefABCDEF-")] == '\0';
}

bool grubfix_is_device(const char *name)
{
	return str_starts(name, "/dev/") || strchr(name, '=');
}

static const char mapper[] = "/dev/mapper/", by_mapper[] = "/dev/disk/by-id/dm-name-";

/* Length of the group in "/dev/GROUP/VOLUME" of LVM; 0: it is no such name. */
static size_t volume_group(const char *name)
{
	static const char *const folders[] = { "mapper/", "disk/", "cciss/", "ida/",
					       "rd/",	  "md/",   "block/", NULL };

	if (!str_starts(name, "/dev/"))
		return 0;
	const char *group = name + strlen("/dev/");
	const char *slash = strchr(group, '/');
	for (const char *const *f = folders; *f; f++)
		if (str_starts(group, *f))
			return 0;
	return slash && slash[1] && !strchr(slash + 1, '/') ? (size_t)(slash - group) : 0;
}

bool grubfix_is_volume(const char *name)
{
	return str_starts(name, mapper) || str_starts(name, by_mapper) ||
	       str_starts(name, "/dev/md") || volume_group(name) > 0;
}

static void mapper_part(struct buf *name, const char *part, size_t length)
{
	for (size_t i = 0; i < length; i++)
		buf_text(name, part[i] == '-' ? "--" : (char[]){ part[i], '\0' });
}

/* The one name of all those that a volume has; the caller frees.
 * Source: libdevmapper, dm_build_dm_name(): a dash of a name is doubled. */
static char *volume_name(const char *name)
{
	size_t length = volume_group(name);
	const char *group = name + strlen("/dev/");
	struct buf text = { 0 };

	if (str_starts(name, by_mapper))
		return str_format("%s%s", mapper, name + strlen(by_mapper));
	if (length == 0)
		return str_copy(name);
	buf_text(&text, mapper);
	mapper_part(&text, group, length);
	buf_text(&text, "-");
	mapper_part(&text, group + length + 1, strlen(group + length + 1));
	return text.data;
}

static bool resolve_volume(const struct grubfix_facts *facts, const char *name,
			   struct device *device)
{
	if (!grubfix_is_volume(name))
		return false;
	CLEANUP(free_cleanup) char *wanted = volume_name(name);
	for (size_t i = 0; i < facts->filesystem_count && !device->filesystem; i++) {
		const char *volume = facts->filesystems[i].volume;
		CLEANUP(free_cleanup) char *known = volume ? volume_name(volume) : NULL;

		if (str_equal(known, wanted))
			device->filesystem = facts->filesystems + i;
	}
	device->stable = true;
	if (device->filesystem)
		device->kind = DEVICE_FOUND;
	else
		device->reason = str_copy("it is a volume (LVM, LUKS or RAID), and what is on it "
					  "is not known");
	return true;
}

void device_resolve(const struct grubfix_facts *facts, const char *text, struct device *ret_device)
{
	CLEANUP(free_cleanup) char *name = str_unquoted(text); /* root="LABEL=two words" */
	unsigned partition = 0;

	*ret_device = (struct device){ .kind = DEVICE_UNKNOWN };
	if (strchr(name, '$')) {
		ret_device->kind = DEVICE_VARIABLE;
		return;
	}
	if (resolve_listed(facts, name, ret_device) || resolve_stable(facts, name, ret_device))
		return;
	bool own = named_disk(facts, name, &partition);
	if (!own && resolve_volume(facts, name, ret_device))
		return;
	if (is_no_disk(name)) {
		ret_device->kind = DEVICE_NO_DISK;
		return;
	}
	if (!own && !first_disk(name, &partition)) {
		ret_device->reason = str_copy("it is no partition of the image's disk");
		return;
	}
	ret_device->partition = partition;
	ret_device->filesystem = by_partition(facts, partition);
	if (ret_device->filesystem)
		ret_device->kind = DEVICE_FOUND;
	else if (facts_have_partitions(facts))
		ret_device->reason = str_format("the image has no partition %u", partition);
	else
		ret_device->kind = DEVICE_SOME;
}

void device_done(struct device *device)
{
	free(device->reason);
	device->reason = NULL;
}

/* A label that can stand in a kernel command line without quotes. */
static bool label_usable(const struct grubfix_facts *facts, const char *label)
{
	return label && *label && by_label(facts, label) &&
	       label[strspn(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_.:/+-")] == '\0';
}

char *device_name(const struct grubfix_facts *facts, const struct grubfix_filesystem *filesystem)
{
	bool label = label_usable(facts, filesystem->label);

	/* An initrd that is to find a volume by a UUID may not start LVM: grub-mkconfig and
	   the installers write the volume's name too. */
	if (filesystem->volume)
		return str_copy(filesystem->volume);
	if (label && (facts->style == GRUBFIX_LABEL || !filesystem->uuid))
		return str_format("LABEL=%s", filesystem->label);
	if (!filesystem->uuid)
		return filesystem->partuuid ? str_format("PARTUUID=%s", filesystem->partuuid)
					    : NULL;
	return str_format(facts->style == GRUBFIX_BY_UUID ? "/dev/disk/by-uuid/%s" : "UUID=%s",
			  filesystem->uuid);
}

char *device_describe(const struct grubfix_filesystem *filesystem)
{
	struct buf text = { 0 };

	if (filesystem->partition)
		buf_format(&text, "partition %u", filesystem->partition);
	else
		buf_format(&text, "the %s file system",
			   filesystem->is_root	 ? "root"
			   : filesystem->is_swap ? "swap"
			   : filesystem->is_boot ? "boot"
						 : "named");
	if (filesystem->type)
		buf_format(&text, " (%s)", filesystem->type);
	return text.data;
}
