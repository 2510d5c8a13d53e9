/* Preloaded into a program and all it starts: counts the calls that change a file system and makes
 * the one that is named fail, or ends everything there; makes one file unreadable, one folder
 * read-only; keeps what was synced, so that a power cut can be played. Stands between the program
 * and the C library: what the C library does of itself (the writes behind fprintf) passes unseen,
 * so streams are met at fwrite, fflush and fclose. Terminals, pipes and memory files do not count.
 *
 * FAULT_STATE    a file for struct state, shared by all processes of a run; nothing works without
 * FAULT_AT       number of the call that fails, from 1
 * FAULT_HOW      the errno it fails with (ENOSPC, EIO), or CUT: all processes end before the call
 * FAULT_STAYS    set: every later call fails too, as on a full disk
 * FAULT_TRACE    a file that gets a line for every call that counts: "pwrite /path"
 * FAULT_SHADOW   a folder; what fsync makes durable is copied there, under the name that the file
 *                or folder got as an extended attribute when it was made (inode numbers come again)
 * FAULT_NO_SYNC  set: fsync does nothing but be counted and copied; no disk is waited for
 * FAULT_IDENTITY the file of that name as an attribute cannot be read: EIO from read, or, with
 *                FAULT_HOW=EACCES, EACCES from open
 * FAULT_READONLY beginning of paths on a file system that cannot be written */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Read by tests/store/lab.py. */
struct state {
	uint64_t calls; /* so far */
	uint64_t syncs, made;
	pid_t main;	/* nestctl's own: what ends it ends the run */
	char what[512]; /* the call that failed: "pwrite /path" */
};

#define REAL(name) ((__typeof__(&name))real(#name))

static struct state *state;
static __thread bool inside; /* our own calls are not looked at */

static void *real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAULT_STATE");
	int fd = path ? REAL(open)(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	void *mapped = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REAL(close)(fd);
	if (mapped == MAP_FAILED)
		return;
	state = mapped;
	/* libparted starts programs before our turn comes. */
	if (state->main == 0 && strcmp(program_invocation_short_name, "nestctl") == 0)
		state->main = getpid();
}

/* ---- the call that fails ---- */

static bool how_is(const char *how)
{
	const char *set = getenv("FAULT_HOW");

	return set && strcmp(set, how) == 0;
}

static bool is_readonly(const char *path)
{
	const char *beginning = getenv("FAULT_READONLY");

	return state && beginning && path && strncmp(path, beginning, strlen(beginning)) == 0;
}

static void trace(const char *call, const char *path)
{
	const char *file = getenv("FAULT_TRACE");

	if (!file)
		return;
	inside = true;
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT, 0600);
	dprintf(fd, "%s %s\n", call, path);
	close(fd);
	inside = false;
}

/* True: the call is to fail, errno says how. */
static bool strikes(const char *call, const char *path)
{
	const char *at = getenv("FAULT_AT");

	if (!state || inside)
		return false;
	if (is_readonly(path)) {
		errno = EROFS;
		return true;
	}
	trace(call, path);
	uint64_t number = __atomic_add_fetch(&state->calls, 1, __ATOMIC_SEQ_CST);
	uint64_t wanted = at ? strtoull(at, NULL, 10) : 0;
	if (wanted == 0 || (getenv("FAULT_STAYS") ? number < wanted : number != wanted))
		return false;
	if (number == wanted)
		snprintf(state->what, sizeof state->what, "%s %s", call, path);
	if (how_is("CUT")) {
		kill(state->main, SIGKILL);
		kill(getpid(), SIGKILL);
	}
	errno = how_is("EIO") ? EIO : ENOSPC;
	return true;
}

/* Path of a descriptor; false for what is no file or folder on a disk. */
static bool fd_path(int fd, char *path, size_t size)
{
	struct stat status;
	char link[64];

	if (!state || inside || fstat(fd, &status) < 0 ||
	    (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)))
		return false;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, size - 1);
	path[length > 0 ? length : 0] = '\0';
	return strncmp(path, "/memfd:", 7) != 0;
}

static bool fd_strikes(const char *call, int fd)
{
	char path[400];

	return fd_path(fd, path, sizeof path) && strikes(call, path);
}

/* ---- what was synced ---- */

#define IDENTITY "user.nestctl.identity"

/* "" for what was there before anybody looked. */
static void identity_read(const char *path, char *identity, size_t size)
{
	ssize_t length = getxattr(path, IDENTITY, identity, size - 1);

	identity[length > 0 ? length : 0] = '\0';
}

static void file_keep(int from, int to, const struct stat *status)
{
	off_t data = 0, put;

	if (ftruncate(to, status->st_size) < 0)
		abort();
	while ((data = lseek(from, data, SEEK_DATA)) >= 0) {
		off_t hole = lseek(from, data, SEEK_HOLE);

		for (put = data; put < hole;)
			if (copy_file_range(from, &data, to, &put, (size_t)(hole - put), 0) <= 0)
				abort();
		data = hole;
	}
	const struct timespec times[] = { status->st_atim, status->st_mtim };
	futimens(to, times);
}

