/* The base tree that the netboot system is made from. */
#include <errno.h>
#include <string.h>

#include "base/data.h"
#include "base/fs.h"
#include "pattern/pattern.h"
#include "pxe/images_internal.h"

/* A stack whose base tree has a kernel for any machine, where the lab's own have none. */
#define TREE_STACK  "profiles/xen-l1.yaml"
#define TREE_FOLDER ".netboot-tree" /* no machine has such a name */

static enum tree_rank tree_rank(const struct step *step)
{
	const struct layer *layer = step->layer;
	const struct step *base = step->base_step;

	if (base->kind != STEP_BOOTSTRAP || layer->pattern->initramfs != INITRAMFS_ROOT)
		return TREE_NONE;
	if (layer->os_family != OS_DEBIAN)
		return layer->outer ? TREE_NONE : TREE_OTHER_FAMILY;
	return layer->outer ? TREE_INNER : TREE_OUTERMOST;
}

void images_tree_look(struct lab_images *images, const struct plan *plan,
		      const struct lab_machine *machine)
{
	for (size_t i = plan->first_compose; i < plan->count; i++) {
		enum tree_rank rank = tree_rank(plan->steps[i]);

		if (rank <= images->rank)
			continue;
		images->rank = rank;
		images->tree_machine = machine;
		memcpy(images->tree_key, plan->steps[i]->base_step->key, sizeof images->tree_key);
	}
}

static struct step *step_by_key(const struct plan *plan, const char *key)
{
	for (size_t i = 0; i < plan->count; i++)
		if (str_equal(plan->steps[i]->key, key))
			return plan->steps[i];
	return NULL;
}

/* It is held from here on, unless another has removed it meanwhile: then it is made once more. */
static int tree_provide(struct lab_images *images, struct plan *plan, const struct step *step,
			struct err *err)
{
	const struct build_options options = { .accel = images->request.accel, .step = step->name };
	int r = 0;

	for (int tries = 0; r == 0 && tries < 2; tries++) {
		if (tries > 0 || !step->cached)
			r = plan_build(plan, &options, err);
		if (r == 0)
			r = store_hold(images->request.store, BASE_KIND, step->key,
				       &images->tree_hold, err);
		if (r < 0)
			return r;
		if (path_exists(step->makes)) {
			images->tree = str_copy(step->makes);
			return 0;
		}
		fd_cleanup(&images->tree_hold);
		images->tree_hold = -1;
	}
	return err_set(err, -EIO, "%s: is not there, though it was made", step->makes);
}

static int tree_of_lab(struct lab_images *images, struct err *err)
{
	CLEANUP(machine_plan_done) struct machine_plan plan = { 0 };
	CLEANUP(free_cleanup) char *out = images_machine_folder(images, images->tree_machine);
	int r = images_plan(images, images->tree_machine->stack, out, &plan, err);

	if (r < 0)
		return r;
	const struct step *step = step_by_key(plan.plan, images->tree_key);
	return step ? tree_provide(images, plan.plan, step, err)
		    : err_set(err, -EAGAIN, "%s: changed while its images were made",
			      images->tree_machine->stack->path);
}

static int tree_of_its_own(struct lab_images *images, struct err *err)
{
	CLEANUP(free_cleanup) char *out = path_join(images->folder, TREE_FOLDER);
	CLEANUP(free_cleanup) char *path = NULL;
	CLEANUP(stack_cleanup) struct stack *stack = NULL;
	CLEANUP(machine_plan_done) struct machine_plan plan = { 0 };
	int r = data_path(TREE_STACK, &path, err);

	if (r == 0)
		r = stack_load(path, &stack, err);
	if (r == 0)
		r = images_plan(images, stack, out, &plan, err);
	if (r != 0)
		return r;
	const struct step *compose = plan_step_of(plan.plan, stack->layers[0]);
	return tree_provide(images, plan.plan, compose->base_step, err);
}

int lab_images_tree(struct lab_images *images, const char **ret_path, struct err *err)
{
	int r = 0;

	if (!images->tree && lab_has_netboot(images->request.lab))
		r = images->rank == TREE_NONE ? tree_of_its_own(images, err)
					      : tree_of_lab(images, err);
	if (r < 0)
		return err_wrap(err, r, "the tree of the netboot system");
	*ret_path = images->tree;
	return 0;
}
