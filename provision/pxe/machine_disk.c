#include "pxe/machine_disk.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "pxe/machine_disk_id.h"

#define SECTOR_BYTES 512 /* the kernel's unit of sizes, whatever the disk's is */

/* ---- reading ---- */

/* Modules of the drivers from the disk up to the root of all devices. */
static void drivers_read(const char *folder, struct strv *drivers)
{
	CLEANUP(free_cleanup) char *device = path_join(folder, "device");
	CLEANUP(free_cleanup) char *at = realpath(device, NULL);

	while (at && strrchr(at, '/') > at) {
		CLEANUP(free_cleanup) char *link = path_join(at, "driver/module");
		CLEANUP(free_cleanup) char *module = realpath(link, NULL);

		if (module && !strv_has(drivers, path_name(module)))
			strv_add(drivers, path_name(module));
		*strrchr(at, '/') = '\0';
	}
}

static bool fact_is(const char *folder, const char *file, const char *value)
{
	CLEANUP(free_cleanup) char *fact = machine_disk_fact(folder, file);

	return str_equal(fact, value);
}

/* "5": a CD-ROM; "0": a disk, as are those that say nothing. */
static bool is_disk(const char *folder)
{
	CLEANUP(free_cleanup) char *type = machine_disk_fact(folder, "device/type");

	return !isdigit((unsigned char)*type) || str_equal(type, "0");
}

static char *unfit_reason(const struct machine_disk *disk, const char *folder)
{
	CLEANUP(free_cleanup) char *sector = machine_disk_fact(folder, "queue/logical_block_size");

	if (fact_is(folder, "removable", "1"))
		return str_copy("removable");
	if (fact_is(folder, "ro", "1"))
		return str_copy("read-only");
	if (disk->size_bytes == 0)
		return str_copy("no medium");
	if (*sector && !str_equal(sector, "512"))
		return str_format("sectors of %s bytes, images have 512", sector);
	return NULL;
}

static void disk_add(struct machine_disks *disks, const char *folder, const char *name)
{
	CLEANUP(free_cleanup) char *sectors = machine_disk_fact(folder, "size");
	uint64_t count = strtoull(sectors, NULL, 10);

	disks->items = mem_grow(disks->items, disks->count + 1, sizeof *disks->items);
	struct machine_disk *disk = &disks->items[disks->count++];
	*disk = (struct machine_disk){ .name = str_copy(name) };
	disk->size_bytes = count <= UINT64_MAX / SECTOR_BYTES ? count * SECTOR_BYTES : 0;
	machine_disk_identify(folder, name, &disk->model, &disk->serial, &disk->ids);
	strv_sort(&disk->ids);
	drivers_read(folder, &disk->drivers);
	disk->unfit = unfit_reason(disk, folder);
}

/* What has no device behind it (loop, ram, md, dm) is no disk; floppies and the boot areas of an
 * eMMC are none that a system could live on. */
static bool is_candidate(const char *folder, const char *name)
{
	CLEANUP(free_cleanup) char *device = path_join(folder, "device");

	return path_exists(device) && name[0] != '.' && !str_starts(name, "fd") &&
	       !str_starts(name, "sr") && !str_starts(name, "nbd") &&
	       !(str_starts(name, "mmcblk") && strstr(name, "boot")) &&
	       !fact_is(folder, "hidden", "1") && is_disk(folder);
}

