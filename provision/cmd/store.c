#include "cmd/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd/operation.h"
#include "store/gc.h"
#include "store/packages.h"

static const struct option_row options[] = {
	OPTION_STORE,
	{ "limit", 0, "SIZE", "gc: at most this much stays, such as 4GiB" },
	{ "dry-run", 'n', NULL, "gc: say what would go, and leave it" },
	{ "json", 0, NULL, "ls: one JSON object on standard output" },
	{ NULL, 0, NULL, NULL },
};

static const char *state_of(const struct store_entry *entry)
{
	return entry->damage ? "damaged" : entry->reachable ? "in use" : "unused";
}

static void entry_print(const struct store_entry *entry)
{
	CLEANUP(free_cleanup) char *used = str_copy("never");
	struct tm when;
	char text[32];

	if (localtime_r(&entry->used_seconds, &when) &&
	    strftime(text, sizeof text, "%Y-%m-%d %H:%M", &when) > 0) {
		free(used);
		used = str_copy(text);
	}
	printf("%s/%.12s  %7.0f MiB  %s  %-8s %s\n", entry->kind, entry->key,
	       (double)entry->size_bytes / (1 << 20), used, state_of(entry), entry->name);
}

static bool is_package(const struct store_entry *entry)
{
	return str_equal(entry->kind, PACKAGES_KIND);
}

/* There are hundreds: one line for all of them. */
static void packages_print(const struct store_list *list)
{
	size_t count = 0, unused = 0;
	uint64_t bytes = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct store_entry *entry = &list->items[i];

		count += is_package(entry);
		unused += is_package(entry) && !entry->reachable;
		bytes += is_package(entry) ? entry->size_bytes : 0;
	}
	if (count > 0)
		printf(PACKAGES_KIND "           %7.0f MiB  %zu packages, %zu of them unused\n",
		       (double)bytes / (1 << 20), count, unused);
}

static json_t *entry_json(const struct store_entry *entry)
{
	return json_pack("{s:s, s:o, s:s, s:I, s:I, s:b, s:o?}", "kind", entry->kind, "key",
			 json_text(entry->key), "name", entry->name, "size_bytes",
			 (json_int_t)entry->size_bytes, "used_seconds",
			 (json_int_t)entry->used_seconds, "reachable", entry->reachable, "damage",
			 entry->damage ? json_text(entry->damage) : NULL);
}

static int list_json(const struct store *store, const struct store_list *list)
{
	json_t *objects = json_array();
	json_t *json =
		json_pack("{s:o, s:o}", "store", json_text(store_path(store)), "objects", objects);

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(objects, entry_json(&list->items[i]));
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(json);
	return 0;
}

static int objects_list(const struct arguments *arguments, struct store **ret_store,
			struct store_list *ret_list, struct err *err)
{
	int r = store_open(argument(arguments, "store"), ret_store, err);

	return r < 0 ? r : store_list(*ret_store, ret_list, err);
}

static int run_ls(const struct arguments *arguments, struct err *err)
{
	CLEANUP(store_cleanup) struct store *store = NULL;
	CLEANUP(store_list_done) struct store_list list = { 0 };
	uint64_t total = 0;
	int r = objects_list(arguments, &store, &list, err);

	if (r < 0)
		return r;
	if (argument_given(arguments, "json"))
		return list_json(store, &list);
	for (size_t i = 0; i < list.count; i++) {
		if (!is_package(&list.items[i]))
			entry_print(&list.items[i]);
		total += list.items[i].size_bytes;
	}
	packages_print(&list);
	printf("%s: %zu object%s, %.0f MiB\n", store_path(store), list.count,
	       list.count == 1 ? "" : "s", (double)total / (1 << 20));
	return 0;
}

/* Does the operand name this object? KEY, KIND/KEY, or the beginning of either. */
static bool names(const char *operand, const struct store_entry *entry)
{
	CLEANUP(free_cleanup) char *whole = str_format("%s/%s", entry->kind, entry->key);

	return *operand && (str_starts(entry->key, operand) || str_starts(whole, operand));
}

static int selected(const struct arguments *arguments, const struct store_list *list,
		    bool *ret_selected, struct err *err)
{
	for (int i = 1; i < arguments->rest_count; i++) {
		size_t found = 0;

		for (size_t j = 0; j < list->count; j++) {
			bool fits = names(arguments->rest[i], &list->items[j]);

			ret_selected[j] |= fits;
			found += fits;
		}
		if (found != 1)
			return err_set(
				err, -EINVAL,
				"%s: names %zu objects of the store; allowed is a key, or as "
				"much of one as is unique (nestctl store ls)",
				arguments->rest[i], found);
	}
	return 0;
}

