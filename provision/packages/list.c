#include "packages/list.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define PACKAGE_MAX_BYTES ((uint64_t)16 << 30)
#define PATH_MAX_LENGTH	  1024

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

	if (order == 0)
		order = strcmp(a->architecture, b->architecture);
	return order ? order : strcmp(a->sha256, b->sha256);
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

/* ---- what can be one ---- */

#define LOWER	     "abcdefghijklmnopqrstuvwxyz"
#define UPPER	     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	     "0123456789"
#define PATH_LETTERS LOWER UPPER DIGITS "+-._~:/@=,"

static bool made_of(const char *text, const char *letters)
{
	return *text && text[strspn(text, letters)] == '\0';
}

/* It becomes part of a URL and of nothing else; still, no way up. */
static bool is_inside(const char *path)
{
	while (true) {
		size_t length = strcspn(path, "/");

		if (length == 0 || (length == 1 && path[0] == '.') ||
		    (length == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += length;
		if (!*path++)
			return true;
	}
}

const char *package_problem(const struct package *package)
{
	if (!made_of(package->name, LOWER DIGITS "+-."))
		return "has a name that no package has";
	if (!made_of(package->version, LOWER UPPER DIGITS "+-.~:"))
		return "has a version that no package has";
	if (!made_of(package->architecture, LOWER DIGITS "-"))
		return "has an architecture that is none";
	if (!made_of(package->suite, LOWER UPPER DIGITS "+-._/"))
		return "has a suite that is none";
	if (!made_of(package->path, PATH_LETTERS) || strlen(package->path) > PATH_MAX_LENGTH)
		return "has a path that is none";
	if (!is_inside(package->path))
		return "has a path that leads out of the mirror";
	if (package->size_bytes == 0 || package->size_bytes > PACKAGE_MAX_BYTES)
		return "has a size that no package has";
	return hash_is_hex(package->sha256) ? NULL : "has a SHA-256 that is none";
}