int machine_disks_read(const char *sys, struct machine_disks *ret_disks, struct err *err)
{
	CLEANUP(free_cleanup) char *above = path_join(sys, "block");
	struct dirent **entries = NULL;
	int count = scandir(above, &entries, NULL, alphasort);

	*ret_disks = (struct machine_disks){ 0 };
	if (count < 0)
		return err_errno(err, errno, "%s: cannot be read", above);
	for (int i = 0; i < count; i++) {
		CLEANUP(free_cleanup) char *folder = path_join(above, entries[i]->d_name);

		if (is_candidate(folder, entries[i]->d_name))
			disk_add(ret_disks, folder, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

void machine_disks_done(struct machine_disks *disks)
{
	for (size_t i = 0; i < disks->count; i++) {
		struct machine_disk *disk = &disks->items[i];

		free(disk->name);
		free(disk->model);
		free(disk->serial);
		free(disk->unfit);
		strv_done(&disk->ids);
		strv_done(&disk->drivers);
	}
	free(disks->items);
	*disks = (struct machine_disks){ 0 };
}

/* ---- choosing ---- */

char *machine_disks_text(const struct machine_disks *disks)
{
	CLEANUP(buf_done) struct buf text = { 0 };

	for (size_t i = 0; i < disks->count; i++) {
		const struct machine_disk *disk = &disks->items[i];
		CLEANUP(free_cleanup) char *size = size_format(disk->size_bytes);

		buf_format(&text, "%s%s (%s", i ? ", " : "", disk->name, size);
		if (*disk->model)
			buf_format(&text, ", %s", disk->model);
		if (*disk->serial)
			buf_format(&text, ", serial %s", disk->serial);
		if (disk->ids.count)
			buf_format(&text, ", %s", disk->ids.items[0]);
		if (disk->unfit)
			buf_format(&text, ", %s", disk->unfit);
		buf_text(&text, ")");
	}
	return str_copy(text.length ? buf_str(&text) : "none");
}

static bool is_meant(const struct machine_disk *disk, const struct lab_disk *wanted)
{
	switch (wanted->pick) {
	case LAB_DISK_ONLY:
		return true;
	case LAB_DISK_SIZE:
		return disk->size_bytes >= wanted->min_bytes &&
		       (wanted->max_bytes == 0 || disk->size_bytes <= wanted->max_bytes);
	case LAB_DISK_SERIAL:
		return *disk->serial && str_equal(disk->serial, wanted->text);
	case LAB_DISK_BY_ID:
		return strv_has(&disk->ids, wanted->text);
	}
	return false;
}

static char *wanted_text(const struct lab_disk *wanted)
{
	CLEANUP(free_cleanup) char *min = size_format(wanted->min_bytes);
	CLEANUP(free_cleanup) char *max = size_format(wanted->max_bytes);

	switch (wanted->pick) {
	case LAB_DISK_ONLY:
		return str_copy("the only disk");
	case LAB_DISK_SIZE:
		return wanted->max_bytes && wanted->max_bytes < LAB_DISK_MAX
			       ? str_format("a disk of %s to %s", min, max)
			       : str_format("a disk of %s at least", min);
	case LAB_DISK_SERIAL:
		return str_format("the disk with serial number %s", wanted->text);
	case LAB_DISK_BY_ID:
		return str_format("the disk %s", wanted->text);
	}
	return NULL;
}

int machine_disk_choose(const struct machine_disks *disks, const struct lab_disk *wanted,
			uint64_t min_bytes, const struct machine_disk **ret_disk, struct err *err)
{
	const struct machine_disk *found = NULL;
	CLEANUP(free_cleanup) char *meant = wanted_text(wanted);
	CLEANUP(free_cleanup) char *list = machine_disks_text(disks);
	CLEANUP(free_cleanup) char *room = size_format(min_bytes);
	size_t count = 0;

	for (size_t i = 0; i < disks->count; i++) {
		const struct machine_disk *disk = &disks->items[i];

		if (disk->unfit || disk->size_bytes < min_bytes || !is_meant(disk, wanted))
			continue;
		found = disk;
		count++;
	}
	if (count > 1)
		return err_set(err, -ENOTUNIQ,
			       "%s: %zu disks are that, and hold the image of %s (disks: %s): "
			       "choose one in the lab file, by its serial number or by-id name",
			       meant, count, room, list);
	if (!found)
		return err_set(err, -ENODEV,
			       "%s: this machine has none that holds the image of %s and may be "
			       "written (disks: %s): name another in the lab file",
			       meant, room, list);
	*ret_disk = found;
	return 0;
}
