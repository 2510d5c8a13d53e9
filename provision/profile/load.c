/* From files to a struct stack: includes, overrides, defaults, who is inside whom. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "profile/check.h"
#include "profile/keys.h"
#include "profile/load.h"
#include "profile/valid.h"

#define INCLUDE_DEPTH_MAX 16

struct loader {
	struct stack *stack;
	struct diagnostics *diagnostics;
	struct strv *wrong;		       /* one a layer, as in struct stack_check */
	bool answers_only;		       /* the same */
	const struct stack_identity *identity; /* NULL: as the file says */
};

/* ---- files ---- */

/* The name under which marks know a file: kept by the stack. */
static const char *source_name(struct loader *loader, const char *path)
{
	strv_add(&loader->stack->sources, path);
	return loader->stack->sources.items[loader->stack->sources.count - 1];
}

static struct node *profile_read(struct loader *loader, const char *path, const char *key,
				 const struct mark *from, struct strv *open_files);

/* A profile's base stands below it: what the profile says itself wins. */
static struct node *include_apply(struct loader *loader, struct node *map, const char *file,
				  struct strv *open_files)
{
	const struct node *include = node_at(map, "include");
	CLEANUP(node_cleanup) struct node *own = map;

	if (!include)
		return take(&own);
	if (include->kind != NODE_SCALAR || !*include->text) {
		CLEANUP(free_cleanup) char *found = node_describe(include);

		diagnostic_add(loader->diagnostics, &include->mark,
			       "include: found %s; allowed is a profile's path", found);
		return NULL;
	}
	CLEANUP(free_cleanup) char *folder = path_folder(file);
	CLEANUP(free_cleanup) char *path = path_join(folder, include->text);
	struct node *base = profile_read(loader, path, "include", &include->mark, open_files);
	if (!base)
		return NULL;
	node_share(base);
	node_remove(own, "include");
	node_merge(base, own);
	return base;
}

/* key and from: what names the file, and where. */
static struct node *profile_read(struct loader *loader, const char *path, const char *key,
				 const struct mark *from, struct strv *open_files)
{
	int r = file_check_regular(path);
	CLEANUP(free_cleanup) char *real = r < 0 ? NULL : realpath(path, NULL);

	if (!real) {
		diagnostic_add(
			loader->diagnostics, from,
			"%s: found \"%s\", which cannot be read "
			"(%s); allowed is an existing file, relative to the one that names it",
			key, path, strerror(r < 0 ? -r : errno));
		return NULL;
	}
	if (strv_has(open_files, real)) {
		diagnostic_add(loader->diagnostics, from,
			       "%s: found \"%s\", which includes itself "
			       "in the end; allowed is a chain without a circle",
			       key, path);
		return NULL;
	}
	if (open_files->count >= INCLUDE_DEPTH_MAX) {
		diagnostic_add(loader->diagnostics, from,
			       "%s: found \"%s\", file %d of a chain; "
			       "allowed are chains of at most %d",
			       key, path, INCLUDE_DEPTH_MAX + 1, INCLUDE_DEPTH_MAX);
		return NULL;
	}
	strv_add(open_files, real);
	struct node *map = yaml_read(path, source_name(loader, path), loader->diagnostics);
	struct node *whole = map ? include_apply(loader, map, path, open_files) : NULL;
	free(open_files->items[--open_files->count]);
	open_files->items[open_files->count] = NULL;
	return whole;
}

/* ---- layers ---- */

/* Profile with the stack file's overrides on top. *ret_partial: the overrides alone, the profile
 * cannot be read. */
static struct node *layer_map(struct loader *loader, const struct node *item, bool *ret_partial)
{
	const struct node *profile = node_at(item, "profile");
	CLEANUP(free_cleanup) char *stack_folder = path_folder(loader->stack->path);
	CLEANUP(node_cleanup) struct node *own = node_copy(item);
	CLEANUP(strv_done) struct strv open_files = { 0 };

