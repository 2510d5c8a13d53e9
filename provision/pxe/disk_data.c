#include "pxe/disk_data.h"

#include <errno.h>
#include <string.h>

#include "fix/root_find.h"
#include "image/table.h"
#include "pxe/agent_conf.h"
#include "pxe/disk_mark.h"

#define HEAD_BYTES   (UINT64_C(1) << 20)
#define SECTOR_BYTES 512
/* s_mnt_count. Source: Linux Documentation/filesystems/ext4/super.rst. */
#define EXT_MOUNTS_AT (1024 + 52)

static int found(const char *path, const char *what, struct err *err)
{
	return err_set(err, -ENOTEMPTY,
		       "%s: has data on it (%s): say wipe: true in the lab file if it may be "
		       "overwritten, or name another disk",
		       path, what);
}

static int table_look(struct image *image, struct err *err)
{
	CLEANUP(free_cleanup) struct table *table = mem_alloc(sizeof *table);

	/* A damaged one is one. */
	if (table_read(image, table, NULL) < 0)
		return found(image_path(image), "a damaged partition table", err);
	return table->present ? found(image_path(image), "a partition table", err) : 0;
}

static int signature_look(struct image *image, struct err *err)
{
	const struct extent whole = { 0, image_size_bytes(image) };
	struct probe probe = { 0 };

	if (probe_extent(image, &whole, &probe, NULL) < 0)
		return found(image_path(image), "several signatures", err);
	return probe.type[0] ? found(image_path(image), probe.type, err) : 0;
}

/* libblkid does not know everything. */
static int head_look(struct image *image, struct err *err)
{
	uint64_t size = image_size_bytes(image);
	size_t length = (size_t)(size < HEAD_BYTES ? size : HEAD_BYTES);
	CLEANUP(free_cleanup) char *head = mem_alloc(length);
	int r = image_read(image, 0, head, length, err);

	if (r < 0 || mem_is_zero(head, length))
		return r;
	return found(image_path(image), "of a kind that is not known", err);
}

/* Its root file system was never mounted, and it has our agent. */
static bool never_booted(struct image *image)
{
	CLEANUP(disk_done) struct disk disk = { 0 };
	CLEANUP(fsys_cleanup) struct fsys *root = NULL;
	struct disk_part *part = NULL;
	uint16_t mounts;

	return disk_read(image, &disk, NULL) == 0 && disk.has_table &&
	       root_find(image, &disk, 0, &part, NULL) == 0 &&
	       image_read(image, part->where.start_bytes + EXT_MOUNTS_AT, &mounts, sizeof mounts,
			  NULL) == 0 &&
	       mounts == 0 && disk_part_open(image, part, false, &root, NULL) == 0 &&
	       fsys_exists(root, AGENT_CONF);
}

/* Power that failed, or a server that could not be told, right before the end. The mark alone is
 * not enough: who made a table or a file system of their own since then may have left it where it
 * is. known: something is there that has a name. */
static bool is_unfinished(struct image *image, const char *owner, bool known)
{
	uint64_t size = image_size_bytes(image);
	size_t length = (size_t)(size < HEAD_BYTES ? size : HEAD_BYTES);
	CLEANUP(free_cleanup) char *head = mem_alloc(length);

	if (length < SECTOR_BYTES || image_read(image, 0, head, length, NULL) < 0 ||
	    !disk_mark_is(head, length, owner))
		return false;
	return known ? never_booted(image) : mem_is_zero(head, SECTOR_BYTES);
}

int disk_data_check(const char *path, const char *owner, struct err *err)
{
	CLEANUP(image_cleanup) struct image *image = NULL;
	bool known;
	int r = image_open(path, false, &image, err);

	if (r < 0)
		return r;
	r = table_look(image, err);
	if (r == 0)
		r = signature_look(image, err);
	known = r == -ENOTEMPTY;
	if (r == 0)
		r = head_look(image, err);
	if (r == -ENOTEMPTY && is_unfinished(image, owner, known)) {
		if (err)
			err_clear(err);
		return 0;
	}
	return r;
}
