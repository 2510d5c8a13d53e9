/* Signs of use that can be seen from outside: locks, loop devices, descriptors. */
#include "fix/busy.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
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

/* --- who has it open ------------------------------------------------------------------------- */

static bool opened_for_writing(const char *fd_path)
{
	/* "/proc/7/fd/3" and "/proc/7/fdinfo/3" */
	const char *number = path_name(fd_path);
	CLEANUP(free_cleanup)
	char *path = str_format("%.*sinfo/%s", (int)(number - fd_path - 1), fd_path, number);
	CLEANUP(free_cleanup) char *text = NULL;

	if (file_read(path, PATH_MAX_BYTES, &text, NULL, NULL) < 0)
		return false;
	const char *flags = strstr(text, "flags:");
	return flags && (strtoul(flags + strlen("flags:"), NULL, 8) & O_ACCMODE) != O_RDONLY;
}

static int opener_error(const char *fd_path, const char *path, struct err *err)
{
	int length = (int)(strstr(fd_path, "/fd/") - fd_path);
	CLEANUP(free_cleanup) char *name_path = str_format("%.*s/comm", length, fd_path);
	CLEANUP(free_cleanup) char *name = NULL;

	if (file_read(name_path, PATH_MAX_BYTES, &name, NULL, NULL) < 0)
		name = str_copy("?");
	name[strcspn(name, "\n")] = '\0';
	return err_set(err, -EBUSY,
		       "%s: is in use: process %.*s (%s) has it open for writing: stop that first",
		       path, length - (int)strlen("/proc/"), fd_path + strlen("/proc/"), name);
}

/* Device models of old Xen take no locks. Processes that we may not look into are not seen. */
static int openers_check(const struct stat *image, const char *path, struct err *err)
{
	CLEANUP(free_cleanup) char *own = str_format("/proc/%d/", (int)getpid());
	glob_t fds = { 0 };
	int r = 0;

	if (glob("/proc/[0-9]*/fd/*", GLOB_NOSORT, NULL, &fds) == 0)
		for (size_t i = 0; i < fds.gl_pathc && r == 0; i++) {
			const char *fd = fds.gl_pathv[i];
			struct stat status;

			if (stat(fd, &status) == 0 && status.st_dev == image->st_dev &&
			    status.st_ino == image->st_ino && !str_starts(fd, own) &&
			    opened_for_writing(fd))
				r = opener_error(fd, path, err);
		}
	globfree(&fds);
	return r;
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
	return r < 0 ? r : openers_check(&image, path, err);
}
