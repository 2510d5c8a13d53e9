#include "cmd/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "store/gc.h"
#include "store/packages.h"

static const struct option_row options[] = {
	{ "store", 0, "DIR", "the store (default: ~/.cache/nestctl)" },
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

static int run_ls(const struct arguments *arguments, struct store *store, struct err *err)
{
	CLEANUP(store_list_done) struct store_list list = { 0 };
	uint64_t total = 0;
	int r = store_list(store, &list, err);

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

static int run_verify(const struct arguments *arguments, struct store *store, struct err *err)
{
	CLEANUP(store_list_done) struct store_list list = { 0 };
	int r = store_list(store, &list, err), status = 0;
	CLEANUP(free_cleanup) bool *chosen = mem_alloc(list.count + 1);
	size_t sound_packages = 0;

	if (r == 0)
		r = selected(arguments, &list, chosen, err);
	for (size_t i = 0; r == 0 && i < list.count; i++) {
		const struct store_entry *entry = &list.items[i];
		struct err damage = { 0 };

		if (arguments->rest_count > 1 && !chosen[i])
			continue;
		store_entry_verify(store, entry, &damage);
		sound_packages += is_package(entry) && !damage.text;
		if (damage.text || !is_package(entry))
			printf("%s/%.12s  %s%s  %s\n", entry->kind, entry->key,
			       damage.text ? "damaged: " : "sound", damage.text ? damage.text : "",
			       entry->name);
		status |= damage.text != NULL;
		err_clear(&damage);
	}
	if (sound_packages > 0)
		printf(PACKAGES_KIND "  %zu packages sound\n", sound_packages);
	return r < 0 ? r : status;
}

static void removed_print(void *context, const struct store_entry *entry)
{
	const struct store_gc *gc = context;

	printf("%s %s/%.12s (%.0f MiB) %s\n", gc->dry_run ? "would remove" : "removed", entry->kind,
	       entry->key, (double)entry->size_bytes / (1 << 20), entry->name);
}

static int run_gc(const struct arguments *arguments, struct store *store, struct err *err)
{
	struct store_gc gc = {
		.dry_run = argument_given(arguments, "dry-run"),
		.on_removed = removed_print,
		.context = &gc,
	};
	const char *limit = argument(arguments, "limit");

	if (limit && (size_parse(limit, &gc.limit_bytes) < 0 || gc.limit_bytes == 0))
		return err_set(err, -EINVAL, "--limit: \"%s\" is no size (write 4GiB)", limit);
	return store_collect(store, &gc, err);
}

static int run_rm(const struct arguments *arguments, struct store *store, struct err *err)
{
	CLEANUP(store_list_done) struct store_list list = { 0 };
	int r = store_list(store, &list, err);
	CLEANUP(free_cleanup) bool *chosen = mem_alloc(list.count + 1);

	if (arguments->rest_count == 1)
		return err_set(err, -EINVAL, "store rm: which? (nestctl store ls lists the keys)");
	if (r == 0)
		r = selected(arguments, &list, chosen, err);
	for (size_t i = 0; r == 0 && i < list.count; i++)
		if (chosen[i])
			r = store_entry_remove(store, &list.items[i], err);
	return r;
}

static const struct operation {
	const char *name;
	int (*run)(const struct arguments *arguments, struct store *store, struct err *err);
	bool takes_keys;
	const char *own_options[3];
} operations[] = {
	{ "ls", run_ls, false, { "json" } },
	{ "verify", run_verify, true, { NULL } },
	{ "gc", run_gc, false, { "limit", "dry-run" } },
	{ "rm", run_rm, true, { NULL } },
};

static const struct operation *operation_find(const char *name)
{
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		if (str_equal(operations[i].name, name))
			return &operations[i];
	return NULL;
}

static bool takes(const struct operation *operation, const char *option)
{
	for (const char *const *own = operation->own_options; *own; own++)
		if (str_equal(*own, option))
			return true;
	return str_equal(option, "store");
}

/* Whoever asks rm for a dry run must not lose an object. */
static int operation_check(const struct operation *operation, const struct arguments *arguments,
			   struct err *err)
{
	for (const struct option_row *row = options; row->name; row++)
		if (argument_given(arguments, row->name) && !takes(operation, row->name))
			return err_set(err, -EINVAL, "store %s: has no option --%s",
				       operation->name, row->name);
	if (arguments->rest_count > 1 && !operation->takes_keys)
		return err_set(err, -EINVAL, "store %s: takes no key", operation->name);
	return 0;
}

static int store_run(const struct arguments *arguments, struct err *err)
{
	const struct operation *operation = operation_find(arguments->rest[0]);
	CLEANUP(store_cleanup) struct store *store = NULL;

	if (!operation)
		return err_set(err, -EINVAL, "store: \"%s\" is none of ls, verify, gc, rm",
			       arguments->rest[0]);
	int r = operation_check(operation, arguments, err);
	if (r == 0)
		r = store_open(argument(arguments, "store"), &store, err);
	return r < 0 ? r : operation->run(arguments, store, err);
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
