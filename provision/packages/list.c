#include "packages/list.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"

#define LOCK_MAX_BYTES (64u << 20)
#define LOCK_FORMAT    1

struct package *package_list_add(struct package_list *list)
{
	list->items = mem_grow(list->items, list->count + 1, sizeof *list->items);
	struct package *package = &list->items[list->count++];
	*package = (struct package){ 0 };
	return package;
}

void package_list_copy(const struct package_list *from, struct package_list *to)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct package *source = &from->items[i];
		struct package *package = package_list_add(to);

		*package = *source;
		package->name = str_copy(source->name);
		package->version = str_copy(source->version);
		package->architecture = str_copy(source->architecture);
		package->suite = str_copy(source->suite);
		package->path = str_copy(source->path);
	}
}

static int by_name(const void *left, const void *right)
{
	const struct package *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : strcmp(a->architecture, b->architecture);
}

void package_list_sort(struct package_list *list)
{
	if (list->count)
		qsort(list->items, list->count, sizeof *list->items, by_name);
}

void package_list_done(struct package_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].version);
		free(list->items[i].architecture);
		free(list->items[i].suite);
		free(list->items[i].path);
	}
	free(list->items);
	*list = (struct package_list){ 0 };
}

void package_list_hash(const struct package_list *list, char ret_hex[HASH_HEX_LENGTH + 1])
{
	struct hash *hash = hash_new();

	for (size_t i = 0; i < list->count; i++)
		hash_field(hash, list->items[i].name, list->items[i].sha256);
	hash_finish_hex(hash, ret_hex);
}

/* ---- lock files ---- */

char *lock_path_default(const char *stack_path)
{
	const char *dot = strrchr(path_name(stack_path), '.');
	int length = dot ? (int)(dot - stack_path) : (int)strlen(stack_path);

	return str_format("%.*s.lock", length, stack_path);
}

static void json_cleanup(json_t **json)
{
	json_decref(*json);
}

struct lock_tree *lock_add(struct lock *lock, const char *name, const char *request)
{
	lock->trees = mem_grow(lock->trees, lock->count + 1, sizeof *lock->trees);
	struct lock_tree *tree = &lock->trees[lock->count++];
	*tree = (struct lock_tree){ .name = str_copy(name) };
	memcpy(tree->request, request, sizeof tree->request);
	return tree;
}

const struct lock_tree *lock_find(const struct lock *lock, const char *request)
{
	for (size_t i = 0; i < lock->count; i++)
		if (str_equal(lock->trees[i].request, request))
			return &lock->trees[i];
	return NULL;
}

void lock_done(struct lock *lock)
{
	for (size_t i = 0; i < lock->count; i++) {
		free(lock->trees[i].name);
		package_list_done(&lock->trees[i].packages);
	}
	free(lock->trees);
	*lock = (struct lock){ 0 };
}

static json_t *package_json(const struct package *package)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s}", "name", package->name, "version",
			 package->version, "architecture", package->architecture, "suite",
			 package->suite, "path", package->path, "size",
			 (json_int_t)package->size_bytes, "sha256", package->sha256);
}

static json_t *tree_json(const struct lock_tree *tree)
{
	json_t *packages = json_array();

	for (size_t i = 0; i < tree->packages.count; i++)
		json_array_append_new(packages, package_json(&tree->packages.items[i]));
	return json_pack("{s:s, s:s, s:o}", "tree", tree->name, "request", tree->request,
			 "packages", packages);
}

int lock_write(const char *path, const struct lock *lock, struct err *err)
{
	CLEANUP(json_cleanup) json_t *trees = json_array();

	for (size_t i = 0; i < lock->count; i++)
		json_array_append_new(trees, tree_json(&lock->trees[i]));
	CLEANUP(json_cleanup)
	json_t *json = json_pack("{s:i, s:O}", "nestctl lock", LOCK_FORMAT, "trees", trees);
	CLEANUP(free_cleanup) char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	if (!text)
		return err_set(err, -EILSEQ, "%s: a package's name is not UTF-8", path);
	return file_write(path, text, strlen(text), 0644, err);
}

static bool is_hash(const char *text)
{
	return strlen(text) == HASH_HEX_LENGTH && text[strspn(text, "0123456789abcdef")] == '\0';
}

/* It becomes part of a URL and of nothing else; still, no way up. */
static bool is_safe_path(const char *path)
{
	if (*path == '/' || strstr(path, "..") || strlen(path) > 1024)
		return false;
	for (; *path; path++)
		if ((unsigned char)*path <= ' ' || *path == '?' || *path == '#')
			return false;
	return true;
}

static const char *package_read(json_t *json, struct package_list *list)
{
	const char *name, *version, *architecture, *suite, *path, *sha256;
	json_int_t size;
	json_error_t error;

	if (json_unpack_ex(json, &error, 0, "{s:s, s:s, s:s, s:s, s:s, s:I, s:s}", "name", &name,
			   "version", &version, "architecture", &architecture, "suite", &suite,
			   "path", &path, "size", &size, "sha256", &sha256) < 0)
		return "lacks a field, or one is of the wrong type";
	if (!is_hash(sha256))
		return "has a SHA-256 that is none";
	if (!is_safe_path(path))
		return "has a path that leads out of the mirror";
	if (size <= 0 || size > (json_int_t)16 << 30)
		return "has a size that no package has";
	struct package *package = package_list_add(list);
	*package = (struct package){
		.name = str_copy(name),
		.version = str_copy(version),
		.architecture = str_copy(architecture),
		.suite = str_copy(suite),
		.path = str_copy(path),
		.size_bytes = (uint64_t)size,
	};
	memcpy(package->sha256, sha256, sizeof package->sha256);
	return NULL;
}

static int tree_read(const char *path, json_t *json, struct lock *lock, struct err *err)
{
	const char *name = json_string_value(json_object_get(json, "tree"));
	const char *request = json_string_value(json_object_get(json, "request"));
	json_t *packages = json_object_get(json, "packages"), *item;
	size_t index;

	if (!name || !request || !is_hash(request) || json_array_size(packages) == 0)
		return err_set(err, -EINVAL,
			       "%s: tree %zu lacks its name, its request or its packages: make it "
			       "anew with nestctl lock",
			       path, lock->count + 1);
	struct lock_tree *tree = lock_add(lock, name, request);
	json_array_foreach(packages, index, item)
	{
		const char *problem = package_read(item, &tree->packages);

		if (problem)
			return err_set(err, -EINVAL,
				       "%s: %s: package %zu %s: make the file anew with nestctl "
				       "lock",
				       path, name, index + 1, problem);
	}
	return 0;
}

int lock_read(const char *path, struct lock *ret_lock, struct err *err)
{
	CLEANUP(free_cleanup) char *text = NULL;
	json_error_t problem;
	json_t *item;
	size_t index;
	int r = file_read(path, LOCK_MAX_BYTES, &text, NULL, err);

	if (r < 0)
		return r;
	CLEANUP(json_cleanup) json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
	if (!json)
		return err_set(err, -EINVAL, "%s:%d:%d: no lock file: %s", path, problem.line,
			       problem.column, problem.text);
	if (json_integer_value(json_object_get(json, "nestctl lock")) != LOCK_FORMAT)
		return err_set(err, -EINVAL,
			       "%s: is no lock file of this version of nestctl: make it anew with "
			       "nestctl lock",
			       path);
	json_array_foreach(json_object_get(json, "trees"), index, item)
	{
		r = tree_read(path, item, ret_lock, err);
		if (r < 0)
			return r;
	}
	return 0;
}
