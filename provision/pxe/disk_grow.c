/* By resize2fs, at an offset into the disk: no device of the partition needs to appear first. */
#include "pxe/disk_grow.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>

#include "base/fs.h"
#include "base/spawn.h"
#include "fix/e2fsck.h"
#include "fix/root_find.h"
#include "image/table.h"

#define RESIZE_SECONDS 3600

/* Its free space comes last on the disk. */
static bool is_last(const struct disk *disk, const struct disk_part *part)
{
	for (size_t i = 0; i < disk->count; i++)
		if (disk->parts[i].where.start_bytes > part->where.start_bytes)
			return false;
	return true;
}

static int resize(const char *name, uint64_t bytes, struct err *err)
{
	CLEANUP(free_cleanup) char *size = str_format("%" PRIu64 "K", bytes / 1024);
	/* -f: it was checked a moment ago. */
	const char *argv[] = { "resize2fs", "-f", name, size, NULL };
	const struct spawn_options options = {
		.argv = argv,
		.purpose = "growing the root file system",
		.timeout_seconds = RESIZE_SECONDS,
	};

	return spawn_run(&options, NULL, err);
}

/* resize2fs cuts a plain file behind the last block of the file system, offset or not. */
static int file_resize(const char *path, const struct extent *where, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = memfd_create("file system", MFD_CLOEXEC);
	CLEANUP(free_cleanup) char *name = str_format("/proc/%d/fd/%d", (int)getpid(), fd);
	CLEANUP(image_cleanup) struct image *image = NULL;
	int r = image_open(path, true, &image, err);

	if (r == 0)
		r = image_copy_out(image, where, fd, err);
	if (r == 0)
		r = resize(name, where->size_bytes, err);
	return r < 0 ? r : image_copy_in(image, where->start_bytes, fd, err);
}

static int filesystem_grow(const char *path, const struct extent *where, struct err *err)
{
	CLEANUP(free_cleanup)
	char *name = str_format("%s?offset=%" PRIu64, path, where->start_bytes);

	return file_check_regular(path) == 0 ? file_resize(path, where, err)
					     : resize(name, where->size_bytes, err);
}

/* *ret_where: of the partition; its size is 0 if the file system is not to grow. */
static int table_fit(const char *path, struct extent *ret_where, char **ret_said, struct err *err)
{
	CLEANUP(image_cleanup) struct image *image = NULL;
	CLEANUP(disk_done) struct disk disk = { 0 };
	struct disk_part *root = NULL;
	struct extent after = { 0 };
	int r = image_open(path, true, &image, err);

	if (r == 0)
		r = disk_read(image, &disk, err);
	if (r == 0)
		r = root_find(image, &disk, 0, &root, err);
	if (r != 0)
		return r;
	*ret_where = after;
	if (!disk.has_table || !is_last(&disk, root)) {
		*ret_said = str_format("the root file system stays as large as it is: another "
				       "partition lies behind it");
		return 0;
	}
	r = table_grow(image, root->number, &after, err);
	if (r == -ENOTSUP) {
		*ret_said = str_copy(err ? err->text : "");
		return 0;
	}
	if (r == 0 && after.size_bytes > root->where.size_bytes) {
		r = e2fsck_check(image, &root->where, err);
		*ret_where = after;
	}
	return r;
}

int disk_grow(const char *path, char **ret_said, struct err *err)
{
	CLEANUP(free_cleanup) char *said = NULL;
	struct extent where = { 0 };
	int r = table_fit(path, &where, &said, err);

	if (r == 0 && where.size_bytes)
		r = filesystem_grow(path, &where, err);
	if (r < 0)
		return r;
	if (!said) {
		CLEANUP(free_cleanup) char *size = size_format(where.size_bytes);

		said = where.size_bytes ? str_format("the root file system has %s now", size)
					: str_copy("the image fills the disk");
	}
	*ret_said = take(&said);
	return 0;
}
