/* A folder as a target. Every access goes from the folder's descriptor by openat2 with
 * RESOLVE_IN_ROOT and without symlinks: walk.h has resolved them, and one that is put in their
 * place meanwhile is refused by the kernel. */
#include "fix/target_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "base/fs.h"
#include "fix/mounted.h"

/* What a revert needs. */
struct undo {
	char *real;
	char *data; /* NULL: there was no such file */
	size_t length;
};

struct folder_target {
	int root; /* O_PATH */
	struct disk disk;
	struct undo *undos;
	size_t undo_count;
};

static int open_inside(const struct folder_target *target, const char *real, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	const char *inside = real + strspn(real, "/");
	long fd = syscall(SYS_openat2, target->root, *inside ? inside : ".", &how, sizeof how);

	return fd < 0 ? -errno : (int)fd;
}

static int open_above(const struct folder_target *target, const char *real)
{
	CLEANUP(free_cleanup) char *folder = path_folder(real);

	return open_inside(target, folder, O_RDONLY | O_DIRECTORY);
}

static enum node_kind kind_of(mode_t mode)
{
	return S_ISREG(mode)   ? NODE_FILE
	       : S_ISDIR(mode) ? NODE_FOLDER
	       : S_ISLNK(mode) ? NODE_LINK
			       : NODE_OTHER;
}

static int folder_look(void *context, const char *real, const char *name,
		       struct walk_node *ret_node, struct err *err)
{
	CLEANUP(fd_cleanup) int folder = open_inside(context, real, O_PATH | O_DIRECTORY);
	struct stat status;
	char target[4096];

	*ret_node = (struct walk_node){ NODE_NONE, NULL };
	if (folder < 0)
		return err_errno(err, -folder, "%s: cannot be opened", real);
	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT
			       ? 0
			       : err_errno(err, errno, "%s/%s: cannot be examined", real, name);
	ret_node->kind = kind_of(status.st_mode);
	if (ret_node->kind != NODE_LINK)
		return 0;
	ssize_t length = readlinkat(folder, name, target, sizeof target);
	if (length < 0)
		return err_errno(err, errno, "%s/%s: the symlink cannot be read", real, name);
	ret_node->target = str_format("%.*s", (int)length, target);
	return 0;
}

static int folder_read(void *context, const char *real, size_t max_bytes, char **ret_data,
		       size_t *ret_length, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open_inside(context, real, O_RDONLY | O_NONBLOCK);
	struct stat status;

	if (fd < 0)
		return err_errno(err, -fd, "%s: cannot be opened", real);
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return err_set(err, -EBADMSG, "%s: is no regular file", real);
	if ((uint64_t)status.st_size > max_bytes)
		return err_set(err, -EFBIG, "%s: is larger than %zu bytes", real, max_bytes);
	CLEANUP(free_cleanup) char *data = mem_alloc((size_t)status.st_size + 1);
	ssize_t got = fd_pread_all(fd, data, (size_t)status.st_size, 0);
	if (got < 0)
		return err_errno(err, (int)-got, "%s: cannot be read", real);
	*ret_length = (size_t)got;
	*ret_data = take(&data);
	return 0;
}