	node_remove(own, "profile");
	node_remove(own, "inside");
	if (!profile)
		return take(&own);
	*ret_partial = true;
	if (profile->kind != NODE_SCALAR) {
		CLEANUP(free_cleanup) char *found = node_describe(profile);

		diagnostic_add(loader->diagnostics, &profile->mark,
			       "profile: found %s; allowed is a profile's path", found);
		return take(&own);
	}
	CLEANUP(free_cleanup) char *path = path_join(stack_folder, profile->text);
	struct node *base = profile_read(loader, path, "profile", &profile->mark, &open_files);
	if (!base)
		return take(&own);
	*ret_partial = false;
	node_merge(base, own);
	return base;
}

static void text_default(char **field, const char *text)
{
	if (!*field)
		*field = str_copy(text);
}

static void text_replace(char **field, const char *text)
{
	free(*field);
	*field = str_copy(text);
}

char *mac_derive(const char *stack_name, const char *layer_name, unsigned attempt)
{
	CLEANUP(free_cleanup)
	char *seed = attempt == 0 ? str_format("%s/%s/mac", stack_name, layer_name)
				  : str_format("%s/%s/mac/%u", stack_name, layer_name, attempt);
	uint8_t uuid[16];

	hash_uuid(seed, uuid);
	/* 00:16:3e is Xen's own prefix. */
	return str_format("00:16:3e:%02x:%02x:%02x", uuid[0] & 0x7f, uuid[1], uuid[2]);
}

/* The outermost layer is a machine that has its name already, and perhaps its card. */
static void identity_put(const struct stack_identity *identity, struct layer *layer)
{
	text_replace(&layer->host_name, identity->host_name);
	if (*identity->mac)
		text_replace(&layer->machine.mac, identity->mac);
}

/* What the table cannot know: values that depend on others. Stand-ins where keys were wrong, so
 * that the checks have no NULL to trip over. */
static void layer_complete(const struct stack *stack, struct layer *layer)
{
	text_default(&layer->name, "");
	text_default(&layer->host_name, layer->name);
	for (char *c = layer->machine.mac; c && *c; c++)
		if (*c >= 'A' && *c <= 'F')
			*c = (char)(*c - 'A' + 'a');
	if (layer->machine.mac && !*layer->machine.mac) {
		free(layer->machine.mac);
		layer->machine.mac = mac_derive(stack->name, layer->name, 0);
	}
	if (layer->role != ROLE_HOST)
		layer->dom0_memory_bytes = 0;
	for (size_t i = 0; i < layer->disk.partition_count; i++) {
		text_default(&layer->disk.partitions[i].label, "");
		text_default(&layer->disk.partitions[i].mount_point, "");
	}
}

static struct layer *host_above(const struct stack *stack)
{
	for (size_t i = stack->layer_count; i > 0; i--)
		if (stack->layers[i - 1]->role == ROLE_HOST)
			return stack->layers[i - 1];
	return NULL;
}

static void layer_place(struct loader *loader, struct layer *layer, const struct node *item)
{
	const struct node *inside = node_at(item, "inside");
	struct stack *stack = loader->stack;
	struct layer *outer = host_above(stack);

	if (stack->layer_count == 0) {
		if (inside)
			diagnostic_add(
				loader->diagnostics, &inside->mark,
				"inside: the first layer runs on this machine; allowed is none");
		layer->depth = 1;
		return;
	}
	if (inside) {
		struct layer *named =
			inside->kind == NODE_SCALAR ? stack_layer(stack, inside->text) : NULL;
		CLEANUP(free_cleanup) char *found = node_describe(inside);

		if (named && named->role == ROLE_HOST)
			outer = named;
		else
			diagnostic_add(loader->diagnostics, &inside->mark,
				       "inside: found %s; allowed "
				       "is the name of a host listed above",
				       found);
	}
	if (!outer) {
		diagnostic_add(loader->diagnostics, &layer->mark,
			       "found a layer with no host above it; allowed is one inside a host");
		outer = stack->layers[0];
	}
	layer->outer = outer;
	layer->depth = outer->depth + 1;
	outer->inner = mem_grow(outer->inner, outer->inner_count + 1, sizeof *outer->inner);
	outer->inner[outer->inner_count++] = layer;
}