/* The number tells which of two folders was synced later. */
static void folder_keep(const char *from, int to, uint64_t number)
{
	DIR *dir = opendir(from);
	struct dirent *entry;
	char path[900], identity[32];

	dprintf(to, "%ju\n", (uintmax_t)number);
	while ((entry = readdir(dir))) {
		snprintf(path, sizeof path, "%s/%s", from, entry->d_name);
		identity_read(path, identity, sizeof identity);
		if (*identity && entry->d_name[strspn(entry->d_name, ".")])
			dprintf(to, "%s %c %s\n", identity, entry->d_type == DT_DIR ? 'd' : 'f',
				entry->d_name);
	}
	closedir(dir);
}

/* The file or folder is on the disk now, as it is. */
static void keep(int fd)
{
	const char *shadow = getenv("FAULT_SHADOW");
	char name[400], path[400], identity[32];
	struct stat status;

	if (!shadow || !fd_path(fd, name, sizeof name) || fstat(fd, &status) < 0)
		return;
	inside = true;
	identity_read(name, identity, sizeof identity);
	snprintf(path, sizeof path, "%s/%s", shadow, identity);
	int from = open(name, O_RDONLY);
	int to = *identity ? open(path, O_RDWR | O_CREAT | O_TRUNC, 0600) : -1;
	if (to >= 0 && S_ISDIR(status.st_mode))
		folder_keep(name, to, __atomic_add_fetch(&state->syncs, 1, __ATOMIC_SEQ_CST));
	else if (to >= 0)
		file_keep(from, to, &status);
	close(from);
	close(to);
	inside = false;
}

/* A new file or folder, with nothing on the disk yet. */
static void made(const char *path)
{
	char identity[32];

	if (!state || inside || !getenv("FAULT_SHADOW"))
		return;
	snprintf(identity, sizeof identity, "made%ju",
		 (uintmax_t)__atomic_add_fetch(&state->made, 1, __ATOMIC_SEQ_CST));
	setxattr(path, IDENTITY, identity, strlen(identity), 0);
}

/* ---- opening and reading ---- */

static bool unreadable(const char *path)
{
	const char *wanted = getenv("FAULT_IDENTITY");
	char identity[32];

	if (!state || inside || !wanted)
		return false;
	identity_read(path, identity, sizeof identity);
	return strcmp(identity, wanted) == 0;
}

static bool fd_unreadable(int fd)
{
	char path[64];

	if (!getenv("FAULT_IDENTITY") || how_is("EACCES"))
		return false;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (!unreadable(path))
		return false;
	errno = EIO;
	return true;
}

static int open_as(const char *call, int (*opens)(int, const char *, int, ...), int folder,
		   const char *path, int flags, mode_t mode)
{
	struct stat status;
	bool there = fstatat(folder, path, &status, 0) == 0;
	bool writes = (flags & O_ACCMODE) != O_RDONLY;

	if (there && folder == AT_FDCWD && how_is("EACCES") && unreadable(path)) {
		errno = EACCES;
		return -1;
	}
	if (writes && is_readonly(path)) {
		errno = EROFS;
		return -1;
	}
	if (!there && flags & O_CREAT && strikes(call, path))
		return -1;
	int fd = opens(folder, path, flags, mode);
	if (fd >= 0 && !there && folder == AT_FDCWD)
		made(path);
	return fd;
}

#define OPEN_MODE                                                                                  \
	mode_t mode = 0;                                                                           \
	if (flags & (O_CREAT | __O_TMPFILE)) {                                                     \
		va_list list;                                                                      \
		va_start(list, flags);                                                             \
		mode = va_arg(list, mode_t);                                                       \
		va_end(list);                                                                      \
	}