/* True: it is sound. A sound package is only counted. */
static bool entry_verify(struct store *store, const struct store_entry *entry,
			 size_t *sound_packages)
{
	CLEANUP(err_clear) struct err damage = { 0 };

	store_entry_verify(store, entry, &damage);
	if (damage.text)
		printf("%s/%.12s  damaged: %s  %s\n", entry->kind, entry->key, damage.text,
		       entry->name);
	else if (is_package(entry))
		++*sound_packages;
	else
		printf("%s/%.12s  sound  %s\n", entry->kind, entry->key, entry->name);
	return !damage.text;
}

static int run_verify(const struct arguments *arguments, struct err *err)
{
	CLEANUP(store_cleanup) struct store *store = NULL;
	CLEANUP(store_list_done) struct store_list list = { 0 };
	int r = objects_list(arguments, &store, &list, err), status = 0;
	CLEANUP(free_cleanup) bool *chosen = mem_alloc(list.count + 1);
	size_t sound_packages = 0;

	if (r == 0)
		r = selected(arguments, &list, chosen, err);
	for (size_t i = 0; r == 0 && i < list.count; i++)
		if (arguments->rest_count <= 1 || chosen[i])
			status |= !entry_verify(store, &list.items[i], &sound_packages);
	if (sound_packages > 0)
		printf(PACKAGES_KIND "  %zu packages sound\n", sound_packages);
	return r < 0 ? r : status;
}

/* Packages are hundreds, and small: they are told in one line. */
struct removed {
	const char *verb;
	size_t packages;
	uint64_t package_bytes;
};

static void removed_tell(void *context, const struct store_entry *entry)
{
	struct removed *removed = context;

	if (is_package(entry)) {
		removed->packages++;
		removed->package_bytes += entry->size_bytes;
		return;
	}
	printf("%s %s/%.12s (%.0f MiB) %s\n", removed->verb, entry->kind, entry->key,
	       (double)entry->size_bytes / (1 << 20), entry->name);
}

static int run_gc(const struct arguments *arguments, struct err *err)
{
	CLEANUP(store_cleanup) struct store *store = NULL;
	bool dry_run = argument_given(arguments, "dry-run");
	struct removed removed = { .verb = dry_run ? "would remove" : "removed" };
	struct store_gc gc = {
		.dry_run = dry_run,
		.on_removed = removed_tell,
		.context = &removed,
	};
	const char *limit = argument(arguments, "limit");

	if (limit && (size_parse(limit, &gc.limit_bytes) < 0 || gc.limit_bytes == 0))
		return err_set(err, -EINVAL, "--limit: \"%s\" is no size (write 4GiB)", limit);
	int r = store_open(argument(arguments, "store"), &store, err);
	if (r == 0)
		r = store_collect(store, &gc, err);
	if (removed.packages > 0)
		printf("%s %zu packages (%.0f MiB)\n", removed.verb, removed.packages,
		       (double)removed.package_bytes / (1 << 20));
	return r;
}

static int run_rm(const struct arguments *arguments, struct err *err)
{
	CLEANUP(store_cleanup) struct store *store = NULL;
	CLEANUP(store_list_done) struct store_list list = { 0 };
	int r = objects_list(arguments, &store, &list, err);
	CLEANUP(free_cleanup) bool *chosen = mem_alloc(list.count + 1);

	if (r == 0)
		r = selected(arguments, &list, chosen, err);
	for (size_t i = 0; r == 0 && i < list.count; i++)
		if (chosen[i])
			r = store_entry_remove(store, &list.items[i], err);
	return r;
}

static const struct operation operations[] = {
	{ "ls", "ls [--store DIR] [--json]", 0, 0, run_ls },
	{ "verify", "verify [KEY...] [--store DIR]", 0, -1, run_verify },
	{ "gc", "gc [--store DIR] [--limit SIZE] [--dry-run]", 0, 0, run_gc },
	{ "rm", "rm KEY... [--store DIR]", 1, -1, run_rm },
	{ 0 },
};

static int store_run(const struct arguments *arguments, struct err *err)
{
	return operation_run("store", operations, arguments, err);
}

const struct command store_command = {
	.name = "store",
	.synopsis = "ls|verify|gc|rm [KEY...] [OPTIONS]",
	.summary = "Lists, verifies and clears what earlier builds left to later ones",
	.options = options,
	.min_rest = 1,
	.max_rest = -1,
	.run = store_run,
};
