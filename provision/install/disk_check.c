#include "install/disk_check.h"

#include <errno.h>

#include "fix/root_find.h"
#include "image/table.h"

static void image_disk_done(struct disk **disk)
{
	disk_done(*disk);
}

static int linux_check(struct image *image, struct err *err)
{
	struct disk disk = { 0 };
	CLEANUP(image_disk_done) struct disk *owned = &disk;
	CLEANUP(fsys_cleanup) struct fsys *fsys = NULL;
	struct disk_part *root = NULL;
	int r = disk_read(image, owned, err);

	if (r == 0)
		r = root_find(image, owned, 0, &root, err);
	return r < 0 ? r : disk_part_open(image, root, false, &fsys, err);
}

/* Of a system that nestctl has no file system driver for. */
static int table_check(struct image *image, struct err *err)
{
	CLEANUP(free_cleanup) struct table *table = mem_alloc(sizeof *table);
	int r = table_read(image, table, err);

	if (r == 0 && table->count == 0)
		r = err_set(err, -EBADMSG, "%s: has no partitions", image_path(image));
	return r;
}

int disk_check(const char *path, const struct layer *layer, struct err *err)
{
	CLEANUP(image_cleanup) struct image *image = NULL;
	int r = image_open(path, false, &image, err);

	if (r < 0)
		return r;
	return layer->os_family == OS_ESXI ? table_check(image, err) : linux_check(image, err);
}
