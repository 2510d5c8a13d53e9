/* Signs of use that can be seen from outside: locks and loop devices. */
#include "fix/busy.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/fs.h"

#define PATH_MAX_BYTES 4096

/* A write lock over the whole file meets every lock of others: QEMU's shared ones on single bytes
 * (block/file-posix.c, RAW_LOCK_PERM_BASE) too. The question needs no right to write. */
static int lock_check(int fd, const char *path, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	return err_set(err, -EBUSY,
		       "%s: is in use by another program (a running machine or another nestctl): "
		       "stop that first",
		       path);
}

static int flock_check(int fd, const char *path, bool exclusive, struct err *err)
{
	if (flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return 0;
	return err_set(err, -EBUSY,
		       "%s: is in use by another program, which holds a lock (flock): stop that "
		       "first",
		       path);
}

/* The name of the loop device, inside backing: "/sys/block/loop0/loop/backing_file". */
static int loop_check(const char *backing, const struct stat *image, const char *path,
		      struct err *err)
{
	CLEANUP(free_cleanup) char *file = NULL;
	struct stat status;

	if (file_read(backing, PATH_MAX_BYTES, &file, NULL, NULL) < 0)
		return 0;
	file[strcspn(file, "\n")] = '\0';
	if (stat(file, &status) < 0 || status.st_dev != image->st_dev ||
	    status.st_ino != image->st_ino)
		return 0;
	const char *name = backing + strlen("/sys/block/");
	int length = (int)strcspn(name, "/");
	return err_set(err, -EBUSY,
		       "%s: the loop device /dev/%.*s lies over it: umount what is mounted from it "
		       "and run losetup -d /dev/%.*s, or repair the mount with nestctl fix --root "
		       "DIR",
		       path, length, name, length, name);
}

int busy_check(int fd, const char *path, bool exclusive, struct err *err)
{
	struct stat image;
	glob_t loops = { 0 };
	int r = lock_check(fd, path, err);

	if (r == 0)
		r = flock_check(fd, path, exclusive, err);
	if (r < 0 || fstat(fd, &image) < 0)
		return r;
	if (glob("/sys/block/loop*/loop/backing_file", GLOB_NOSORT, NULL, &loops) == 0)
		for (size_t i = 0; i < loops.gl_pathc && r == 0; i++)
			r = loop_check(loops.gl_pathv[i], &image, path, err);
	globfree(&loops);
	return r;
}