/* What is there of it where it is no map: nothing, so that the layers inside keep their place. */
static struct node *item_map(struct loader *loader, const struct node *item, bool *ret_partial)
{
	if (item->kind == NODE_MAP)
		return layer_map(loader, item, ret_partial);
	CLEANUP(free_cleanup) char *found = node_describe(item);

	diagnostic_add(loader->diagnostics, &item->mark,
		       "layers: found %s; allowed is a layer, keys and values", found);
	*ret_partial = true;
	return node_map(item->mark);
}

static void layer_read(struct loader *loader, const struct node *item)
{
	struct stack *stack = loader->stack;
	size_t count = stack->layer_count;
	bool partial = false;
	struct node *map = item_map(loader, item, &partial);
	struct layer *layer = mem_alloc(sizeof *layer);
	struct strv wrong = { 0 };

	layer->mark = item->mark;
	layer->map = map;
	keys_parse(layer_keys,
		   &(struct key_source){ .map = map,
					 .mark = &item->mark,
					 .prefix = "",
					 .partial = partial,
					 .diagnostics = loader->diagnostics,
					 .wrong = &wrong },
		   layer);
	if (loader->identity && count == 0)
		identity_put(loader->identity, layer);
	layer_complete(stack, layer);
	layer_place(loader, layer, item);

	stack->layers = mem_grow(stack->layers, count + 1, sizeof *stack->layers);
	loader->wrong = mem_grow(loader->wrong, count + 1, sizeof *loader->wrong);
	stack->layers[count] = layer;
	loader->wrong[count] = wrong;
	stack->layer_count++;
}

/* ---- the stack ---- */

static void stack_keys(struct loader *loader, const struct node *root)
{
	for (size_t i = 0; i < root->count; i++) {
		const char *key = root->pairs[i].key;

		if (!str_equal(key, "name") && !str_equal(key, "description") &&
		    !str_equal(key, "layers"))
			diagnostic_add(
				loader->diagnostics, &root->pairs[i].mark,
				"%s: found an unknown key; allowed in a stack file are name, "
				"description and layers",
				key);
	}
}

char *name_of_file(const char *path)
{
	char *name = str_copy(path_name(path));
	char *dot = strrchr(name, '.');

	if (dot && dot > name)
		*dot = '\0';
	return name;
}

static void stack_name(struct loader *loader, const struct node *root)
{
	const struct node *name = node_at(root, "name");
	const struct node *description = node_at(root, "description");
	CLEANUP(node_cleanup)
	struct node *from_file = node_text(name_of_file(loader->stack->path), root->mark);

	if (!name)
		name = from_file;
	CLEANUP(free_cleanup) char *found = node_describe(name);
	bool valid = name->kind == NODE_SCALAR && valid_name(name->text);
	if (!valid)
		diagnostic_add(loader->diagnostics, &name->mark,
			       "name: found %s%s; allowed is letters, "
			       "digits, - _ and ., at most 63, beginning with a letter or digit",
			       found, name == from_file ? ", the file's own" : "");
	if (description && description->kind != NODE_SCALAR)
		diagnostic_add(loader->diagnostics, &description->mark,
			       "description: found more than a text; allowed is a single value");
	loader->stack->own_name = str_copy(valid ? name->text : "");
	loader->stack->name =
		str_copy(loader->identity ? loader->identity->stack_name : loader->stack->own_name);
}

