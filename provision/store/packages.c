#include "store/packages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/json.h"

#define SUFFIX	       ".deb"
#define PART	       ".part-"
#define LIST_FILE      "packages.json"
#define LIST_MAX_BYTES (64u << 20)

static char *folder_path(const struct store *store)
{
	return path_join(store_path(store), PACKAGES_KIND);
}

char *store_package_path(const struct store *store, const char *sha256)
{
	return str_format("%s/" PACKAGES_KIND "/%s" SUFFIX, store_path(store), sha256);
}

char *store_package_part_path(const struct store *store, const char *sha256)
{
	return str_format("%s/" PACKAGES_KIND "/" PART "%s", store_path(store), sha256);
}

static int folder_lock(const char *folder, int operation, int *ret_lock, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, errno, "%s: cannot be opened", folder);
	if (flock(fd, operation) < 0)
		return errno == EWOULDBLOCK
			       ? err_set(err, -EBUSY, "%s: is in use by a build", folder)
			       : err_errno(err, errno, "%s: cannot be locked", folder);
	*ret_lock = fd_take(&fd);
	return 0;
}

int store_packages_hold(struct store *store, int *ret_lock, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = folder_path(store);
	int r = dir_make(folder, 0755, err);

	*ret_lock = -1;
	return r < 0 ? r : folder_lock(folder, LOCK_SH, ret_lock, err);
}

/* ---- what they are, and who needs them ---- */

struct known {
	char *sha256, *name; /* "bash 5.2.15-2+b7" */
	bool reachable;
};

struct known_list {
	struct known *items;
	size_t count;
};

static void known_done(struct known_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].sha256);
		free(list->items[i].name);
	}
	free(list->items);
}

static void known_add(struct known_list *list, json_t *package, bool reachable)
{
	const char *name, *version, *sha256;

	if (json_unpack(package, "{s:s, s:s, s:s}", "name", &name, "version", &version, "sha256",
			&sha256) < 0)
		return;
	list->items = mem_grow(list->items, list->count + 1, sizeof *list->items);
	list->items[list->count++] = (struct known){
		.sha256 = str_copy(sha256),
		.name = str_format("%s %s", name, version),
		.reachable = reachable,
	};
}

/* What a tree was made from. */
static void tree_packages(const struct store *store, const struct store_entry *tree,
			  struct known_list *list)
{
	CLEANUP(free_cleanup) char *folder = store_object_path(store, tree->kind, tree->key);
	CLEANUP(free_cleanup) char *path = path_join(folder, LIST_FILE);
	CLEANUP(free_cleanup) char *text = NULL;
	size_t i, j;
	json_t *of_tree, *package;

	if (file_read(path, LIST_MAX_BYTES, &text, NULL, NULL) < 0)
		return;
	CLEANUP(json_cleanup) json_t *json = json_loads(text, 0, NULL);
	json_array_foreach(json_object_get(json, "trees"), i, of_tree)
	{
		json_array_foreach(json_object_get(of_tree, "packages"), j, package)
		{
			known_add(list, package, tree->reachable && !tree->damage);
		}
	}
}

/* By hash; what is reachable stands before the same that is not. */
static int by_hash(const void *left, const void *right)
{
	const struct known *a = left, *b = right;
	int order = strcmp(a->sha256, b->sha256);

	return order ? order : (int)b->reachable - (int)a->reachable;
}

/* The first of that hash, or NULL. */
static const struct known *known_find(const struct known_list *list, const char *sha256)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(list->items[middle].sha256, sha256) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->count && str_equal(list->items[low].sha256, sha256) ? &list->items[low]
									       : NULL;
}

/* ---- the folder ---- */

static void package_add(const char *folder, const char *file, const struct known_list *known,
			struct store_list *list)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, file);
	CLEANUP(free_cleanup)
	char *sha256 = str_format("%.*s", (int)(strlen(file) - strlen(SUFFIX)), file);
	const struct known *package = known_find(known, sha256);
	struct stat status;

	if (stat(path, &status) < 0)
		return;
	list->items = mem_grow(list->items, list->count + 1, sizeof *list->items);
	list->items[list->count++] = (struct store_entry){
		.kind = str_copy(PACKAGES_KIND),
		.key = take(&sha256),
		.name = str_copy(package ? package->name : ""),
		.size_bytes = (uint64_t)status.st_size,
		.used_seconds = status.st_mtime,
		.reachable = package && package->reachable,
	};
}

int packages_list(const struct store *store, struct store_list *list, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = folder_path(store);
	CLEANUP(known_done) struct known_list known = { 0 };
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : err_errno(err, errno, "%s: cannot be read", folder);
	for (size_t i = 0; i < list->count; i++)
		tree_packages(store, &list->items[i], &known);
	if (known.count)
		qsort(known.items, known.count, sizeof *known.items, by_hash);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && str_ends(entry->d_name, SUFFIX))
			package_add(folder, entry->d_name, &known, list);
	closedir(dir);
	return 0;
}

int package_verify(const struct store *store, const char *sha256, struct err *err)
{
	CLEANUP(free_cleanup) char *path = store_package_path(store, sha256);
	char hash[HASH_HEX_LENGTH + 1] = "";
	int r = hash_file(path, hash, err);

	if (r < 0)
		return err_wrap(err, -EUCLEAN, "cannot be read");
	return str_equal(hash, sha256)
		       ? 0
		       : err_set(err, -EUCLEAN, "%s: its bytes are not those of its SHA-256", path);
}

int package_remove(struct store *store, const char *sha256, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = folder_path(store);
	CLEANUP(free_cleanup) char *path = store_package_path(store, sha256);
	CLEANUP(fd_cleanup) int lock = -1;
	int r = folder_lock(folder, LOCK_EX | LOCK_NB, &lock, err);

	if (r == 0 && unlink(path) < 0 && errno != ENOENT)
		r = err_errno(err, errno, "%s: cannot be removed", path);
	return r;
}

void package_parts_remove(struct store *store)
{
	CLEANUP(free_cleanup) char *folder = folder_path(store);
	CLEANUP(fd_cleanup) int lock = -1;
	struct dirent *entry;

	if (folder_lock(folder, LOCK_EX | LOCK_NB, &lock, NULL) < 0)
		return;
	DIR *dir = opendir(folder);
	while (dir && (entry = readdir(dir)))
		if (str_starts(entry->d_name, PART))
			unlinkat(lock, entry->d_name, 0);
	if (dir)
		closedir(dir);
}
