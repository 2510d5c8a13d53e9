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

struct lock_wish {
	const struct store *store;
	const char *kind, *key;
	int operation; /* LOCK_EX, LOCK_SH */
	bool or_sound; /* done too when the object is there and sound, without the lock */
};

/* One look: 1 if it is ours, 0 if another has it. */
static int lock_try(int fd, const char *path, int operation, struct err *err)
{
	if (flock(fd, operation | LOCK_NB) == 0)
		return 1;
	if (errno == EWOULDBLOCK || errno == EINTR)
		return 0;
	return err_errno(err, errno, "%s: cannot be locked", path);
}

/* Waits for whoever makes the same object, with a limit and a word about it. *ret_lock stays as it
 * was where the object is there and nothing more was wished. */
static int lock_take(const struct lock_wish *wish, int *ret_lock, struct err *err)
{
	CLEANUP(free_cleanup) char *path = lock_path(wish->store, wish->kind, wish->key);
	CLEANUP(fd_cleanup) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	double until = clock_seconds() + LOCK_WAIT_SECONDS;
	bool told = false;
	int r;

	if (fd < 0)
		return err_errno(err, errno,
				 "%s: the store cannot be written (--store DIR names another)",
				 path);
	while ((r = lock_try(fd, path, wish->operation, err)) == 0) {
		if (wish->or_sound && store_has(wish->store, wish->kind, wish->key, NULL))
			return 0;
		if (!told)
			log_info(
				"waiting for another build that makes or uses the same object (%s)",
				path);
		told = true;
		if (spawn_stop_signal())
			return err_set(err, -EINTR, "stopped while waiting for %s", path);
		if (clock_seconds() > until)
			return err_set(err, -ETIMEDOUT, "%s: another build held it for %d s", path,
				       LOCK_WAIT_SECONDS);
		poll(NULL, 0, 200);
	}
	if (r < 0)
		return r;
	*ret_lock = fd_take(&fd);
	return 0;
}

int store_begin(struct store *store, const char *kind, const char *key, struct store_object *object,
		bool *ret_exists, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = str_format("%s/%s", store->path, kind);
	const struct lock_wish wish = { store, kind, key, LOCK_EX, .or_sound = !object->again };
	int r = dir_make(folder, 0700, err);

	if (r < 0)
		return r;
	r = lock_take(&wish, &object->lock, err);
	if (r < 0)
		return r;
	object->final_path = store_object_path(store, kind, key);
	*ret_exists = object->lock < 0 || (!object->again && store_has(store, kind, key, NULL));
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

/* What is there under that name goes: it is not sound, was made again, or is not wanted. */
static int old_remove(const char *path, struct err *err)
{
	CLEANUP(free_cleanup) char *above = path_folder(path);
	CLEANUP(free_cleanup) char *gone = str_format("%s/.gone-%s", above, path_name(path));
	int r = tree_remove(gone, err);

	if (r < 0)
		return r;
	if (rename(path, gone) < 0)
		return errno == ENOENT ? 0
				       : err_errno(err, errno, "%s: cannot be moved away", path);
	return tree_remove(gone, err);
}

/* The folder gets the name; what has it, whole or not, gets the folder's. Where the file system
 * cannot exchange names there is a moment without it. */
static int name_take(const char *folder, const char *path, struct err *err)
{
	int r = 0;

	if (renameat2(AT_FDCWD, folder, AT_FDCWD, path, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno == EINVAL || errno == ENOSYS)
		r = old_remove(path, err);
	else if (errno != ENOENT)
		r = err_errno(err, errno, "%s: cannot get its name", path);
	if (r == 0 && rename(folder, path) < 0)
		r = err_errno(err, errno, "%s: cannot get its name", path);
	return r;
}

int store_publish(struct store_object *object, const char *name, const struct inputs *inputs,
		  struct err *err)
{
	CLEANUP(free_cleanup) char *above = path_folder(object->final_path);
	int r = manifest_write(object->folder, name, inputs, err);

	if (r == 0)
		r = files_sync(object->folder, err);
	if (r == 0)
		r = name_take(object->folder, object->final_path, err);
	return r < 0 ? r : dir_sync(above, err);
}

int store_hold(struct store *store, const char *kind, const char *key, int *ret_lock,
	       struct err *err)
{
	CLEANUP(free_cleanup) char *object = store_object_path(store, kind, key);
	CLEANUP(free_cleanup) char *manifest = path_join(object, MANIFEST_FILE);
	const struct lock_wish wish = { store, kind, key, LOCK_SH, .or_sound = false };

	*ret_lock = -1;
	int r = lock_take(&wish, ret_lock, err);
	if (r == -EROFS || r == -EACCES) {
		err_clear(err);
		return 0;
	}
	if (r == 0)
		utimensat(AT_FDCWD, manifest, NULL, 0);
	return r;
}

bool store_is_used(const struct store *store, const char *kind, const char *key)
{
	CLEANUP(free_cleanup) char *path = lock_path(store, kind, key);
	CLEANUP(fd_cleanup) int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
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

/* The lock on it is ours. */
static int object_remove(const struct store *store, const char *kind, const char *key,
			 struct err *err)
{
	CLEANUP(free_cleanup) char *path = store_object_path(store, kind, key);

	return old_remove(path, err);
}

int store_discard(struct store *store, const char *kind, const char *key, struct err *err)
{
	const struct lock_wish wish = { store, kind, key, LOCK_EX, .or_sound = false };
	CLEANUP(fd_cleanup) int lock = -1;
	int r = lock_take(&wish, &lock, err);

	/* Another build may have found the damage too, and mended it. */
	if (r < 0 || store_verify(store, kind, key, NULL) == 0)
		return r;
	return object_remove(store, kind, key, err);
}

int store_remove(struct store *store, const char *kind, const char *key, struct err *err)
{
	CLEANUP(free_cleanup) char *path = lock_path(store, kind, key);
	CLEANUP(fd_cleanup) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(err, errno, "%s: the store cannot be written", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, -EBUSY, "%s/%.12s: is in use by a build", kind, key);
	return object_remove(store, kind, key, err);
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
