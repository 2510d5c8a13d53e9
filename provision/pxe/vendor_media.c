#include "pxe/vendor_media.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "media/unpack.h"

#define NAME_LENGTH_MAX 1024

/* --- unpacking -------------------------------------------------------------------------------- */

/* Which file it is and when it was written: to read it all for a hash takes minutes. */
static int medium_key(const char *path, char ret_key[HASH_HEX_LENGTH + 1], struct err *err)
{
	CLEANUP(free_cleanup) char *real = realpath(path, NULL);
	struct stat status;

	if (!real || stat(real, &status) < 0)
		return err_errno(err, errno, "%s", path);
	CLEANUP(free_cleanup)
	char *text = str_format("%s %llu %lld %lld.%09ld", real, (unsigned long long)status.st_ino,
				(long long)status.st_size, (long long)status.st_mtim.tv_sec,
				status.st_mtim.tv_nsec);
	struct hash *hash = hash_new();
	hash_field(hash, "medium", text);
	hash_finish_hex(hash, ret_key);
	return 0;
}

/* Its data first: the name says that all of it is there. */
static int unpacked_publish(const char *making, const char *to, const char *folder, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(making, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || syncfs(fd) < 0)
		return err_errno(err, errno, "%s: cannot be synced", making);
	if (rename(making, to) < 0)
		return err_errno(err, errno, "%s: cannot get its name %s", making, to);
	return dir_sync(folder, err);
}

static int unpack(const char *path, const char *folder, const char *to, struct err *err)
{
	CLEANUP(contents_cleanup) struct contents *contents = NULL;
	CLEANUP(free_cleanup) char *making = str_format("%s.making", to);
	int r = contents_open(path, &contents, err);

	if (r == 0) /* what a server that was killed left */
		r = tree_remove(making, err);
	if (r < 0)
		return r;
	log_info("unpacking %s", path);
	r = medium_unpack(contents, making, err);
	if (r == 0)
		r = unpacked_publish(making, to, folder, err);
	if (r < 0)
		tree_remove(making, NULL);
	return r;
}

/* The root of a medium's files; the caller frees. */
static int root_make(const char *path, const char *folder, char **ret_root, struct err *err)
{
	char key[HASH_HEX_LENGTH + 1];
	struct stat status;

	if (stat(path, &status) < 0)
		return err_errno(err, errno, "%s", path);
	if (S_ISDIR(status.st_mode)) {
		*ret_root = str_copy(path);
		return 0;
	}
	int r = medium_key(path, key, err);
	if (r == 0)
		r = dir_make(folder, 0755, err);
	if (r < 0)
		return r;
	CLEANUP(free_cleanup) char *to = path_join(folder, key);
	r = path_exists(to) ? 0 : unpack(path, folder, to, err);
	if (r == 0)
		*ret_root = take(&to);
	return r;
}

int vendor_medium_open(const char *wanted, const char *path, const char *folder,
		       struct vendor_medium **ret_medium, struct err *err)
{
	CLEANUP(vendor_medium_cleanup) struct vendor_medium *medium = mem_alloc(sizeof *medium);

	medium->root_fd = -1;
	medium->wanted = str_copy(wanted);
	medium->path = str_copy(path);
	int r = medium_open(path, &medium->medium, err);
	if (r == 0)
		r = root_make(path, folder, &medium->root, err);
	if (r < 0)
		return r;
	medium->any_case = medium->medium->family == OS_ESXI;
	medium->root_fd = open(medium->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (medium->root_fd < 0)
		return err_errno(err, errno, "%s: cannot be opened", medium->root);
	*ret_medium = take(&medium);
	return 0;
}

void vendor_medium_free(struct vendor_medium *medium)
{
	if (!medium)
		return;
	fd_cleanup(&medium->root_fd);
	medium_free(medium->medium);
	free(medium->wanted);
	free(medium->path);
	free(medium->root);
	free(medium);
}

void vendor_medium_cleanup(struct vendor_medium **medium)
{
	vendor_medium_free(*medium);
}

/* --- serving ---------------------------------------------------------------------------------- */

/* The kernel itself keeps what it opens below the root, whatever the name and its links say.
 * Source: openat2(2), Linux 5.6. */
static int open_below(int root, const char *name, int flags)
{
	const struct open_how how = { .flags =
					      (uint64_t)(flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK),
				      .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	long fd = syscall(SYS_openat2, root, name, &how, sizeof how);

	return fd < 0 ? -errno : (int)fd;
}

static void dir_cleanup(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Adds the part of a path as the folder spells it. */
static bool part_add(int root, struct buf *path, const char *part, size_t length)
{
	int fd = open_below(root, path->length ? buf_str(path) : ".", O_RDONLY | O_DIRECTORY);
	CLEANUP(dir_cleanup) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (fd >= 0 && !dir)
		close(fd);
	while (dir && (entry = readdir(dir))) {
		if (strlen(entry->d_name) != length ||
		    strncasecmp(entry->d_name, part, length) != 0)
			continue;
		buf_format(path, "%s%s", path->length ? "/" : "", entry->d_name);
		return true;
	}
	return false;
}

static int open_any_case(int root, const char *name)
{
	CLEANUP(buf_done) struct buf path = { 0 };

	for (const char *part = name; *part;) {
		size_t length = strcspn(part, "/");

		if (length == 0 || !part_add(root, &path, part, length))
			return -ENOENT;
		part += length + (part[length] == '/');
	}
	return open_below(root, buf_str(&path), O_RDONLY);
}

int vendor_medium_file(const struct vendor_medium *medium, const char *name, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -ENOENT;
	struct stat status;

	if (*name && strlen(name) <= NAME_LENGTH_MAX)
		fd = open_below(medium->root_fd, name, O_RDONLY);
	if (fd == -ENOENT && *name && medium->any_case && strlen(name) <= NAME_LENGTH_MAX)
		fd = open_any_case(medium->root_fd, name);
	if (fd == -ENOSYS || fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM || fd == -EIO)
		return err_errno(err, -fd, "%s: a file of it cannot be opened", medium->root);
	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return err_set(err, -ENOENT, "the medium %s has no such file", medium->path);
	return fd_take(&fd);
}
