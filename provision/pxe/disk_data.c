#include "pxe/disk_data.h"

#include <errno.h>
#include <string.h>

#include "fix/root_find.h"
#include "pxe/agent_conf.h"
#include "image/table.h"

#define HEAD_BYTES    (UINT64_C(1) << 20)
#define EXT_MOUNTS_AT 1024 + 52 /* s_mnt_count; Linux Documentation/filesystems/ext4/super.rst */

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

/* Power that failed, or a server that could not be told, right before the end. */
static bool is_unfinished(struct image *image, const char *agent_token)
{
	CLEANUP(disk_done) struct disk disk = { 0 };
	CLEANUP(fsys_cleanup) struct fsys *root = NULL;
	CLEANUP(free_cleanup) char *conf = NULL;
	struct disk_part *part = NULL;
	uint16_t mounts;

	return *agent_token && disk_read(image, &disk, NULL) == 0 &&
	       root_find(image, &disk, 0, &part, NULL) == 0 &&
	       image_read(image, part->where.start_bytes + EXT_MOUNTS_AT, &mounts, sizeof mounts,
			  NULL) == 0 &&
	       mounts == 0 && disk_part_open(image, part, false, &root, NULL) == 0 &&
	       fsys_read(root, AGENT_CONF, CONF_MAX_BYTES, &conf, NULL, NULL) == 0 &&
	       strstr(conf, agent_token) != NULL;
}

int disk_data_check(const char *path, const char *agent_token, struct err *err)
{
	CLEANUP(image_cleanup) struct image *image = NULL;
	int r = image_open(path, false, &image, err);

	if (r < 0)
		return r;
	r = table_look(image, err);
	if (r == 0)
		r = signature_look(image, err);
	if (r == 0)
		r = head_look(image, err);
	if (r == -ENOTEMPTY && is_unfinished(image, agent_token)) {
		if (err)
			err_clear(err);
		return 0;
	}
	return r;
}
