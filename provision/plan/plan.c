#include "plan/plan.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/url_text.h"
#include "compose/compose.h"
#include "guest/xl.h"
#include "install/install.h"
#include "pattern/pattern.h"
#include "plan/history.h"
#include "plan/product.h"

/* ---- the steps ---- */

static const struct {
	const char *name;
	bool is_stored;
} step_kinds[] = {
	[STEP_BOOTSTRAP] = { "bootstrap", true },
	[STEP_MEDIUM] = { "medium", false },
	[STEP_INSTALL] = { "install", true },
	[STEP_COMPOSE] = { "compose", false },
};

const char *step_kind_name(enum step_kind kind)
{
	return step_kinds[kind].name;
}

bool step_is_stored(enum step_kind kind)
{
	return step_kinds[kind].is_stored;
}

static void step_free(struct step *step)
{
	if (!step)
		return;
	free(step->name);
	inputs_done(&step->inputs);
	strv_done(&step->reads);
	free(step->makes);
	free(step->reason);
	free(step->damage);
	free(step->lack);
	fd_cleanup(&step->hold);
	base_request_done(&step->base);
	free(step);
}

static struct step *step_new(enum step_kind kind)
{
	struct step *step = mem_alloc(sizeof *step);

	step->kind = kind;
	step->hold = -1;
	return step;
}

static void step_cleanup(struct step **step)
{
	step_free(*step);
}

/* Takes it over. */
static struct step *step_add(struct plan *plan, struct step *step)
{
	plan->steps = mem_grow(plan->steps, plan->count + 1, sizeof *plan->steps);
	plan->steps[plan->count++] = step;
	return step;
}

static struct step *step_by_key(const struct plan *plan, const char *key)
{
	for (size_t i = 0; i < plan->count; i++)
		if (str_equal(plan->steps[i]->key, key))
			return plan->steps[i];
	return NULL;
}

const struct step *plan_step_of(const struct plan *plan, const struct layer *layer)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i]->layer == layer && plan->steps[i]->kind == STEP_COMPOSE)
			return plan->steps[i];
	return NULL;
}

/* With a lock file the packages themselves go into the key, not the day they were asked for. */
static int lock_apply(const struct plan *plan, struct step *step, struct err *err)
{
	char hash[HASH_HEX_LENGTH + 1] = "";

	base_request_key(&step->base, step->request);
	if (!plan->lock)
		return 0;
	const struct lock_tree *tree = lock_find(plan->lock, step->request);
	if (!tree)
		return err_set(err, -EINVAL,
			       "%s: has no packages for %s as the profiles ask for it now: make "
			       "it anew with nestctl lock",
			       plan->lock->path, step->name);
	step->locked = &tree->packages;
	package_list_hash(step->locked, hash);
	inputs_add(&step->inputs, "locked packages", hash);
	return 0;
}

static void object_find(struct plan *plan, struct step *step, const char *file)
{
	CLEANUP(free_cleanup) char *folder = store_object_path(plan->store, BASE_KIND, step->key);

	step->makes = path_join(folder, file);
	step->cached = store_has(plan->store, BASE_KIND, step->key, &step->damage);
}

/* "bootstrap xen-host bookworm"; " 2" behind it where another tree of the plan is called so. The
 * caller frees. */
static char *bootstrap_name(const struct plan *plan, const struct base_request *request)
{
	size_t number = 1;

	for (size_t i = 0; i < plan->count; i++) {
		const struct step *step = plan->steps[i];

		number += step->kind == STEP_BOOTSTRAP &&
			  str_equal(step->base.name, request->name) &&
			  str_equal(step->base.release, request->release);
	}
	return number == 1
		       ? str_format("bootstrap %s %s", request->name, request->release)
		       : str_format("bootstrap %s %s %zu", request->name, request->release, number);
}

/* One base tree serves all layers with the same packages. Takes over the request. */
static int bootstrap_step(struct plan *plan, struct base_request *request, struct step **ret_step,
			  struct err *err)
{
	CLEANUP(step_cleanup) struct step *step = step_new(STEP_BOOTSTRAP);

