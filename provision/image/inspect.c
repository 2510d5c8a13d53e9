/* Looking into images: table, partitions, file systems, boot loader, menu, operating system. */
#include "image/inspect.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define SECTOR_BYTES	  512
#define BOOT_CODE_BYTES	  440
#define TEXT_MAX_BYTES	  ((size_t)1 << 20)
#define TYPE_EXTENDED	  "05"
#define TYPE_EXTENDED_LBA "0f"
#define TYPE_ESP	  "ef"
#define GUID_ESP	  "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
#define GUID_BIOS_BOOT	  "21686148-6449-6e6f-744e-656564454649"

/* --- what a partition holds ----------------------------------------------------------------- */

struct type_name {
	const char *type, *name;
};

/* libblkid's names that say little to a person. */
static const struct type_name probe_names[] = {
	{ "LVM2_member", "LVM physical volume" },
	{ "crypto_LUKS", "LUKS (encrypted)" },
	{ "linux_raid_member", "Linux RAID member" },
};

/* Table types that say enough when there is no signature. */
static const struct type_name table_names[] = {
	{ GUID_BIOS_BOOT, "BIOS boot area" },	     { GUID_ESP, "EFI system partition" },
	{ TYPE_ESP, "EFI system partition" },	     { TYPE_EXTENDED, "extended partition" },
	{ TYPE_EXTENDED_LBA, "extended partition" },
};

static const char *name_in(const struct type_name *names, size_t count, const char *type)
{
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(names[i].type, type) == 0)
			return names[i].name;
	return NULL;
}

static const char *holds_name(const struct inspected_partition *partition)
{
	const char *name = name_in(probe_names, sizeof probe_names / sizeof *probe_names,
				   partition->probe.type);

	if (!name && partition->probe.type[0])
		name = partition->probe.type;
	if (!name)
		name = name_in(table_names, sizeof table_names / sizeof *table_names,
			       partition->type);
	return name ? name : "unknown";
}

static bool is_ext(const struct probe *probe)
{
	return str_equal(probe->type, "ext2") || str_equal(probe->type, "ext3") ||
	       str_equal(probe->type, "ext4");
}

/* --- texts in a file system ----------------------------------------------------------------- */

static const char *const menu_paths[] = {
	"/boot/grub/grub.cfg",	"/boot/grub2/grub.cfg", "/boot/grub/menu.lst",
	"/boot/grub/grub.conf", "/grub/grub.cfg",	"/grub2/grub.cfg",
	"/grub/menu.lst",
};

/* The title of a line that begins a menu entry, for either GRUB; NULL for another line. Only for
 * showing: grubfix/ has the parser. */
static char *title_of(const char *line)
{
	line += strspn(line, " \t");
	if (strncmp(line, "title", 5) == 0 && isspace((unsigned char)line[5])) {
		line += 5;
		line += strspn(line, " \t");
		return str_copy(line);
	}
	if (strncmp(line, "menuentry", 9) != 0 || !isspace((unsigned char)line[9]))
		return NULL;
	line += 9;
	line += strspn(line, " \t");
	const char *end = *line == '\'' || *line == '"' ? strchr(line + 1, *line) : NULL;
	if (end)
		return str_format("%.*s", (int)(end - line - 1), line + 1);
	return str_format("%.*s", (int)strcspn(line, " \t{"), line);
}

static void menu_read(struct fsys *fsys, struct inspected_partition *partition)
{
	CLEANUP(free_cleanup) char *text = NULL;
	char *rest, *line;
	size_t i = 0, count = sizeof menu_paths / sizeof *menu_paths;

	while (i < count && fsys_read(fsys, menu_paths[i], TEXT_MAX_BYTES, &text, NULL, NULL) < 0)
		i++;
	if (i == count)
		return;
	partition->menu_path = str_copy(menu_paths[i]);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		CLEANUP(free_cleanup) char *title = title_of(line);

		if (title)
			strv_add(&partition->menu, title);
	}
}

