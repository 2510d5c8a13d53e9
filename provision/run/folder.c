#include "run/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"

#define DISK	   "l1.raw"
#define KEPT_BASE  "l1.base" /* identity of the l1.raw below the kept overlay */
#define STACK_LINK "stack.yaml"
#define BUSY_TRIES 3

/* The disk that a run writes to: one that is kept, and one of a proof alone. */
static const struct overlay_names {
	const char *format, *kept, *proof;
} overlays[] = {
	{ "qcow2", "l1.qcow2", "proof.qcow2" }, { "raw", "l1.raw", "proof.raw" }, /* copies */
};

/* --- finding --------------------------------------------------------------------------------- */

static bool is_built(const char *folder)
{
	CLEANUP(free_cleanup) char *disk = path_join(folder, DISK);

	return path_exists(disk);
}

static bool is_folder(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* The stack file that a folder was built from, through the link that run_folder_open's caller
 * made. realpath: includes are relative to the file itself. */
static int stack_of_folder(const char *folder, struct stack **ret_stack, struct err *err)
{
	CLEANUP(free_cleanup) char *link = path_join(folder, STACK_LINK);
	CLEANUP(free_cleanup) char *path = realpath(link, NULL);

	if (!path)
		return err_errno(err, errno,
				 "%s: the stack file that it was built from (give it in the "
				 "place of the folder)",
				 link);
	return stack_load(path, ret_stack, err);
}

static int folder_of_file(const char *operand, const char *out, char **ret_folder,
			  struct stack **ret_stack, struct err *err)
{
	CLEANUP(stack_cleanup) struct stack *stack = NULL;
	int r = stack_load(operand, &stack, err);

	if (r < 0)
		return r;
	CLEANUP(free_cleanup) char *folder = path_join(out, stack->name);
	if (!is_built(folder))
		return err_set(err, -ENOENT, "%s: is not built in %s (nestctl build-stack %s)",
			       operand, folder, operand);
	*ret_folder = take(&folder);
	if (ret_stack)
		*ret_stack = take(&stack);
	return 0;
}

int folder_find(const char *operand, const char *out, char **ret_folder, struct stack **ret_stack,
		struct err *err)
{
	const char *base = out ? out : FOLDER_DEFAULT_OUT;
	bool folder_given = is_folder(operand);
	CLEANUP(free_cleanup)
	char *folder = folder_given ? str_copy(operand) : path_join(base, operand);

	if (!folder_given && path_exists(operand))
		return folder_of_file(operand, base, ret_folder, ret_stack, err);
	if (!is_built(folder))
		return err_set(err, -ENOENT,
			       "%s: no stack file, and no built stack in %s (no " DISK " in it)",
			       operand, folder);
	if (ret_stack) {
		int r = stack_of_folder(folder, ret_stack, err);
		if (r < 0)
			return r;
	}
	*ret_folder = take(&folder);
	return 0;
}

void folder_link_stack(const char *folder, const struct stack *stack)
{
	CLEANUP(free_cleanup) char *path = stack->path ? realpath(stack->path, NULL) : NULL;
	CLEANUP(free_cleanup) char *link = path_join(folder, STACK_LINK);
	CLEANUP(free_cleanup) char *temporary = str_format("%s.tmp-%d", link, (int)getpid());

	if (!path || str_equal(path, link))
		return;
	if (symlink(path, temporary) == 0 && rename(temporary, link) == 0)
		return;
	log_warn("%s: cannot be made: %s", link, strerror(errno));
	unlink(temporary);
}

/* --- the lock -------------------------------------------------------------------------------- */

/* Opens and locks run/. It may have been removed between open and lock: then -EAGAIN. */
static int lock_try(const char *run)
{
	CLEANUP(fd_cleanup) int fd = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat opened, named;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (fstat(fd, &opened) < 0 || stat(run, &named) < 0 || opened.st_ino != named.st_ino)
		return -EAGAIN;
	return fd_take(&fd);
}

static int lock_take(struct run_folder *folder, struct err *err)
{
	int fd = -EAGAIN;

	for (int tries = 0; tries < 10 && (fd == -EAGAIN || fd == -ENOENT); tries++) {
		int r = dir_make(folder->run, 0700, err);
		if (r < 0)
			return r;
		fd = lock_try(folder->run);
		if (fd == -EBUSY &&
		    tries < BUSY_TRIES) { /* someone who only looks lets go at once */
			poll(NULL, 0, 20);
			fd = -EAGAIN;
		}
	}
	if (fd == -EBUSY)
		return err_set(err, -EBUSY, "%s: the stack is running (nestctl down %s)",
			       folder->path, folder->path);
	if (fd < 0)
		return err_errno(err, -fd, "%s: cannot be locked", folder->run);
	folder->lock = fd;
	return 0;
}

int run_folder_check_idle(const char *path, struct err *err)
{
	CLEANUP(free_cleanup) char *run = path_join(path, "run");
	int fd = lock_try(run);

	if (fd == -EBUSY)
		return err_set(err, -EBUSY, "%s: the stack is running (nestctl down %s)", path,
			       path);
	if (fd >= 0)
		close(fd);
	return 0;
}

/* --- a run's time ---------------------------------------------------------------------------- */

static bool leftovers_remove(int run)
{
	bool found = unlinkat(run, "control.sock", 0) == 0;

	found |= unlinkat(run, "state.json", 0) == 0;
	for (size_t i = 0; i < sizeof overlays / sizeof *overlays; i++)
		found |= unlinkat(run, overlays[i].proof, 0) == 0;
	return found;
}

int run_folder_open(const char *path, struct run_folder *ret_folder, struct err *err)
{
	CLEANUP(run_folder_drop) struct run_folder folder = RUN_FOLDER_INIT;

	folder.path = realpath(path, NULL);
	if (!folder.path)
		return err_errno(err, errno, "%s: no built stack", path);
	folder.run = path_join(folder.path, "run");
	folder.logs = path_join(folder.path, "logs");
	int r = lock_take(&folder, err);
	if (r == 0)
		r = dir_make(folder.logs, 0755, err);
	if (r < 0)
		return r;
	temps_remove(folder.run);
	if (leftovers_remove(folder.lock))
		log_info("%s: removed what a run that died had left", folder.run);
	*ret_folder = folder;
	folder = (struct run_folder)RUN_FOLDER_INIT;
	return 0;
}

void run_folder_drop(struct run_folder *folder)
{
	free(folder->path);
	free(folder->run);
	free(folder->logs);
	fd_cleanup(&folder->lock);
	*folder = (struct run_folder)RUN_FOLDER_INIT;
}

void run_folder_close(struct run_folder *folder)
{
	if (folder->lock >= 0) {
		leftovers_remove(folder->lock);
		rmdir(folder->run); /* stays while it holds a kept overlay */
	}
	run_folder_drop(folder);
}

/* --- the overlay ----------------------------------------------------------------------------- */

/* What tells one l1.raw from another; the caller frees. */
static char *base_identity(const struct run_folder *folder)
{
	CLEANUP(free_cleanup) char *disk = path_join(folder->path, DISK);
	struct stat status;

	if (stat(disk, &status) < 0)
		return str_copy("");
	return str_format("%llu %lld %lld.%09ld\n", (unsigned long long)status.st_ino,
			  (long long)status.st_size, (long long)status.st_mtim.tv_sec,
			  status.st_mtim.tv_nsec);
}

static bool overlay_fits(const struct run_folder *folder, const char *name)
{
	CLEANUP(free_cleanup) char *identity = base_identity(folder);
	CLEANUP(free_cleanup) char *base = path_join(folder->run, KEPT_BASE);
	CLEANUP(free_cleanup) char *overlay = path_join(folder->run, name);
	CLEANUP(free_cleanup) char *found = NULL;

	if (!path_exists(overlay))
		return false;
	if (file_read(base, 256, &found, NULL, NULL) == 0 && str_equal(found, identity))
		return true;
	log_warn("%s: stands on another " DISK " than the one that is there now: made anew",
		 overlay);
	return false;
}

static int overlay_qcow2(const struct run_folder *folder, const char *name, struct err *err)
{
	static const char backing[] = "../" DISK;
	const char *argv[] = { "qemu-img", "create", "-q",    "-f", "qcow2", "-F",
			       "raw",	   "-b",     backing, name, NULL };
	struct spawn_options options = { .argv = argv,
					 .folder = folder->run,
					 .purpose = "making the disk overlay of the run" };

	return spawn_run(&options, NULL, err);
}

static int overlay_raw(const struct run_folder *folder, const char *name, struct err *err)
{
	CLEANUP(free_cleanup) char *from = path_join(folder->path, DISK);
	CLEANUP(free_cleanup) char *to = path_join(folder->run, name);

	log_status("  copying the disk: %s", name);
	int r = file_copy_new(from, to, 0600, err);
	log_status("%s", "");
	return r;
}

static const struct overlay_names *names_of(const char *format)
{
	for (size_t i = 0; i < sizeof overlays / sizeof *overlays; i++)
		if (str_equal(overlays[i].format, format))
			return &overlays[i];
	return &overlays[0];
}

int run_folder_overlay(const struct run_folder *folder, const char *format, bool keep, bool fresh,
		       const char **ret_name, struct err *err)
{
	const struct overlay_names *names = names_of(format);
	const char *name = keep ? names->kept : names->proof;
	CLEANUP(free_cleanup) char *base = path_join(folder->run, KEPT_BASE);

	*ret_name = name;
	if (keep && !fresh && overlay_fits(folder, name))
		return 0;
	unlinkat(folder->lock, name, 0);
	int r = names == &overlays[1] ? overlay_raw(folder, name, err)
				      : overlay_qcow2(folder, name, err);
	if (r < 0 || !keep)
		return r;
	CLEANUP(free_cleanup) char *identity = base_identity(folder);
	return file_write(base, identity, strlen(identity), 0600, err);
}
