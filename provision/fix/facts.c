/* From the parts of a disk, fstab and device.map to grubfix's facts. */
#include "fix/facts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What the emulated disk is called where the PV drivers cannot be reached. */
#define EMULATED_DISK "/dev/sda"

bool fix_wishes_rule(const struct fix_wishes *wishes, const char *rule)
{
	return (wishes->only.count == 0 || strv_has(&wishes->only, rule)) &&
	       !strv_has(&wishes->skip, rule);
}

/* --- a folder tells less than a disk ---------------------------------------------------------- */

static struct disk_part *part_with_uuid(struct disk *disk, const char *uuid)
{
	for (size_t i = 0; i < disk->count; i++)
		if (strcasecmp(disk->parts[i].probe.uuid, uuid) == 0)
			return &disk->parts[i];
	disk->parts = mem_grow(disk->parts, disk->count + 1, sizeof *disk->parts);
	struct disk_part *part = &disk->parts[disk->count++];
	*part = (struct disk_part){ 0 };
	snprintf(part->probe.uuid, sizeof part->probe.uuid, "%s", uuid);
	return part;
}

/* Quotes are legal there. */
static char *uuid_bare(const char *text)
{
	size_t length = strcspn(text + (*text == '"'), "\"");

	return str_format("%.*s", (int)length, text + (*text == '"'));
}

