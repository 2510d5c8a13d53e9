#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/left_over.h"

#define ZERO_CHUNK_BYTES  ((size_t)1 << 20)
#define TEMP_MARK	  ".tmp-" /* and a process id */
#define LEFT_OVER_SECONDS 3600

char *path_join(const char *folder, const char *name)
{
	if (name[0] == '/' || str_equal(folder, "."))
		return str_copy(name);
	return str_format("%s%s%s", folder, str_ends(folder, "/") ? "" : "/", name);
}

char *path_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return str_copy(".");
	if (slash == path)
		return str_copy("/");
	return str_format("%.*s", (int)(slash - path), path);
}

const char *path_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int file_check_regular(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return -errno;
	return S_ISREG(status.st_mode) ? 0 : S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
}

int file_read(const char *path, size_t max_bytes, char **ret_text, size_t *ret_length,
	      struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf text = { 0 };
	char chunk[65536];
	ssize_t got;

	if (fd < 0)
		return err_errno(err, errno, "%s: cannot be opened", path);
	while ((got = read(fd, chunk, sizeof chunk)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int saved = errno;

			buf_done(&text);
			return err_errno(err, saved, "%s: cannot be read", path);
		}
		if (text.length + (size_t)got > max_bytes) {
			buf_done(&text);
			return err_set(err, -EFBIG, "%s: is larger than %zu bytes", path,
				       max_bytes);
		}
		buf_add(&text, chunk, (size_t)got);
	}
	buf_text(&text, "");
	if (ret_length)
		*ret_length = text.length;
	*ret_text = text.data;
	return 0;
}

int fd_fill_standard(struct err *err)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return err_errno(err, errno, "/dev/null: cannot be opened");
	return 0;
}

int fd_write_all(int fd, const void *data, size_t length)
{
	const char *next = data;

	while (length > 0) {
		ssize_t put = write(fd, next, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		next += put;
		length -= (size_t)put;
	}
	return 0;
}

int fd_keep_owner(int fd, uid_t owner, gid_t group)
{
	struct stat now;

	if (fstat(fd, &now) < 0)
		return -errno;
	if (now.st_uid == owner && now.st_gid == group)
		return 0;
	return fchown(fd, owner, group) < 0 ? -errno : 0;
}

int fd_pwrite_all(int fd, const void *data, size_t length, uint64_t offset)
{
	const char *next = data;

	while (length > 0) {
		ssize_t put = pwrite(fd, next, length, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		next += put;
		offset += (uint64_t)put;
		length -= (size_t)put;
	}
	return 0;
}

ssize_t fd_pread_all(int fd, void *data, size_t length, uint64_t offset)
{
	char *next = data;
	size_t left = length;

	while (left > 0) {
		ssize_t got = pread(fd, next, left, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		next += got;
		offset += (uint64_t)got;
		left -= (size_t)got;
	}
	return (ssize_t)(length - left);
}

int file_write(const char *path, const void *data, size_t length, mode_t mode, struct err *err)
{
	CLEANUP(temp_done) struct temp temp = TEMP_INIT;
	int r = temp_open(&temp, path, mode, err);

	if (r < 0)
		return r;
	r = fd_write_all(temp.fd, data, length);
	if (r < 0)
		return err_errno(err, -r, "%s: cannot be written", path);
	return temp_publish(&temp, err);
}

/* Something that has the name and is no regular file. */
static bool is_special(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

int file_write_out(const char *path, const void *data, size_t length, mode_t mode, struct err *err)
{
	CLEANUP(free_cleanup) char *target = realpath(path, NULL);

	if (!is_special(target ? target : path))
		return file_write(target ? target : path, data, length, mode, err);
	CLEANUP(fd_cleanup) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	int r = fd < 0 ? -errno : fd_write_all(fd, data, length);
	return r < 0 ? err_errno(err, -r, "%s: cannot be written", path) : 0;
}

int file_check_out(const char *path, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = path_folder(path);
	CLEANUP(free_cleanup) char *inside = path_join(folder, "."); /* ENOTDIR if it is none */
	struct stat status;
	bool is_folder = stat(path, &status) == 0 && S_ISDIR(status.st_mode);

	if (is_special(path) && !path_exists(path))
		return 0; /* a link to what is not there yet */
	if (is_folder || access(is_special(path) ? path : inside, W_OK) < 0)
		return err_errno(err, is_folder ? EISDIR : errno, "%s: cannot be written", path);
	return 0;
}

/* Reading costs less than writing, on a disk with no data on it least of all. */
static int zero_by_hand(int fd, uint64_t offset, uint64_t length)
{
	CLEANUP(free_cleanup) char *chunk = mem_alloc(ZERO_CHUNK_BYTES);

	while (length > 0) {
		size_t part = length < ZERO_CHUNK_BYTES ? (size_t)length : ZERO_CHUNK_BYTES;
		ssize_t got = fd_pread_all(fd, chunk, part, offset);

		if (got < 0)
			return (int)got;
		if ((size_t)got < part || !mem_is_zero(chunk, part)) {
			memset(chunk, 0, part);
			int r = fd_pwrite_all(fd, chunk, part, offset);

			if (r < 0)
				return r;
		}
		offset += part;
		length -= part;
	}
	return 0;
}

/* A hole punched into a disk reads as zeros, or the disk has no such command: Linux
 * block/fops.c, blkdev_fallocate(). */
int fd_zero(int fd, uint64_t offset, uint64_t length)
{
	if (length == 0)
		return 0;
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
		      (off_t)length) == 0)
		return 0;
	/* EINVAL: not in whole blocks of a disk. */
	if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)
		return -errno;
	return zero_by_hand(fd, offset, length);
}

bool path_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* A folder that may be written and not read cannot be opened, so not be synced either. */
static int above_sync(const char *path, struct err *err)
{
	CLEANUP(free_cleanup) char *above = path_folder(path);

	return access(above, R_OK) == 0 ? dir_sync(above, err) : 0;
}

int dir_make(const char *path, mode_t mode, struct err *err)
{
	if (mkdir(path, mode) == 0)
		return above_sync(path, err);
	if (errno == EEXIST) {
		struct stat status;

		if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
			return 0;
		return err_set(err, -ENOTDIR, "%s: exists and is not a folder", path);
	}
	if (errno != ENOENT)
		return err_errno(err, errno, "%s: the folder cannot be made", path);

	CLEANUP(free_cleanup) char *above = path_folder(path);
	int r = dir_make(above, mode, err);
	if (r < 0)
		return r;
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return err_errno(err, errno, "%s: the folder cannot be made", path);
	return above_sync(path, err);
}

int dir_sync(const char *path, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, errno, "%s: the folder cannot be synced", path);
	return 0;
}