static void layers_read(struct loader *loader, const struct node *root)
{
	const struct node *layers = node_at(root, "layers");
	struct mark mark = layers ? layers->mark : root->mark;
	bool list = layers && layers->kind == NODE_LIST;

	if (!list || layers->count == 0 || layers->count > LAYERS_MAX) {
		CLEANUP(free_cleanup)
		char *found = !layers ? str_copy("nothing")
			      : !list ? node_describe(layers)
				      : str_format("a list of %zu", layers->count);

		diagnostic_add(loader->diagnostics, &mark,
			       "layers: found %s; allowed is a list of 1 to "
			       "%d layers, outermost first",
			       found, LAYERS_MAX);
		return;
	}
	for (size_t i = 0; i < layers->count; i++)
		layer_read(loader, layers->items[i]);
}

/* A layer's profile by itself is a stack of one. Takes over own. */
static void profile_as_stack(struct loader *loader, const char *path, struct node *own)
{
	CLEANUP(strv_done) struct strv open_files = { 0 };
	CLEANUP(free_cleanup) char *real = realpath(path, NULL);
	CLEANUP(free_cleanup) char *name = name_of_file(path);

	strv_add(&open_files, real ? real : path);
	CLEANUP(node_cleanup) struct node *map = include_apply(loader, own, path, &open_files);
	if (!map)
		return;
	if (!node_at(map, "name"))
		node_add(map, "name", node_text(str_copy(name), map->mark));
	loader->stack->name = str_copy(name);
	loader->stack->own_name = take(&name);
	layer_read(loader, map);
}

static void stack_read(struct loader *loader, const char *path)
{
	CLEANUP(node_cleanup)
	struct node *root = yaml_read(path, source_name(loader, path), loader->diagnostics);

	if (!root)
		return;
	if (loader->answers_only && !node_at(root, "layers")) {
		profile_as_stack(loader, path, take(&root));
		return;
	}
	stack_keys(loader, root);
	stack_name(loader, root);
	layers_read(loader, root);
}

/* Adds what is wrong; never NULL. */
static struct stack *load(const char *path, bool answers_only,
			  const struct stack_identity *identity, struct diagnostics *diagnostics)
{
	struct stack *stack = mem_alloc(sizeof *stack);
	struct loader loader = { .stack = stack,
				 .diagnostics = diagnostics,
				 .answers_only = answers_only,
				 .identity = identity };

	stack->path = str_copy(path);
	stack_read(&loader, path);
	const struct stack_check check = { stack, loader.wrong, answers_only, identity != NULL };
	stack_check(&check, diagnostics);
	for (size_t i = 0; i < stack->layer_count; i++)
		strv_done(&loader.wrong[i]);
	free(loader.wrong);
	return stack;
}

static int load_file(const char *path, bool answers_only, struct stack **ret_stack, struct err *err)
{
	if (!path_exists(path) && errno == ENOENT)
		return err_set(err, -EINVAL, "%s: there is no such stack file", path);
	CLEANUP(diagnostics_cleanup) struct diagnostics *diagnostics = diagnostics_new();
	CLEANUP(stack_cleanup) struct stack *stack = load(path, answers_only, NULL, diagnostics);
	int r = diagnostics_result(diagnostics, path, err);

	if (r == 0)
		*ret_stack = take(&stack);
	return r;
}

struct stack *stack_load_for_machine(const char *path, const struct stack_identity *identity,
				     struct diagnostics *diagnostics)
{
	return load(path, false, identity, diagnostics);
}

int stack_load(const char *path, struct stack **ret_stack, struct err *err)
{
	return load_file(path, false, ret_stack, err);
}

int stack_load_for_answers(const char *path, struct stack **ret_stack, struct err *err)
{
	return load_file(path, true, ret_stack, err);
}

struct layer *stack_layer(const struct stack *stack, const char *name)
{
	for (size_t i = 0; i < stack->layer_count; i++)
		if (str_equal(stack->layers[i]->name, name))
			return stack->layers[i];
	return NULL;
}