	step->base = *request;
	step->name = bootstrap_name(plan, request);
	int r = base_request_inputs(request, &step->inputs, err);
	if (r == 0)
		r = lock_apply(plan, step, err);
	if (r < 0)
		return r;
	inputs_key(&step->inputs, step->key);
	*ret_step = step_by_key(plan, step->key);
	if (*ret_step)
		return 0;
	object_find(plan, step, "tree.tar");
	*ret_step = step_add(plan, take(&step));
	return 0;
}

/* ---- installed layers ---- */

/* A medium that is not there is no failure of the plan: it says so, and the build stops there. */
static int medium_identify(const struct plan *plan, struct step *step,
			   char hash[HASH_HEX_LENGTH + 1], struct err *err)
{
	CLEANUP(free_cleanup) char *sums = path_join(store_path(plan->store), "sums");
	int r = install_medium_hash(step->layer, sums, hash, err);

	if (r != -ENOENT && r != -ENOTDIR)
		return r;
	step->lack = str_format("%s: is not there", step->layer->install.medium);
	snprintf(hash, HASH_HEX_LENGTH + 1, "not there");
	err_clear(err);
	return 0;
}

static int medium_step(struct plan *plan, const struct layer *layer, struct step **ret_step,
		       struct err *err)
{
	struct step *step = step_add(plan, step_new(STEP_MEDIUM));
	char hash[HASH_HEX_LENGTH + 1] = "";

	step->layer = layer;
	step->name = str_format("medium %s", layer->name);
	/* What is printed and kept of it: without a password. */
	step->makes = is_url(layer->install.medium) ? url_shown(layer->install.medium)
						    : str_copy(layer->install.medium);
	int r = medium_identify(plan, step, hash, err);
	if (r < 0)
		return r;
	inputs_add(&step->inputs, "medium", step->makes);
	inputs_add(&step->inputs, "sha256", hash);
	inputs_key(&step->inputs, step->key);
	*ret_step = step;
	return 0;
}

/* The medium serves the installation alone: once that is there, nobody asks for it. */
static int install_steps(struct plan *plan, const struct layer *layer, struct step **ret_step,
			 struct err *err)
{
	struct step *medium = NULL;
	int r = medium_step(plan, layer, &medium, err);

	if (r < 0)
		return r;
	struct step *step = step_add(plan, step_new(STEP_INSTALL));
	step->layer = layer;
	step->name = str_format("install %s", layer->name);
	step->base_step = medium;
	step->size_bytes = layer->disk.size_bytes;
	strv_add(&step->reads, medium->name);
	r = install_inputs(plan->stack->name, layer, inputs_value(&medium->inputs, "sha256"),
			   &step->inputs, err);
	if (r < 0)
		return r;
	inputs_key(&step->inputs, step->key);
	object_find(plan, step, INSTALL_DISK);
	medium->cached = step->cached;
	*ret_step = step;
	return 0;
}

static int installed_find(struct plan *plan, const struct layer *layer, struct step **ret_step,
			  struct err *err)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i]->layer == layer && plan->steps[i]->kind == STEP_INSTALL) {
			*ret_step = plan->steps[i];
			return 0;
		}
	return install_steps(plan, layer, ret_step, err);
}

/* The trees that a layer is composed from, or its installed disk. */
static int tree_steps(struct plan *plan, const struct layer *layer, struct step **ret_base,
		      struct step **ret_loader, struct err *err)
{
	struct base_request base = { 0 }, loader = { 0 };

	*ret_loader = NULL;
	if (layer_is_installed(layer))
		return installed_find(plan, layer, ret_base, err);
	int r = base_request_make(layer, &base, err);
	if (r == 0)
		r = bootstrap_step(plan, &base, ret_base, err);
	if (r == 0 && base_request_for_loader(layer, &loader))
		r = bootstrap_step(plan, &loader, ret_loader, err);
	return r;
}

/* "out/l1.raw", or "NAME:/var/lib/xen/images/INNER" for what lies in another layer. */
static char *layer_product(const struct plan *plan, const struct layer *layer)
{
	if (!layer->outer)
		return path_join(plan->out, "l1.raw");
	return str_format("%s:" GUEST_IMAGES_FOLDER "/%s", layer->outer->name, layer->name);
}

