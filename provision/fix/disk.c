/* Partitions, superblocks and fstab put together. Reads alone. */
#include "fix/disk.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "image/table.h"

/* In the superblock of ext3 and ext4. Source: Linux fs/ext4/ext4.h. */
#define INCOMPAT_AT	  (1024 + 0x60)
#define INCOMPAT_RECOVER  0x0004u
#define RO_COMPAT_AT	  (1024 + 0x64)
#define GUID_ESP	  "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
#define TYPE_ESP	  "ef"
#define RO_COMPAT_ORPHANS 0x10000u

static void part_from_entry(const struct table_entry *entry, struct disk_part *part)
{
	part->number = entry->number;
	part->where = entry->where;
	part->is_esp = strcasecmp(entry->type, GUID_ESP) == 0 || str_equal(entry->type, TYPE_ESP);
	part->names = entry->names;
}

int disk_read(struct image *image, struct disk *ret_disk, struct err *err)
{
	CLEANUP(free_cleanup) struct table *table = mem_alloc(sizeof *table);
	int r = table_read(image, table, err);

	if (r < 0)
		return r;
	ret_disk->has_table = table->present;
	ret_disk->count = table->present ? table->count : 1;
	ret_disk->parts = mem_alloc((ret_disk->count + 1) * sizeof *ret_disk->parts);
	if (!table->present)
		ret_disk->parts[0].where.size_bytes = image_size_bytes(image);
	for (size_t i = 0; i < table->count; i++)
		part_from_entry(&table->entries[i], &ret_disk->parts[i]);
	for (size_t i = 0; i < ret_disk->count && r == 0; i++) {
		struct disk_part *part = &ret_disk->parts[i];

		r = probe_extent(image, &part->where, &part->probe, err);
		part->is_swap = disk_part_is_swap(part);
	}
	return r;
}

void disk_done(struct disk *disk)
{
	for (size_t i = 0; i < disk->count; i++) {
		free(disk->parts[i].mount_point);
		free(disk->parts[i].volume);
	}
	free(disk->parts);
	free(disk->subvolume);
	free(disk->own_name);
	*disk = (struct disk){ 0 };
}

struct disk_part *disk_add(struct disk *disk)
{
	disk->parts = mem_grow(disk->parts, disk->count + 1, sizeof *disk->parts);
	disk->parts[disk->count] = (struct disk_part){ 0 };
	return &disk->parts[disk->count++];
}

bool disk_part_is_ext(const struct disk_part *part)
{
	return str_equal(part->probe.type, "ext2") || str_equal(part->probe.type, "ext3") ||
	       str_equal(part->probe.type, "ext4");
}

bool disk_part_is_swap(const struct disk_part *part)
{
	return str_equal(part->probe.type, "swap") || str_equal(part->probe.type, "swsuspend");
}

static int field_read(struct image *image, const struct disk_part *part, uint64_t at,
		      uint32_t *ret_value, struct err *err)
{
	int r = image_read(image, part->where.start_bytes + at, ret_value, sizeof *ret_value, err);

	*ret_value = le32toh(*ret_value);
	return r;
}

/* e2fsck cannot replay a journal behind an offset (it opens the file system anew, at its start):
 * hence the loop device. */
static int unsettled_error(struct image *image, const struct disk_part *part, struct err *err)
{
	const char *path = image_path(image);
	uint64_t offset = part->where.start_bytes;
	CLEANUP(free_cleanup)
	char *command = offset ? str_format("d=$(losetup -f --show -o %" PRIu64
					    " '%s') && e2fsck -fy $d; losetup -d $d",
					    offset, path)
			       : str_format("e2fsck -fy '%s'", path);

	return err_set(err, -EBADMSG,
		       "%s: the file system at byte %" PRIu64
		       " was not unmounted, its journal must be replayed first: boot the machine "
		       "once and shut it down, or run %s",
		       path, offset, command);
}

int disk_part_open(struct image *image, const struct disk_part *part, bool writable,
		   struct fsys **ret_fsys, struct err *err)
{
	uint32_t incompat = 0, ro_compat = 0;
	int r = field_read(image, part, INCOMPAT_AT, &incompat, err);

	if (r == 0)
		r = field_read(image, part, RO_COMPAT_AT, &ro_compat, err);
	if (r < 0)
		return r;
	if ((incompat & INCOMPAT_RECOVER) || (ro_compat & RO_COMPAT_ORPHANS))
		return unsettled_error(image, part, err);
	return fsys_open(image, &part->where, writable, ret_fsys, err);
}

struct disk_part *disk_by_number(const struct disk *disk, unsigned number)
{
	for (size_t i = 0; i < disk->count; i++)
		if (disk->parts[i].number == number)
			return &disk->parts[i];
	return NULL;
}

/* --- names ---------------------------------------------------------------------------------- */

enum name_kind { NAME_UUID, NAME_LABEL, NAME_PARTUUID, NAME_PARTLABEL, NAME_NUMBER };