static int entry_remove(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

int tree_remove(const char *path, struct err *err)
{
	if (nftw(path, entry_remove, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
		return err_errno(err, errno, "%s: cannot be removed", path);
	return 0;
}

uint64_t file_allocated_bytes(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? (uint64_t)status.st_blocks * 512 : 0;
}

int temp_open(struct temp *temp, const char *final_path, mode_t mode, struct err *err)
{
	struct stat status;

	if (stat(final_path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
		return err_set(err, -EINVAL, "%s: is no regular file, so it is not replaced",
			       final_path);
	temp->final_path = str_copy(final_path);
	temp->path = str_format("%s" TEMP_MARK "%d", final_path, (int)getpid());
	temp->fd = open(temp->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (temp->fd < 0)
		return err_errno(err, errno, "%s: cannot be made", temp->path);
	return 0;
}

int temp_publish(struct temp *temp, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = path_folder(temp->final_path);

	if (fsync(temp->fd) < 0)
		return err_errno(err, errno, "%s: cannot be synced", temp->path);
	if (rename(temp->path, temp->final_path) < 0)
		return err_errno(err, errno, "%s: cannot get its name %s", temp->path,
				 temp->final_path);
	free(take(&temp->path));
	return dir_sync(folder, err);
}

void temp_done(struct temp *temp)
{
	if (temp->path)
		unlink(temp->path);
	if (temp->fd >= 0)
		close(temp->fd);
	free(temp->path);
	free(temp->final_path);
	*temp = (struct temp)TEMP_INIT;
}

void temps_remove(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strstr(entry->d_name, TEMP_MARK))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

static void left_over_remove(const char *path)
{
	tree_remove(path, NULL);
}

int temp_dir(const char *base, char **ret_path, struct err *err)
{
	const char *tmpdir = getenv("TMPDIR");
	const char *above = base ? base : tmpdir && *tmpdir ? tmpdir : "/tmp";
	CLEANUP(free_cleanup) char *name = left_over_name();
	CLEANUP(free_cleanup) char *path = str_format("%s/%s-XXXXXX", above, name);

	left_overs_remove(above, LEFT_OVER_SECONDS, left_over_remove);
	if (!mkdtemp(path))
		return err_errno(err, errno, "%s: no temporary folder can be made there", above);
	*ret_path = take(&path);
	return 0;
}

/* Between file systems of two kinds (/tmp in memory) the kernel copies nothing by itself. */
static int run_copy_by_hand(int from, int to, off_t start, off_t end)
{
	char chunk[65536];

	while (start < end) {
		size_t left = (size_t)(end - start);
		ssize_t got = fd_pread_all(from, chunk, left < sizeof chunk ? left : sizeof chunk,
					   (uint64_t)start);
		int r = got <= 0 ? (got < 0 ? (int)got : -EIO)
				 : fd_pwrite_all(to, chunk, (size_t)got, (uint64_t)start);

		if (r < 0)
			return r;
		start += got;
	}
	return 0;
}

static int run_copy(int from, int to, off_t start, off_t end)
{
	off_t from_at = start, to_at = start;

	while (from_at < end) {
		ssize_t put =
			copy_file_range(from, &from_at, to, &to_at, (size_t)(end - from_at), 0);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && (errno == EXDEV || errno == EOPNOTSUPP || errno == ENOSYS))
			return run_copy_by_hand(from, to, from_at, end);
		if (put < 0)
			return -errno;
		if (put == 0)
			return -EIO;
	}
	return 0;
}

int file_copy_sparse(int from, int to, struct err *err)
{
	struct stat status;
	off_t data = 0;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	if (fstat(from, &status) < 0 || ftruncate(to, status.st_size) < 0)
		return err_errno(err, errno, "copying a file");
	while ((data = lseek(from, data, SEEK_DATA)) >= 0) {
		off_t hole = lseek(from, data, SEEK_HOLE);

		if (hole < 0)
			return err_errno(err, errno, "copying a file");
		int r = run_copy(from, to, data, hole);
		if (r < 0)
			return err_errno(err, -r, "copying a file");
		data = hole;
	}
	if (errno != ENXIO)
		return err_errno(err, errno, "copying a file");
	return 0;
}

int file_copy_new(const char *from, const char *to, mode_t mode, struct err *err)
{
	CLEANUP(fd_cleanup) int source = open(from, O_RDONLY | O_CLOEXEC);

	if (source < 0)
		return err_errno(err, errno, "%s: cannot be opened", from);
	CLEANUP(fd_cleanup) int target = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (target < 0)
		return err_errno(err, errno, "%s: cannot be made", to);
	int r = file_copy_sparse(source, target, err);
	if (r < 0) {
		unlink(to);
		return err_wrap(err, r, "%s to %s", from, to);
	}
	return 0;
}
