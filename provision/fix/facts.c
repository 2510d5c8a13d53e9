/* From the parts of a disk, fstab and device.map to grubfix's facts. */
#include "fix/facts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What the emulated disk is called where the PV drivers cannot be reached. */
#define EMULATED_DISK "/dev/sda"

/* By --only and --skip. */
static bool fix_wishes_rule(const struct fix_wishes *wishes, const char *rule)
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
	struct disk_part *part = disk_add(disk);
	snprintf(part->probe.uuid, sizeof part->probe.uuid, "%s", uuid);
	return part;
}

/* Quotes are legal there. */
static char *unquoted(const char *text)
{
	size_t length = strcspn(text + (*text == '"'), "\"");

	return str_format("%.*s", (int)length, text + (*text == '"'));
}

/* NULL: the name has none. The caller frees. */
static char *uuid_in(const char *name)
{
	CLEANUP(free_cleanup) char *uuid = NULL;

	if (str_starts(name, "UUID="))
		uuid = unquoted(name + strlen("UUID="));
	else if (str_starts(name, "/dev/disk/by-uuid/"))
		uuid = str_copy(name + strlen("/dev/disk/by-uuid/"));
	return uuid && grubfix_is_uuid(uuid) ? take(&uuid) : NULL;
}

static struct disk_part *root_of(struct disk *disk)
{
	for (size_t i = 0; i < disk->count; i++)
		if (disk->parts[i].is_root)
			return &disk->parts[i];
	return NULL;
}

static bool has_swap(const struct disk *disk)
{
	for (size_t i = 0; i < disk->count; i++)
		if (disk->parts[i].is_swap)
			return true;
	return false;
}

/* Takes the label or the name of the partition from a line of fstab, where the part has none;
 * false: the line has neither. */
static bool label_learn(struct disk_part *part, const char *name)
{
	const struct {
		const char *prefix;
		char *field;
		size_t room;
	} forms[] = {
		{ "LABEL=", part->probe.label, sizeof part->probe.label },
		{ "/dev/disk/by-label/", part->probe.label, sizeof part->probe.label },
		{ "PARTUUID=", part->names.uuid, sizeof part->names.uuid },
		{ "/dev/disk/by-partuuid/", part->names.uuid, sizeof part->names.uuid },
		{ "PARTLABEL=", part->names.label, sizeof part->names.label },
		{ "/dev/disk/by-partlabel/", part->names.label, sizeof part->names.label },
	};

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (!str_starts(name, forms[i].prefix))
			continue;
		CLEANUP(free_cleanup) char *value = str_copy(name + strlen(forms[i].prefix));
		str_unescape(value);
		CLEANUP(free_cleanup) char *bare = unquoted(value);
		if (!*forms[i].field && strlen(bare) < forms[i].room)
			snprintf(forms[i].field, forms[i].room, "%s", bare);
		return true;
	}
	return false;
}

static struct disk_part *part_with_label(struct disk *disk, const char *name)
{
	struct disk_part *part = disk_by_name(disk, name), learnt = { 0 };

	if (part || !label_learn(&learnt, name))
		return part;
	part = disk_add(disk);
	*part = learnt;
	return part;
}

/* What the name of a line means, if the disk does not tell; NULL: it is no name that says so. */
static struct disk_part *part_named(struct disk *disk, const char *name)
{
	CLEANUP(free_cleanup) char *uuid = uuid_in(name);

	if (uuid)
		return part_with_uuid(disk, uuid);
	if (!grubfix_is_volume(name))
		return part_with_label(disk, name);
	for (size_t i = 0; i < disk->count; i++)
		if (str_equal(disk->parts[i].volume, name))
			return &disk->parts[i];
	struct disk_part *part = disk_add(disk);
	part->volume = str_copy(name);
	return part;
}

