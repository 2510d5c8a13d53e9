#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <poll.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "store/manifest.h"

#define LOCK_WAIT_SECONDS 1800

struct store {
	char *path;
};

int store_open(const char *path, struct store **ret_store, struct err *err)
{
	const char *set = getenv("NESTCTL_STORE");
	const char *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	struct store *store = mem_alloc(sizeof *store);

	if (path || (set && *set))
		store->path = str_copy(path ? path : set);
	else if (cache && *cache)
		store->path = path_join(cache, "nestctl");
	else if (home && *home)
		store->path = path_join(home, ".cache/nestctl");
	if (!store->path) {
		free(store);
		return err_set(err, -EINVAL,
			       "no place for the store: HOME is not set; "
			       "--store DIR names one");
	}
	*ret_store = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	free(store->path);
	free(store);
}

void store_cleanup(struct store **store)
{
	store_close(*store);
}

const char *store_path(const struct store *store)
{
	return store->path;
}

char *store_object_path(const struct store *store, const char *kind, const char *key)
{
	return str_format("%s/%s/%s", store->path, kind, key);
}

bool store_has(const struct store *store, const char *kind, const char *key, char **ret_why)
{
	CLEANUP(free_cleanup) char *path = store_object_path(store, kind, key);
	struct err err = { 0 };

	if (ret_why)
		*ret_why = NULL;
	if (!path_exists(path))
		return false;
	int r = manifest_check(path, false, &err);
	if (r < 0 && ret_why)
		*ret_why = str_copy(err.text);
	err_clear(&err);
	return r == 0;
}

int store_verify(const struct store *store, const char *kind, const char *key, struct err *err)
{
	CLEANUP(free_cleanup) char *path = store_object_path(store, kind, key);

	return manifest_check(path, true, err);
}

static char *lock_path(const struct store *store, const char *kind, const char *key)
{
	return str_format("%s/%s/.lock-%s", store->path, kind, key);
}

/* Waits for whoever makes the same object, with a limit and a word about it. */
static int lock_take(const char *path, int *ret_lock, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	double until = clock_seconds() + LOCK_WAIT_SECONDS;
	bool told = false;

	if (fd < 0)
		return err_errno(err, errno,
				 "%s: the store cannot be written (--store DIR names another)",
				 path);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(err, errno, "%s: cannot be locked", path);
		if (!told)
			log_info("waiting for another build that makes the same object (%s)", path);
		told = true;
		if (spawn_stop_signal())
			return err_set(err, -EINTR, "stopped while waiting for %s", path);
		if (clock_seconds() > until)
			return err_set(err, -ETIMEDOUT, "%s: another build held it for %d s", path,
				       LOCK_WAIT_SECONDS);
		poll(NULL, 0, 200);
	}
	*ret_lock = fd_take(&fd);
	return 0;
}

int store_begin(struct store *store, const char *kind, const char *key, struct store_object *object,
		bool *ret_exists, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = str_format("%s/%s", store->path, kind);
	CLEANUP(free_cleanup) char *lock = lock_path(store, kind, key);
	int r = dir_make(folder, 0700, err);

	if (r < 0)
		return r;
	r = lock_take(lock, &object->lock, err);
	if (r < 0)
		return r;
	object->final_path = store_object_path(store, kind, key);
	*ret_exists = store_has(store, kind, key, NULL);
	if (*ret_exists)
		return 0;

	/* The lock is ours: a folder of that name was left by a build that was killed. */
	object->folder = str_format("%s/.making-%s", folder, key);
	r = tree_remove(object->folder, err);
	if (r < 0)
		return r;
	return dir_make(object->folder, 0700, err);
}

static int files_sync(const char *folder, struct err *err)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return err_errno(err, errno, "%s: cannot be opened", folder);
	while (r == 0 && (entry = readdir(dir))) {
		if (entry->d_type != DT_REG)
			continue;
		CLEANUP(fd_cleanup)
		int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || fsync(fd) < 0)
			r = err_errno(err, errno, "%s/%s: cannot be synced", folder, entry->d_name);
	}
	closedir(dir);
	return r < 0 ? r : dir_sync(folder, err);
}

/* What is there under that name is not sound, or it would not be made again. */
static int old_remove(const struct store_object *object, struct err *err)
{
	CLEANUP(free_cleanup) char *above = path_folder(object->final_path);
	CLEANUP(free_cleanup)
	char *gone = str_format("%s/.gone-%s", above, path_name(object->final_path));
	int r = tree_remove(gone, err);

	if (r < 0)
		return r;
	if (rename(object->final_path, gone) < 0)
		return errno == ENOENT ? 0
				       : err_errno(err, errno, "%s: cannot be moved away",
						   object->final_path);
	return tree_remove(gone, err);
}

int store_publish(struct store_object *object, const char *name, const struct inputs *inputs,
		  struct err *err)
{
	CLEANUP(free_cleanup) char *above = path_folder(object->final_path);
	int r = manifest_write(object->folder, name, inputs, err);

	if (r == 0)
		r = files_sync(object->folder, err);
	if (r == 0)
		r = old_remove(object, err);
	if (r < 0)
		return r;
	if (rename(object->folder, object->final_path) < 0)
		return err_errno(err, errno, "%s: cannot get its name", object->final_path);
	free(take(&object->folder));
	return dir_sync(above, err);
}

int store_hold(struct store *store, const char *kind, const char *key, int *ret_lock,
	       struct err *err)
{
	CLEANUP(free_cleanup) char *path = lock_path(store, kind, key);
	CLEANUP(free_cleanup) char *object = store_object_path(store, kind, key);
	CLEANUP(free_cleanup) char *manifest = path_join(object, MANIFEST_FILE);
	CLEANUP(fd_cleanup) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	*ret_lock = -1;
	if (fd < 0 && (errno == EROFS || errno == EACCES))
		return 0;
	if (fd < 0)
		return err_errno(err, errno, "%s: cannot be opened", path);
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return err_errno(err, errno, "%s: cannot be locked", path);
	utimensat(AT_FDCWD, manifest, NULL, 0);
	*ret_lock = fd_take(&fd);
	return 0;
}

void store_clear(struct store *store, const char *kind, const char *key)
{
	static const char *const prefixes[] = { ".making-", ".gone-" };
	CLEANUP(free_cleanup) char *lock = lock_path(store, kind, key);
	CLEANUP(fd_cleanup) int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
		CLEANUP(free_cleanup)
		char *left = str_format("%s/%s/%s%s", store->path, kind, prefixes[i], key);

		tree_remove(left, NULL);
	}
}

int store_remove(struct store *store, const char *kind, const char *key, struct err *err)
{
	CLEANUP(free_cleanup) char *path = lock_path(store, kind, key);
	CLEANUP(fd_cleanup) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct store_object object = STORE_OBJECT_INIT;

	if (fd < 0)
		return err_errno(err, errno, "%s: the store cannot be written", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, -EBUSY, "%s/%.12s: is in use by a build", kind, key);
	object.final_path = store_object_path(store, kind, key);
	int r = old_remove(&object, err);
	free(object.final_path);
	return r;
}

void store_object_done(struct store_object *object)
{
	struct err ignored = { 0 };

	if (object->folder && tree_remove(object->folder, &ignored) < 0)
		log_warn("%s", ignored.text);
	err_clear(&ignored);
	if (object->lock >= 0)
		close(object->lock);
	free(object->folder);
	free(object->final_path);
	*object = (struct store_object)STORE_OBJECT_INIT;
}