static int compose_step(struct plan *plan, const struct layer *layer, struct err *err)
{
	const struct step *before =
		plan->count > plan->first_compose ? plan->steps[plan->count - 1] : NULL;
	struct step *base = NULL, *loader = NULL;
	int r = tree_steps(plan, layer, &base, &loader, err);

	if (r < 0)
		return r;
	assert(base);
	struct step *step = step_add(plan, step_new(STEP_COMPOSE));
	step->name = str_format("compose %s", layer->name);
	step->layer = layer;
	step->base_step = base;
	step->loader_step = loader;
	step->size_bytes = layer->disk.size_bytes;
	strv_add(&step->reads, base->name);
	if (loader)
		strv_add(&step->reads, loader->name);
	if (before)
		strv_add(&step->reads, before->name);
	const struct compose_keys keys = {
		.base = base->key,
		.loader = loader ? loader->key : NULL,
		.before = before ? before->key : NULL,
		.before_name = before ? before->layer->name : NULL,
	};
	r = compose_inputs(plan->stack->name, layer, &keys, &step->inputs, err);
	if (r < 0)
		return r;
	inputs_key(&step->inputs, step->key);
	step->makes = layer_product(plan, layer);
	return 0;
}

static int all_tree_steps(struct plan *plan, struct err *err)
{
	struct step *base, *loader;
	int r = 0;

	for (size_t i = plan->stack->layer_count; r == 0 && i > 0; i--)
		r = tree_steps(plan, plan->stack->layers[i - 1], &base, &loader, err);
	return r;
}

/* The layers are in one image, one put after the other: what is there is there up to the first
 * that differs. An image with more layers than the plan's is none of the plan's. */
static void composed_find(struct plan *plan)
{
	CLEANUP(product_done) struct product product = { 0 };
	size_t layers = plan->count - plan->first_compose;

	product_read(plan->out, &product);
	plan->image_lack = product.lack		    ? product.lack
			   : product.count > layers ? "its image holds more layers"
						    : "its image is not finished";
	for (size_t i = 0; i < layers && i < product.count; i++) {
		struct step *step = plan->steps[plan->first_compose + i];

		if (!product_has(&product, i, step->key) ||
		    (i + 1 == layers && product.count > layers))
			return;
		step->cached = true;
	}
}

/* ---- why a step must run ---- */

static void reasons_find(struct plan *plan)
{
	CLEANUP(history_cleanup) struct history *history = history_read(plan->out);

	for (size_t i = 0; i < plan->count; i++) {
		struct step *step = plan->steps[i];
		const struct inputs *before = history_inputs(history, step->name);
		CLEANUP(free_cleanup)
		char *changed = before ? inputs_changed(before, &step->inputs) : NULL;

		if (step->cached)
			step->reason = str_copy("");
		else if (step->damage)
			step->reason = str_format("damaged: %s", step->damage);
		else if (step->lack)
			step->reason = str_copy(step->lack);
		else if (!before)
			step->reason = str_copy("not built before");
		else if (*changed)
			step->reason = str_format("changed: %s", changed);
		else if (step->kind == STEP_COMPOSE)
			step->reason = str_copy(plan->image_lack);
		else if (step->kind == STEP_MEDIUM)
			step->reason = str_copy("the installation reads it");
		else
			step->reason = str_copy("built before, but no longer there");
	}
}

int plan_make(const struct plan_request *request, struct plan **ret_plan, struct err *err)
{
	CLEANUP(plan_cleanup) struct plan *plan = mem_alloc(sizeof *plan);
	const struct stack *stack = request->stack;
	int r;

	plan->stack = stack;
	plan->store = request->store;
	plan->lock = request->lock;
	plan->offline = request->offline;
	plan->out = str_copy(request->out);
	r = all_tree_steps(plan, err);
	plan->first_compose = plan->count;
	/* The stack has every layer behind the one that it is inside. */
	for (size_t i = 0; r == 0 && i < stack->layer_count; i++)
		r = compose_step(plan, stack->layers[i], err);
	if (r < 0)
		return err_wrap(err, r, "planning %s", stack->name);
	composed_find(plan);
	reasons_find(plan);
	*ret_plan = take(&plan);
	return 0;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->count; i++)
		step_free(plan->steps[i]);
	free(plan->steps);
	free(plan->out);
	free(plan);
}

void plan_cleanup(struct plan **plan)
{
	plan_free(*plan);
}