static char *os_name_of(char *text)
{
	char *rest;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!str_starts(line, "PRETTY_NAME="))
			continue;
		line += strlen("PRETTY_NAME=");
		if (*line != '"' && *line != '\'')
			return str_copy(line);
		char quote = *line++;
		return str_format("%.*s", (int)(strchrnul(line, quote) - line), line);
	}
	return NULL;
}

static void os_read(struct fsys *fsys, struct inspected_partition *partition)
{
	CLEANUP(free_cleanup) char *text = NULL;

	if (fsys_read(fsys, "/etc/os-release", TEXT_MAX_BYTES, &text, NULL, NULL) < 0 &&
	    fsys_read(fsys, "/usr/lib/os-release", TEXT_MAX_BYTES, &text, NULL, NULL) < 0)
		return;
	partition->os_name = os_name_of(text);
}

static void fsys_look(struct image *image, struct inspected_partition *partition)
{
	CLEANUP(fsys_cleanup) struct fsys *fsys = NULL;
	struct err err = { 0 };

	if (fsys_open(image, &partition->where, false, &fsys, &err) < 0) {
		partition->note = str_copy(err.text);
		err_clear(&err);
		return;
	}
	partition->opened = true;
	partition->free_bytes = fsys_free_bytes(fsys);
	partition->is_root = fsys_exists(fsys, "/etc");
	os_read(fsys, partition);
	menu_read(fsys, partition);
}

/* --- the boot sector ------------------------------------------------------------------------ */

static bool has_text(const uint8_t *sector, const char *text)
{
	return memmem(sector, BOOT_CODE_BYTES, text, strlen(text)) != NULL;
}

/* Both GRUBs have "GRUB " in their boot sector; they differ in the jump that it begins with.
 * Source: GRUB 2 grub-core/boot/i386/pc/boot.S, GRUB Legacy stage1/stage1.S. */
static const char *boot_sector_name(const uint8_t *sector)
{
	if (sector[510] != 0x55 || sector[511] != 0xaa)
		return NULL;
	if (has_text(sector, "GRUB ") && sector[0] == 0xeb && sector[1] == 0x48)
		return "GRUB Legacy";
	if (has_text(sector, "GRUB "))
		return "GRUB 2";
	if (sector[0] == 0 || memcmp(sector, "\xfa\xb8\x00\x10\x8e\xd0", 6) == 0)
		return NULL; /* nothing, or the stub that libparted puts there */
	return "unknown";
}

static int boot_loader_find(struct image *image, struct inspection *inspection, struct err *err)
{
	uint8_t sector[SECTOR_BYTES];
	int r = image_read(image, 0, sector, sizeof sector, err);

	if (r < 0)
		return r;
	inspection->boot_loader = boot_sector_name(sector);
	for (size_t i = 0; i < inspection->partition_count && !inspection->boot_loader; i++) {
		const char *type = inspection->partitions[i].type;

		if (strcasecmp(type, GUID_ESP) == 0 || strcasecmp(type, TYPE_ESP) == 0)
			inspection->boot_loader = "EFI";
	}
	if (!inspection->boot_loader)
		inspection->boot_loader = "none";
	return 0;
}

/* --- all of it ------------------------------------------------------------------------------ */

/* The partitions of the table; without one, the image as a whole. */
static int extents_read(struct image *image, struct inspection *inspection, struct err *err)
{
	CLEANUP(free_cleanup) struct table *table = mem_alloc(sizeof *table);
	int r = table_read(image, table, err);

	if (r < 0)
		return r;
	inspection->table = table->present ? table_kind_name(table->kind) : "none";
	inspection->partition_count = table->present ? table->count : 1;
	inspection->partitions =
		mem_alloc((inspection->partition_count + 1) * sizeof *inspection->partitions);
	if (!table->present)
		inspection->partitions[0].where.size_bytes = image_size_bytes(image);
	for (size_t i = 0; i < table->count; i++) {
		struct inspected_partition *partition = &inspection->partitions[i];

		partition->number = table->entries[i].number;
		partition->where = table->entries[i].where;
		partition->active = table->entries[i].active;
		memcpy(partition->type, table->entries[i].type, sizeof partition->type);
	}
	return 0;
}