/* What stands before the part that counts. Of the kernel's names, those of the first disk. */
static const struct name_form {
	const char *prefix;
	enum name_kind kind;
} name_forms[] = {
	{ "UUID=", NAME_UUID },
	{ "LABEL=", NAME_LABEL },
	{ "PARTUUID=", NAME_PARTUUID },
	{ "/dev/disk/by-uuid/", NAME_UUID },
	{ "/dev/disk/by-label/", NAME_LABEL },
	{ "/dev/disk/by-partuuid/", NAME_PARTUUID },
	{ "PARTLABEL=", NAME_PARTLABEL },
	{ "/dev/disk/by-partlabel/", NAME_PARTLABEL },
	{ "/dev/hda", NAME_NUMBER },
	{ "/dev/sda", NAME_NUMBER },
	{ "/dev/vda", NAME_NUMBER },
	{ "/dev/xvda", NAME_NUMBER },
	{ "/dev/nvme0n1p", NAME_NUMBER },
	{ "/dev/mmcblk0p", NAME_NUMBER },
};

static bool part_has(const struct disk_part *part, enum name_kind kind, const char *value)
{
	switch (kind) {
	case NAME_UUID:
		return strcasecmp(part->probe.uuid, value) == 0;
	case NAME_LABEL:
		return strcmp(part->probe.label, value) == 0;
	case NAME_PARTUUID:
		return strcasecmp(part->names.uuid, value) == 0;
	case NAME_PARTLABEL:
		return strcmp(part->names.label, value) == 0;
	case NAME_NUMBER:
		return part->number > 0 && part->number == strtoul(value, NULL, 10);
	}
	return false;
}

static struct disk_part *part_find(const struct disk *disk, enum name_kind kind, const char *value)
{
	struct disk_part *found = NULL;

	if (!*value || (kind == NAME_NUMBER && value[strspn(value, "0123456789")]))
		return NULL;
	for (size_t i = 0; i < disk->count; i++) {
		if (!part_has(&disk->parts[i], kind, value))
			continue;
		if (found)
			return NULL; /* the same name twice says nothing */
		found = &disk->parts[i];
	}
	return found;
}

struct disk_part *disk_by_name(const struct disk *disk, const char *name)
{
	for (size_t i = 0; i < sizeof name_forms / sizeof *name_forms; i++) {
		if (!str_starts(name, name_forms[i].prefix))
			continue;
		CLEANUP(free_cleanup)
		char *value = str_copy(name + strlen(name_forms[i].prefix));
		str_unescape(value);
		CLEANUP(free_cleanup) char *bare = str_unquoted(value);
		return part_find(disk, name_forms[i].kind, bare);
	}
	const char *part = strstr(name, "-part");
	if (str_starts(name, "/dev/disk/by-") && part)
		return part_find(disk, NAME_NUMBER, part + strlen("-part"));
	if (!disk->own_name || !str_starts(name, disk->own_name))
		return NULL;
	const char *number = name + strlen(disk->own_name);
	return part_find(disk, NAME_NUMBER, number + (*number == 'p'));
}

/* --- fstab ---------------------------------------------------------------------------------- */

static void fstab_line(struct disk *disk, const char *name, const char *mount)
{
	struct disk_part *part = disk_by_name(disk, name);

	if (!part || part->is_root || part->is_swap || part->mount_point || mount[0] != '/' ||
	    str_equal(mount, "/"))
		return;
	part->mount_point = str_copy(mount);
	part->is_boot = str_equal(mount, "/boot");
}

/* "/dev/sdc" of a line "/dev/sdc2 /", if the root is partition 2: this fstab lies on the root that
 * it speaks of. The caller frees; NULL: it says nothing new. */
static char *own_name_in(const struct disk *disk, const char *name, const char *mount)
{
	size_t length = strlen(name);

	while (length > 0 && isdigit((unsigned char)name[length - 1]))
		length--;
	const char *digits = name + length;
	if (!str_equal(mount, "/") || !str_starts(name, "/dev/") || disk_by_name(disk, name) ||
	    str_starts(name, "/dev/disk/") || str_starts(name, "/dev/md") || !*digits)
		return NULL;
	const struct disk_part *part = part_find(disk, NAME_NUMBER, digits);
	if (!part || !part->is_root)
		return NULL;
	if (length >= 2 && name[length - 1] == 'p' && isdigit((unsigned char)name[length - 2]))
		length--;
	return str_format("%.*s", (int)length, name);
}

static void esp_place(struct disk *disk)
{
	struct disk_part *found = NULL;

	for (size_t i = 0; i < disk->count; i++) {
		if (str_equal(disk->parts[i].mount_point, "/boot/efi"))
			return;
		if (disk->parts[i].is_esp && str_equal(disk->parts[i].probe.type, "vfat") &&
		    !disk->parts[i].mount_point && !found)
			found = &disk->parts[i];
	}
	if (found)
		found->mount_point = str_copy("/boot/efi");
}

static void fstab_each(struct disk *disk, const char *text,
		       void (*each)(struct disk *disk, const char *name, const char *mount))
{
	CLEANUP(free_cleanup) char *copy = str_copy(text);
	char *lines, *words;

	for (char *line = strtok_r(copy, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
		char *name = strtok_r(line, " \t\r", &words);
		char *mount = name ? strtok_r(NULL, " \t\r", &words) : NULL;

		if (mount && name[0] != '#')
			each(disk, name, mount);
	}
}

static void fstab_root_line(struct disk *disk, const char *name, const char *mount)
{
	if (!disk->own_name)
		disk->own_name = own_name_in(disk, name, mount);
}

void disk_read_fstab(struct disk *disk, const char *text)
{
	fstab_each(disk, text, fstab_root_line);
	fstab_each(disk, text, fstab_line);
	esp_place(disk);
}
