#include "base/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Makes the folders above a path. */
static int folders_make(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int r = mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;

		*slash = '/';
		if (r < 0)
			return r;
	}
	return 0;
}

/* A symlink stays one: /lib is usr/lib on most systems. */
static int link_copy(const char *from, const char *to)
{
	char target[PATH_MAX];
	ssize_t length = readlink(from, target, sizeof target - 1);

	if (length < 0)
		return -errno;
	target[length] = '\0';
	return symlink(target, to) < 0 ? -errno : 0;
}

static int target_make(const char *path, bool folder)
{
	if (folder)
		return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int path_bind(const char *root, const struct jail_path *path)
{
	char inside[PATH_MAX];
	struct stat seen;

	if (lstat(path->path, &seen) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (strlen(root) + strlen(path->path) >= sizeof inside)
		return -ENAMETOOLONG;
	stpcpy(stpcpy(inside, root), path->path);
	int r = folders_make(inside);
	if (r < 0)
		return r;
	if (S_ISLNK(seen.st_mode))
		return link_copy(path->path, inside);
	r = target_make(inside, S_ISDIR(seen.st_mode));
	if (r < 0)
		return r;
	if (mount(path->path, inside, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, inside, NULL,
		  MS_BIND | MS_REMOUNT | MS_NOSUID | (path->writable ? 0 : MS_RDONLY), NULL) < 0)
		return -errno;
	return 0;
}

int jail_enter(const struct jail *jail)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("jail", jail->folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m") < 0)
		return -errno;
	for (size_t i = 0; i < jail->count; i++) {
		int r = path_bind(jail->folder, &jail->paths[i]);

		if (r < 0)
			return r;
	}
	/* pivot_root(2): with both the same, the old root lies on top of the new until it goes. */
	if (mount(NULL, jail->folder, NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) <
		    0 ||
	    chdir(jail->folder) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}
