#include "store/gc.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "store/manifest.h"
#include "store/packages.h"

#define BUILD_MAX_BYTES (8u << 20)

/* ---- roots ---- */

int store_root_add(struct store *store, const char *folder, struct err *err)
{
	CLEANUP(free_cleanup) char *real = realpath(folder, NULL);
	CLEANUP(free_cleanup) char *roots = path_join(store_path(store), "roots");
	struct hash *hash = hash_new();
	char name[HASH_HEX_LENGTH + 1];

	hash_add(hash, real ? real : "", real ? strlen(real) : 0);
	hash_finish_hex(hash, name);
	if (!real)
		return err_errno(err, errno, "%s: cannot be found", folder);
	CLEANUP(free_cleanup) char *path = path_join(roots, name);
	CLEANUP(free_cleanup) char *before = NULL;
	if (file_read(path, PATH_MAX, &before, NULL, NULL) == 0 && str_equal(before, real))
		return 0;
	int r = dir_make(roots, 0700, err);
	return r < 0 ? r : file_write(path, real, strlen(real), 0600, err);
}

/* Adds the keys that a build stands on. False if the build is no longer there. */
static bool root_keys(const char *path, struct strv *keys)
{
	CLEANUP(free_cleanup) char *folder = NULL;
	CLEANUP(free_cleanup) char *text = NULL;
	size_t index;
	json_t *step;

	if (file_read(path, PATH_MAX, &folder, NULL, NULL) < 0)
		return false;
	CLEANUP(free_cleanup) char *build = path_join(folder, "build.json");
	if (file_read(build, BUILD_MAX_BYTES, &text, NULL, NULL) < 0)
		return false;
	CLEANUP(json_cleanup) json_t *json = json_loads(text, 0, NULL);
	json_array_foreach(json_object_get(json, "steps"), index, step)
	{
		const char *key = json_string_value(json_object_get(step, "key"));

		if (key)
			strv_add(keys, key);
	}
	return true;
}

/* forget: the roots whose build is gone are removed. */
static void roots_read(const struct store *store, bool forget, struct strv *keys)
{
	CLEANUP(free_cleanup) char *roots = path_join(store_path(store), "roots");
	DIR *dir = opendir(roots);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		CLEANUP(free_cleanup) char *path = path_join(roots, entry->d_name);

		if (entry->d_name[0] != '.' && !root_keys(path, keys) && forget)
			unlink(path);
	}
	if (dir)
		closedir(dir);
}

/* ---- objects ---- */

static time_t used_at(const char *folder)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, MANIFEST_FILE);
	struct stat status;

	if (stat(path, &status) == 0 || stat(folder, &status) == 0)
		return status.st_mtime;
	return 0;
}

static void tree_add(const struct store *store, const char *key, const struct strv *reachable,
		     struct store_list *list)
{
	CLEANUP(free_cleanup) char *folder = store_object_path(store, BASE_KIND, key);
	CLEANUP(manifest_done) struct manifest manifest = { 0 };
	struct store_entry entry = {
		.kind = str_copy(BASE_KIND),
		.key = str_copy(key),
		.used_seconds = used_at(folder),
		.reachable = strv_has(reachable, key),
	};

	store_has(store, BASE_KIND, key, &entry.damage);
	manifest_read(folder, &manifest, NULL);
	entry.name = str_copy(manifest.name ? manifest.name : "");
	entry.size_bytes = manifest_bytes(&manifest);
	list->items = mem_grow(list->items, list->count + 1, sizeof *list->items);
	list->items[list->count++] = entry;
}

static int by_use(const void *left, const void *right)
{
	const struct store_entry *a = left, *b = right;

	if (a->used_seconds != b->used_seconds)
		return a->used_seconds < b->used_seconds ? -1 : 1;
	return strcmp(a->key, b->key);
}

static int trees_list(const struct store *store, const struct strv *reachable,
		      struct store_list *list, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = path_join(store_path(store), BASE_KIND);
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : err_errno(err, errno, "%s: cannot be read", folder);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			tree_add(store, entry->d_name, reachable, list);
	closedir(dir);
	return 0;
}

static int entries_list(const struct store *store, const struct strv *reachable,
			struct store_list *ret_list, struct err *err)
{
	int r = trees_list(store, reachable, ret_list, err);

