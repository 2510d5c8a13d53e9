#include "packages/lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"

#define LOCK_MAX_BYTES ((size_t)64 << 20)
#define LOCK_FORMAT    1
#define REMEDY	       "make the file anew with nestctl lock"

char *lock_path_default(const char *stack_path)
{
	const char *dot = strrchr(path_name(stack_path), '.');
	int length = dot ? (int)(dot - stack_path) : (int)strlen(stack_path);

	return str_format("%.*s.lock", length, stack_path);
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
	free(lock->path);
	*lock = (struct lock){ 0 };
}

/* ---- writing ---- */

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
	CLEANUP(free_cleanup) char *lines = str_format("%s\n", text);
	return file_write_out(path, lines, strlen(lines), 0644, err);
}

/* ---- reading: a lock file may come from anybody ---- */

/* Takes a package in; NULL, or what is wrong with it. */
static const char *package_read(json_t *json, struct package_list *list)
{
	const char *name, *version, *architecture, *suite, *path, *sha256;
	json_int_t size_bytes;

	if (json_unpack(json, "{s:s, s:s, s:s, s:s, s:s, s:I, s:s}", "name", &name, "version",
			&version, "architecture", &architecture, "suite", &suite, "path", &path,
			"size", &size_bytes, "sha256", &sha256) < 0)
		return "lacks a field, or one is of the wrong type";
	struct package *package = package_list_add(list);
	*package = (struct package){
		.name = str_copy(name),
		.version = str_copy(version),
		.architecture = str_copy(architecture),
		.suite = str_copy(suite),
		.path = str_copy(path),
		.size_bytes = size_bytes > 0 ? (uint64_t)size_bytes : 0,
	};
	if (strlen(sha256) == HASH_HEX_LENGTH)
		memcpy(package->sha256, sha256, sizeof package->sha256);
	return package_problem(package);
}

/* A tree has one package of a name and architecture. The list is sorted. */
static int twice_check(const char *path, const struct lock_tree *tree, struct err *err)
{
	const struct package *items = tree->packages.items;

	for (size_t i = 1; i < tree->packages.count; i++)
		if (str_equal(items[i].name, items[i - 1].name) &&
		    str_equal(items[i].architecture, items[i - 1].architecture))
			return err_set(err, -EINVAL, "%s: %s: has %s:%s twice: " REMEDY, path,
				       tree->name, items[i].name, items[i].architecture);
	return 0;
}

static int packages_read(const char *path, json_t *packages, struct lock_tree *tree,
			 struct err *err)
{
	json_t *item;
	size_t index;

	json_array_foreach(packages, index, item)
	{
		const char *problem = package_read(item, &tree->packages);

		if (problem)
			return err_set(err, -EINVAL, "%s: %s: package %zu %s: " REMEDY, path,
				       tree->name, index + 1, problem);
	}
	package_list_sort(&tree->packages);
	return twice_check(path, tree, err);
}

static int tree_read(const char *path, json_t *json, struct lock *lock, struct err *err)
{
	const char *text = json_string_value(json_object_get(json, "tree"));
	const char *request = json_string_value(json_object_get(json, "request"));
	json_t *packages = json_object_get(json, "packages");
	CLEANUP(free_cleanup) char *name = str_copy(text);

	if (!name || !request || !hash_is_hex(request) || json_array_size(packages) == 0)
		return err_set(err, -EINVAL,
			       "%s: tree %zu lacks its name, its request or its packages: " REMEDY,
			       path, lock->count + 1);
	str_tame(name);
	const struct lock_tree *same = lock_find(lock, request);
	if (same)
		return err_set(err, -EINVAL,
			       "%s: trees %zu and %zu (%s, %s) are the same request: " REMEDY, path,
			       (size_t)(same - lock->trees) + 1, lock->count + 1, same->name, name);
	return packages_read(path, packages, lock_add(lock, name, request), err);
}

static int json_read(const char *path, const char *text, size_t length, json_t **ret_json,
		     struct err *err)
{
	json_error_t problem;

	*ret_json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
	if (*ret_json)
		return 0;
	str_tame(problem.text);
	return err_set(err, -EINVAL, "%s:%d:%d: no lock file: %s: " REMEDY, path, problem.line,
		       problem.column, problem.text);
}

int lock_read(const char *path, struct lock *ret_lock, struct err *err)
{
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(json_cleanup) json_t *json = NULL;
	size_t length = 0, index;
	json_t *item;
	int r = file_read(path, LOCK_MAX_BYTES, &text, &length, err);

	if (r < 0)
		return err_wrap(err, -EINVAL, "reading the lock file");
	r = json_read(path, text, length, &json, err);
	if (r < 0)
		return r;
	if (json_integer_value(json_object_get(json, "nestctl lock")) != LOCK_FORMAT)
		return err_set(err, -EINVAL,
			       "%s: is no lock file of this version of nestctl: " REMEDY, path);
	json_t *trees = json_object_get(json, "trees");
	if (json_array_size(trees) == 0)
		return err_set(err, -EINVAL, "%s: has no list of trees: " REMEDY, path);
	json_array_foreach(trees, index, item)
	{
		r = tree_read(path, item, ret_lock, err);
		if (r < 0)
			return r;
	}
	ret_lock->path = str_copy(path);
	return 0;
}