/* The UUID in the line of fstab for a mount point (or for a type, as swap has none). */
static char *fstab_uuid(const char *fstab, const char *mount, const char *type)
{
	CLEANUP(free_cleanup) char *copy = str_copy(fstab);
	char *lines, *words;

	for (char *line = strtok_r(copy, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
		char *name = strtok_r(line, " \t\r", &words);
		char *at = name ? strtok_r(NULL, " \t\r", &words) : NULL;
		char *is = at ? strtok_r(NULL, " \t\r", &words) : NULL;

		if (!is || !(mount ? str_equal(at, mount) : str_equal(is, type)))
			continue;
		if (str_starts(name, "UUID="))
			return uuid_bare(name + strlen("UUID="));
		if (str_starts(name, "/dev/disk/by-uuid/"))
			return str_copy(name + strlen("/dev/disk/by-uuid/"));
	}
	return NULL;
}

static bool disk_has_root(const struct disk *disk)
{
	for (size_t i = 0; i < disk->count; i++)
		if (disk->parts[i].is_root)
			return true;
	return false;
}

static void folder_root_from_fstab(struct disk *disk, const char *fstab)
{
	CLEANUP(free_cleanup) char *root = fstab_uuid(fstab, "/", NULL);
	CLEANUP(free_cleanup) char *boot = fstab_uuid(fstab, "/boot", NULL);
	CLEANUP(free_cleanup) char *swap = fstab_uuid(fstab, NULL, "swap");

	if (root)
		part_with_uuid(disk, root)->is_root = true;
	if (root && boot)
		part_with_uuid(disk, boot)->is_boot = true;
	if (root && swap)
		part_with_uuid(disk, swap)->is_swap = true;
}

static int folder_complete(struct target *target, const struct fix_files *files,
			   const struct fix_wishes *wishes, struct err *err)
{
	const struct fix_file *fstab = files_first(files, GRUBFIX_FSTAB);
	struct disk *disk = target_disk(target);

	if (wishes->root_uuid) {
		for (size_t i = 0; i < disk->count; i++)
			disk->parts[i].is_root = false;
		part_with_uuid(disk, wishes->root_uuid)->is_root = true;
	}
	if (wishes->swap_uuid)
		part_with_uuid(disk, wishes->swap_uuid)->is_swap = true;
	if (!disk_has_root(disk) && fstab)
		folder_root_from_fstab(disk, fstab->text);
	if (fstab)
		disk_read_fstab(disk, fstab->text);
	if (disk_has_root(disk) || !fix_wishes_rule(wishes, "root"))
		return 0;
	return err_set(err, -EINVAL,
		       "%s: the UUID of its root file system is not known (it is no mount of a "
		       "disk, and its fstab has no UUID for /): give it with --root-uuid UUID",
		       target_name(target));
}

/* --- the facts -------------------------------------------------------------------------------- */

static const char *text_or_null(const char *text)
{
	return *text ? text : NULL;
}

static void filesystems_make(const struct disk *disk, struct disk_facts *facts)
{
	facts->filesystems = mem_alloc((disk->count + 1) * sizeof *facts->filesystems);
	for (size_t i = 0; i < disk->count; i++) {
		const struct disk_part *part = &disk->parts[i];

		if (!part->probe.type[0] && !part->probe.uuid[0])
			continue; /* an extended partition, a BIOS boot area */
		facts->filesystems[facts->facts.filesystem_count++] = (struct grubfix_filesystem){
			.partition = part->number,
			.uuid = text_or_null(part->probe.uuid),
			.label = text_or_null(part->probe.label),
			.partuuid = text_or_null(part->partuuid),
			.type = text_or_null(part->probe.type),
			.mount_point = part->is_root ? "/" : part->mount_point,
			.is_root = part->is_root,
			.is_swap = part->is_swap,
			.is_boot = part->is_boot,
		};
	}
	facts->facts.filesystems = facts->filesystems;
}

/* The name that a device.map gives to the first disk; the caller frees, NULL: none. */
static char *mapped_disk(const char *map)
{
	CLEANUP(free_cleanup) char *copy = str_copy(map);
	char *lines, *words;

	for (char *line = strtok_r(copy, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
		char *drive = strtok_r(line, " \t\r", &words);
		char *device = drive ? strtok_r(NULL, " \t\r", &words) : NULL;

		if (device && str_equal(drive, "(hd0)"))
			return str_copy(device);
	}
	return NULL;
}

static void disk_names_make(const struct disk *disk, const struct fix_files *files,
			    const struct fix_wishes *wishes, struct disk_facts *facts)
{
	if (disk->own_name)
		strv_add(&facts->disk_names, disk->own_name);
	facts->facts.disk = wishes->disk;
	for (size_t i = 0; i < files->count; i++) {
		CLEANUP(free_cleanup) char *device = NULL;

		if (files->items[i].type != GRUBFIX_DEVICE_MAP)
			continue;
		device = mapped_disk(files->items[i].text);
		if (!device)
			continue;
		strv_add(&facts->disk_names, device);
		if (!wishes->disk && !str_equal(device, EMULATED_DISK) &&
		    !str_equal(device, "/dev/vda"))
			facts->facts.disk = EMULATED_DISK;
	}
	if (facts->disk_names.count > 0)
		facts->facts.disk_names = (const char *const *)facts->disk_names.items;
}

static int devices_make(const struct disk *disk, const struct fix_wishes *wishes,
			struct disk_facts *facts, struct err *err)
{
	facts->devices = mem_alloc((wishes->devices.count + 1) * sizeof *facts->devices);
	for (size_t i = 0; i < wishes->devices.count; i++) {
		const char *text = wishes->devices.items[i], *equals = strrchr(text, '=');
		bool known = false;

		for (size_t j = 0; equals && j < disk->count; j++)
			known |= strcasecmp(disk->parts[j].probe.uuid, equals + 1) == 0;
		if (!known)
			return err_set(err, -EINVAL,
				       "--device %s: write NAME=UUID, with the UUID of a file "
				       "system of this disk",
				       text);
		strv_format(&facts->names, "%.*s", (int)(equals - text), text);
		facts->devices[facts->facts.device_count].name =
			facts->names.items[facts->names.count - 1];
		facts->devices[facts->facts.device_count++].uuid = equals + 1;
	}
	facts->facts.devices = facts->devices;
	return 0;
}

static bool exists(void *context, const char *path)
{
	return target_exists(context, path);
}

int disk_facts_make(struct target *target, const struct fix_files *files,
		    const struct fix_wishes *wishes, struct disk_facts *ret_facts, struct err *err)
{
	struct grubfix_facts *facts = &ret_facts->facts;
	int r = target_is_image(target) ? 0 : folder_complete(target, files, wishes, err);

	if (r < 0)
		return r;
	filesystems_make(target_disk(target), ret_facts);
	disk_names_make(target_disk(target), files, wishes, ret_facts);
	facts->file_exists = exists;
	facts->context = target;
	facts->style = wishes->style;
	facts->console = wishes->console;
	facts->dom0_mem = wishes->dom0_mem;
	return devices_make(target_disk(target), wishes, ret_facts, err);
}

void disk_facts_done(struct disk_facts *facts)
{
	free(facts->filesystems);
	free(facts->devices);
	strv_done(&facts->names);
	strv_done(&facts->disk_names);
	*facts = (struct disk_facts){ 0 };
}