	if (r == 0)
		r = packages_list(store, ret_list, err);
	if (ret_list->count)
		qsort(ret_list->items, ret_list->count, sizeof *ret_list->items, by_use);
	return r;
}

int store_list(struct store *store, struct store_list *ret_list, struct err *err)
{
	CLEANUP(strv_done) struct strv reachable = { 0 };

	roots_read(store, false, &reachable);
	return entries_list(store, &reachable, ret_list, err);
}

int store_entry_verify(struct store *store, const struct store_entry *entry, struct err *err)
{
	if (str_equal(entry->kind, PACKAGES_KIND))
		return package_verify(store, entry->key, err);
	return store_verify(store, entry->kind, entry->key, err);
}

int store_entry_remove(struct store *store, const struct store_entry *entry, struct err *err)
{
	if (str_equal(entry->kind, PACKAGES_KIND))
		return package_remove(store, entry->key, err);
	return store_remove(store, entry->kind, entry->key, err);
}

void store_list_done(struct store_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].kind);
		free(list->items[i].key);
		free(list->items[i].name);
		free(list->items[i].damage);
	}
	free(list->items);
	*list = (struct store_list){ 0 };
}

/* ---- collecting ---- */

/* Adds the keys of the trees that builds are using: those leave their roots when they end. */
static void used_keys(const struct store *store, struct strv *keys)
{
	CLEANUP(free_cleanup) char *folder = path_join(store_path(store), BASE_KIND);
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && store_is_used(store, BASE_KIND, entry->d_name))
			strv_add(keys, entry->d_name);
	if (dir)
		closedir(dir);
}

/* Of builds that were killed: the lock of each tells whether it is still at work. */
static void leftovers_remove(struct store *store)
{
	static const char *const prefixes[] = { ".making-", ".gone-" };
	CLEANUP(free_cleanup) char *folder = path_join(store_path(store), BASE_KIND);
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
			if (str_starts(entry->d_name, prefixes[i]))
				store_clear(store, BASE_KIND, entry->d_name + strlen(prefixes[i]));
	if (dir)
		closedir(dir);
	package_parts_remove(store);
}

/* *packages_busy: a build uses packages, so none of them goes; that is said once. */
static int entry_remove(struct store *store, const struct store_gc *gc,
			const struct store_entry *entry, bool *packages_busy, bool *ret_removed,
			struct err *err)
{
	bool is_package = str_equal(entry->kind, PACKAGES_KIND);

	*ret_removed = false;
	if (is_package && *packages_busy)
		return 0;
	int r = gc->dry_run ? 0 : store_entry_remove(store, entry, err);
	*ret_removed = r == 0;
	if (r == -EBUSY) {
		*packages_busy = *packages_busy || is_package;
		log_info("%s", err->text);
		err_clear(err);
		return 0;
	}
	if (r == 0)
		gc->on_removed(gc->context, entry);
	return r;
}

/* First goes what nobody needs, then, for the limit, what is needed least. */
enum round { ROUND_UNNEEDED, ROUND_LIMIT, ROUNDS };

static bool goes(const struct store_entry *entry, enum round round, const struct store_gc *gc,
		 uint64_t total_bytes)
{
	bool needed = entry->reachable && !entry->damage;

	if (round == ROUND_UNNEEDED)
		return !needed;
	return needed && gc->limit_bytes > 0 && total_bytes > gc->limit_bytes;
}

int store_collect(struct store *store, const struct store_gc *gc, struct err *err)
{
	CLEANUP(store_list_done) struct store_list list = { 0 };
	CLEANUP(strv_done) struct strv keys = { 0 };
	bool packages_busy = false;
	uint64_t total = 0;

	/* In this order: a build that ends between the two has left its root. */
	used_keys(store, &keys);
	roots_read(store, !gc->dry_run, &keys);
	if (!gc->dry_run)
		leftovers_remove(store);
	int r = entries_list(store, &keys, &list, err);
	for (size_t i = 0; i < list.count; i++)
		total += list.items[i].size_bytes;
	for (enum round round = ROUND_UNNEEDED; round < ROUNDS; round++)
		for (size_t i = 0; r == 0 && i < list.count; i++) {
			struct store_entry *entry = &list.items[i];
			bool removed = false;

			if (goes(entry, round, gc, total))
				r = entry_remove(store, gc, entry, &packages_busy, &removed, err);
			if (removed)
				total -= entry->size_bytes;
		}
	return r;
}