static int partitions_read(struct image *image, struct inspection *inspection, struct err *err)
{
	int r = extents_read(image, inspection, err);

	for (size_t i = 0; i < inspection->partition_count && r == 0; i++) {
		struct inspected_partition *partition = &inspection->partitions[i];

		r = probe_extent(image, &partition->where, &partition->probe, err);
		partition->holds = holds_name(partition);
	}
	return r;
}

int image_inspect(struct image *image, struct inspection *ret_inspection, struct err *err)
{
	struct stat status;
	int r = partitions_read(image, ret_inspection, err);

	if (r == 0)
		r = boot_loader_find(image, ret_inspection, err);
	if (r < 0)
		return r;
	ret_inspection->size_bytes = image_size_bytes(image);
	if (fstat(image_fd(image), &status) == 0)
		ret_inspection->allocated_bytes = (uint64_t)status.st_blocks * 512;
	for (size_t i = 0; i < ret_inspection->partition_count; i++)
		if (is_ext(&ret_inspection->partitions[i].probe))
			fsys_look(image, &ret_inspection->partitions[i]);
	return 0;
}

void inspection_done(struct inspection *inspection)
{
	for (size_t i = 0; i < inspection->partition_count; i++) {
		struct inspected_partition *partition = &inspection->partitions[i];

		free(partition->os_name);
		free(partition->menu_path);
		free(partition->note);
		strv_done(&partition->menu);
	}
	free(inspection->partitions);
	*inspection = (struct inspection){ 0 };
}

static int open_numbered(struct image *image, const struct inspection *inspection, unsigned number,
			 bool writable, struct fsys **ret_fsys, struct err *err)
{
	for (size_t i = 0; i < inspection->partition_count; i++)
		if (inspection->partitions[i].number == number)
			return fsys_open(image, &inspection->partitions[i].where, writable,
					 ret_fsys, err);
	return err_set(err, -ENOENT, "%s: has no partition %u (nestctl image inspect lists them)",
		       image_path(image), number);
}

static int open_with_etc(struct image *image, const struct inspection *inspection, bool writable,
			 struct fsys **ret_fsys, struct err *err)
{
	struct err first = { 0 };

	for (size_t i = 0; i < inspection->partition_count; i++) {
		CLEANUP(fsys_cleanup) struct fsys *fsys = NULL;

		if (!is_ext(&inspection->partitions[i].probe))
			continue;
		if (fsys_open(image, &inspection->partitions[i].where, writable, &fsys,
			      first.text ? NULL : &first) < 0 ||
		    !fsys_exists(fsys, "/etc"))
			continue;
		err_clear(&first);
		*ret_fsys = take(&fsys);
		return 0;
	}
	if (first.text) { /* the one that could not be opened may well be it */
		int r = err_set(err, first.code, "%s", first.text);

		err_clear(&first);
		return r;
	}
	return err_set(err, -ENOENT,
		       "%s: no partition has an ext2, ext3 or ext4 file system with /etc: choose "
		       "one with --partition",
		       image_path(image));
}

static void inspection_cleanup(struct inspection *inspection)
{
	inspection_done(inspection);
}

int image_open_root(struct image *image, unsigned number, bool writable, struct fsys **ret_fsys,
		    struct err *err)
{
	CLEANUP(inspection_cleanup) struct inspection inspection = { 0 };
	int r = partitions_read(image, &inspection, err);

	if (r < 0)
		return r;
	if (number > 0)
		return open_numbered(image, &inspection, number, writable, ret_fsys, err);
	return open_with_etc(image, &inspection, writable, ret_fsys, err);
}