static void dir_cleanup(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int folder_list(void *context, const char *real, struct strv *ret_names, struct err *err)
{
	int fd = open_inside(context, real, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return err_errno(err, -fd, "%s: cannot be opened", real);
	CLEANUP(dir_cleanup) DIR *dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return err_errno(err, ENOMEM, "%s: cannot be listed", real);
	}
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		if (!str_equal(entry->d_name, ".") && !str_equal(entry->d_name, ".."))
			strv_add(ret_names, entry->d_name);
	return 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Owner, mode, extended attributes (SELinux labels among them); times go to a backup. What the file
 * system cannot keep (vfat has no owners) is left. */
static int attributes_copy(int from, int to, bool times)
{
	char names[4096], value[4096];
	struct stat status;

	if (fstat(from, &status) < 0)
		return -errno;
	int r = fd_keep_owner(to, status.st_uid, status.st_gid);
	if (r < 0)
		return r;
	if (fchmod(to, status.st_mode & (times ? TARGET_BACKUP_MODE : 07777)) < 0 && errno != EPERM)
		return -errno;
	ssize_t length = flistxattr(from, names, sizeof names);
	for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t size = fgetxattr(from, names + at, value, sizeof value);

		if (size >= 0 && fsetxattr(to, names + at, value, (size_t)size, 0) < 0 &&
		    errno != EPERM && errno != ENOTSUP)
			return -errno;
	}
	const struct timespec when[2] = { status.st_atim, status.st_mtim };
	return times && futimens(to, when) < 0 ? -errno : 0;
}

static int file_fill(int fd, int like, bool times, const void *data, size_t length)
{
	int r = fd_write_all(fd, data, length);

	if (r == 0 && like >= 0)
		r = attributes_copy(like, fd, times);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r;
}

/* Under a name of its own, then renamed. */
static int put_at(int folder, const char *name, int like, bool times, const void *data,
		  size_t length)
{
	CLEANUP(free_cleanup) char *temp = str_format("%s.tmp-%d", name, (int)getpid());
	CLEANUP(fd_cleanup)
	int fd = openat(folder, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	int r = like < 0 && fchmod(fd, 0644) < 0 ? -errno
						 : file_fill(fd, like, times, data, length);
	if (r == 0 && renameat(folder, temp, folder, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(folder, temp, 0);
	else if (fsync(folder) < 0)
		r = -errno;
	return r;
}

static void undo_keep(struct folder_target *target, const char *real)
{
	struct undo undo = { .real = str_copy(real) };

	if (folder_read(target, real, SIZE_MAX / 2, &undo.data, &undo.length, NULL) < 0)
		undo.data = NULL;
	target->undos = mem_grow(target->undos, target->undo_count + 1, sizeof *target->undos);
	target->undos[target->undo_count++] = undo;
}

static int put(struct folder_target *target, const char *real, const char *like, const void *data,
	       size_t length, struct err *err)
{
	CLEANUP(fd_cleanup) int folder = open_above(target, real);
	CLEANUP(fd_cleanup) int from = open_inside(target, like, O_RDONLY | O_NONBLOCK);

	if (folder < 0)
		return err_errno(err, -folder, "%s: its folder cannot be opened", real);
	int r = put_at(folder, path_name(real), from, !str_equal(real, like), data, length);
	return r < 0 ? err_errno(err, -r, "%s: cannot be written", real) : 0;
}

static int folder_put(void *context, const char *real, const char *like, const void *data,
		      size_t length, struct err *err)
{
	undo_keep(context, real);
	return put(context, real, like, data, length, err);
}

static int folder_nothing(void *context, struct err *err)
{
	(void)context;
	(void)err;
	return 0;
}

/* Is the file as it was? Then the write that failed never came to it. */
static bool is_untouched(struct folder_target *target, const struct undo *undo)
{
	CLEANUP(free_cleanup) char *data = NULL;
	size_t length = 0;
	int r = folder_read(target, undo->real, SIZE_MAX / 2, &data, &length, NULL);

	if (!undo->data)
		return r == -ENOENT;
	return data && length == undo->length && memcmp(data, undo->data, length) == 0;
}

static int undo_one(struct folder_target *target, const struct undo *undo, struct err *err)
{
	if (is_untouched(target, undo))
		return 0;
	if (undo->data)
		return put(target, undo->real, undo->real, undo->data, undo->length, err);
	CLEANUP(fd_cleanup) int folder = open_above(target, undo->real);
	if (folder >= 0 && unlinkat(folder, path_name(undo->real), 0) < 0 && errno != ENOENT)
		return err_errno(err, errno, "%s: cannot be removed", undo->real);
	return 0;
}

static int folder_revert(void *context, struct err *err)
{
	struct folder_target *target = context;
	int r = 0;

	while (target->undo_count > 0) {
		struct undo *undo = &target->undos[--target->undo_count];
		int one = undo_one(target, undo, err);

		r = r < 0 ? r : one;
		free(undo->real);
		free(undo->data);
	}
	return r;
}

static void folder_close(void *context)
{
	struct folder_target *target = context;

	for (size_t i = 0; i < target->undo_count; i++) {
		free(target->undos[i].real);
		free(target->undos[i].data);
	}
	free(target->undos);
	disk_done(&target->disk);
	close(target->root);
	free(target);
}

static const struct target_ops folder_ops = {
	.look = folder_look,
	.read = folder_read,
	.list = folder_list,
	.put = folder_put,
	.check = folder_nothing,
	.commit = folder_nothing,
	.revert = folder_revert,
	.close = folder_close,
};

int target_open_folder(const char *path, struct target **ret_target, struct err *err)
{
	int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return err_errno(err, errno, "%s: cannot be opened as a folder", path);
	struct folder_target *context = mem_alloc(sizeof *context);
	context->root = root;
	CLEANUP(target_cleanup)
	struct target *target = target_new(&folder_ops, context, path, false, &context->disk);
	int r = open_inside(context, "/", O_PATH | O_DIRECTORY);
	if (r == -ENOSYS)
		return err_set(err, -ENOSYS,
			       "%s: this kernel has no openat2, without which symlinks could lead "
			       "out of the folder: Linux 5.6 or later is needed",
			       path);
	if (r >= 0)
		close(r);
	mounted_read(path, &context->disk);
	*ret_target = take(&target);
	return 0;
}