/* "defaults,subvol=@" -> "/@" */
static char *subvolume_in(const char *options)
{
	for (const char *option = options; option && *option;) {
		size_t length = strcspn(option, ",");
		const char *path = option + strlen("subvol=");

		if (str_starts(option, "subvol=")) {
			path += strspn(path, "/");
			return str_format("/%.*s", (int)(option + length - path), path);
		}
		option += length + (option[length] == ',');
	}
	return NULL;
}

static void root_learn(struct disk *disk, const char *name, const char *options)
{
	struct disk_part *root = root_of(disk);

	if (!disk->subvolume)
		disk->subvolume = subvolume_in(options);
	if (!root)
		root = part_named(disk, name);
	if (!root)
		return;
	root->is_root = true;
	/* What was probed has no names but those found, and a UUID that was given may be another
	 * file system than fstab's name. */
	if (!*root->probe.type && !*root->probe.uuid)
		label_learn(root, name);
	/* A UUID that was given is another file system than the volume, or it needs no such name.
	 */
	if (!root->volume && root->on_volume && grubfix_is_volume(name))
		root->volume = str_copy(name);
}

static void swap_learn(struct disk *disk, const char *name)
{
	struct disk_part *part = part_named(disk, name);

	if (part)
		part->is_swap = true;
}

/* A /boot of its own is one whatever the name of its disk is: the menu's paths begin there. */
static void mount_learn(struct disk *disk, const char *name, const char *mount)
{
	bool is_boot = str_equal(mount, "/boot");
	struct disk_part *part = disk_by_name(disk, name);

	if (part || (disk->has_table && !is_boot))
		return;
	part = part_named(disk, name);
	if (!part && is_boot && grubfix_is_device(name))
		part = disk_add(disk);
	if (!part || part->is_root || part->mount_point)
		return;
	part->is_boot = is_boot;
	part->mount_point = str_copy(mount);
}

/* Takes from fstab what the mount does not tell. */
static void folder_learn(struct disk *disk, const char *fstab)
{
	CLEANUP(free_cleanup) char *copy = str_copy(fstab);
	bool swap_known = has_swap(disk);
	char *lines, *words;

	for (char *line = strtok_r(copy, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
		char *name = strtok_r(line, " \t\r", &words);
		char *mount = name ? strtok_r(NULL, " \t\r", &words) : NULL;
		char *type = mount ? strtok_r(NULL, " \t\r", &words) : NULL;
		char *options = type ? strtok_r(NULL, " \t\r", &words) : NULL;

		if (!type || *name == '#')
			continue;
		if (str_equal(mount, "/"))
			root_learn(disk, name, options);
		else if (str_equal(type, "swap") && !swap_known)
			swap_learn(disk, name);
		else if (*mount == '/')
			mount_learn(disk, name, mount);
	}
}

static bool has_taken_menu(const struct fix_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		if (files->items[i].menu)
			return true;
	return false;
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
	if (fstab) {
		folder_learn(disk, fstab->text);
		disk_read_fstab(disk, fstab->text);
	}
	if (root_of(disk) || (!fix_wishes_rule(wishes, "root") && !has_taken_menu(files)))
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

		if (part->number && !part->probe.type[0] && !part->probe.uuid[0])
			continue; /* an extended partition, a BIOS boot area */
		facts->filesystems[facts->facts.filesystem_count++] = (struct grubfix_filesystem){
			.partition = part->number,
			.uuid = text_or_null(part->probe.uuid),
			.label = text_or_null(part->probe.label),
			.partuuid = text_or_null(part->names.uuid),
			.partlabel = text_or_null(part->names.label),
			.type = text_or_null(part->probe.type),
			.mount_point = part->is_root ? "/" : part->mount_point,
			.volume = part->volume,
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
	facts->subvolume = target_disk(target)->subvolume;
	facts->file_exists = exists;
	facts->context = target;
	facts->style = wishes->style;
	facts->no_grubenv = !files_first(files, GRUBFIX_GRUBENV);
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