int open(const char *path, int flags, ...)
{
	OPEN_MODE
	return open_as("open", REAL(openat), AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	OPEN_MODE
	return open_as("open", REAL(openat64), AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
	OPEN_MODE
	return open_as("open", REAL(openat), folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...)
{
	OPEN_MODE
	return open_as("open", REAL(openat64), folder, path, flags, mode);
}

ssize_t read(int fd, void *data, size_t length)
{
	return fd_unreadable(fd) ? -1 : REAL(read)(fd, data, length);
}

ssize_t pread(int fd, void *data, size_t length, off_t offset)
{
	return fd_unreadable(fd) ? -1 : REAL(pread)(fd, data, length, offset);
}

ssize_t pread64(int fd, void *data, size_t length, off64_t offset)
{
	return fd_unreadable(fd) ? -1 : REAL(pread64)(fd, data, length, offset);
}

/* ---- writing ---- */

#define ON_FD(type, name, parameters, arguments)                                                   \
	type name parameters                                                                       \
	{                                                                                          \
		return fd_strikes(#name, fd) ? -1 : REAL(name) arguments;                          \
	}

ON_FD(ssize_t, write, (int fd, const void *data, size_t length), (fd, data, length))
ON_FD(ssize_t, pwrite, (int fd, const void *data, size_t length, off_t at), (fd, data, length, at))
ON_FD(ssize_t, pwrite64, (int fd, const void *data, size_t length, off64_t at),
      (fd, data, length, at))
ON_FD(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count))
ON_FD(ssize_t, pwritev, (int fd, const struct iovec *parts, int count, off_t at),
      (fd, parts, count, at))
ON_FD(int, ftruncate, (int fd, off_t length), (fd, length))
ON_FD(int, ftruncate64, (int fd, off64_t length), (fd, length))
ON_FD(int, fallocate, (int fd, int mode, off_t at, off_t length), (fd, mode, at, length))
ON_FD(int, fallocate64, (int fd, int mode, off64_t at, off64_t length), (fd, mode, at, length))
ON_FD(int, futimens, (int fd, const struct timespec times[2]), (fd, times))

ssize_t copy_file_range(int from, off64_t *from_at, int fd, off64_t *at, size_t length,
			unsigned int flags)
{
	return fd_strikes("copy_file_range", fd)
		       ? -1
		       : REAL(copy_file_range)(from, from_at, fd, at, length, flags);
}

ssize_t sendfile(int fd, int from, off_t *at, size_t length);
ON_FD(ssize_t, sendfile, (int fd, int from, off_t *at, size_t length), (fd, from, at, length))

static int sync_as(const char *call, int (*syncs)(int), int fd)
{
	if (fd_strikes(call, fd))
		return -1;
	int r = getenv("FAULT_NO_SYNC") ? 0 : syncs(fd);
	if (r == 0)
		keep(fd);
	return r;
}

int fsync(int fd)
{
	return sync_as("fsync", REAL(fsync), fd);
}

int fdatasync(int fd)
{
	return sync_as("fdatasync", REAL(fdatasync), fd);
}

/* ---- streams ---- */

static bool stream_strikes(const char *call, FILE *stream)
{
	int fd = stream ? fileno(stream) : -1;

	return fd >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY && fd_strikes(call, fd);
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *stream)
{
	return stream_strikes("fwrite", stream) ? 0 : REAL(fwrite)(data, size, count, stream);
}

int fflush(FILE *stream)
{
	return stream_strikes("fflush", stream) ? EOF : REAL(fflush)(stream);
}

int fclose(FILE *stream)
{
	bool fails = stream_strikes("fclose", stream);
	int saved = errno, r = REAL(fclose)(stream);

	if (!fails)
		return r;
	errno = saved;
	return EOF;
}

/* ---- names ---- */

#define ON_PATH(name, path, parameters, arguments)                                                 \
	int name parameters                                                                        \
	{                                                                                          \
		return strikes(#name, path) ? -1 : REAL(name) arguments;                           \
	}

ON_PATH(rename, to, (const char *from, const char *to), (from, to))
ON_PATH(renameat2, to,
	(int from_folder, const char *from, int to_folder, const char *to, unsigned int flags),
	(from_folder, from, to_folder, to, flags))
ON_PATH(link, to, (const char *from, const char *to), (from, to))
ON_PATH(symlink, to, (const char *target, const char *to), (target, to))
ON_PATH(truncate, path, (const char *path, off_t length), (path, length))

int mkdir(const char *path, mode_t mode)
{
	struct stat status;

	/* One that is there is no change; the answer is the real one. */
	if (lstat(path, &status) < 0 && errno == ENOENT && strikes("mkdir", path))
		return -1;
	int r = REAL(mkdir)(path, mode);
	if (r == 0)
		made(path);
	return r;
}

char *mkdtemp(char *template)
{
	if (strikes("mkdtemp", template))
		return NULL;
	char *path = REAL(mkdtemp)(template);
	if (path)
		made(path);
	return path;
}

int mkstemp(char *template)
{
	int fd = strikes("mkstemp", template) ? -1 : REAL(mkstemp)(template);

	if (fd >= 0)
		made(template);
	return fd;
}

/* Removing needs no room: it fails on what is read-only alone. But a cut may come before it. */
static bool removal_strikes(const char *call, const char *path)
{
	if (is_readonly(path)) {
		errno = EROFS;
		return true;
	}
	return how_is("CUT") && strikes(call, path);
}

int unlink(const char *path)
{
	return removal_strikes("unlink", path) ? -1 : REAL(unlink)(path);
}

int rmdir(const char *path)
{
	return removal_strikes("rmdir", path) ? -1 : REAL(rmdir)(path);
}

int remove(const char *path)
{
	return removal_strikes("remove", path) ? -1 : REAL(remove)(path);
}

int unlinkat(int folder, const char *path, int flags)
{
	return removal_strikes("unlinkat", path) ? -1 : REAL(unlinkat)(folder, path, flags);
}
