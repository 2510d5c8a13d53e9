/* Executes a plan. */
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "compose/compose.h"
#include "plan/history.h"
#include "plan/trees.h"
#include "store/gc.h"

static int step_run(struct plan *plan, size_t index, struct err *err);

static int bootstrap_run(struct plan *plan, struct step *step, struct err *err)
{
	CLEANUP(store_object_done) struct store_object object = STORE_OBJECT_INIT;
	CLEANUP(free_cleanup)
	char *log = str_format("%s/logs/bootstrap-%.12s.log", plan->out, step->key);
	bool exists = false;
	int r = store_begin(plan->store, "base", step->key, &object, &exists, err);

	if (r < 0 || exists)
		return r;
	CLEANUP(free_cleanup) char *tar = path_join(object.folder, "tree.tar");
	r = base_bootstrap(&step->base, tar, log, err);
	return r < 0 ? r : store_publish(&object, step->name, &step->inputs, err);
}

static int file_sync(const char *path, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, errno, "%s: cannot be synced", path);
	return 0;
}

static struct compose_trees trees_of(void *context, const struct layer *layer)
{
	const struct step *step = plan_step_of(context, layer);

	return (struct compose_trees){
		.base = step->base_step->makes,
		.loader = step->loader_step ? step->loader_step->makes : NULL,
	};
}

static void step_report(const struct plan *plan, const struct step *step, const char *product,
			double seconds)
{
	double mib = product ? (double)file_allocated_bytes(product) / (1 << 20) : 0;
	size_t number = 1;

	while (plan->steps[number - 1] != step)
		number++;
	log_status("%s", "");
	if (mib > 0)
		log_info("[%zu/%zu] %s: %.1f s, %.0f MiB written", number, plan->count, step->name,
			 seconds, mib);
	else
		log_info("[%zu/%zu] %s: %.1f s", number, plan->count, step->name, seconds);
}

static void layer_report(void *context, const struct layer *layer, double seconds)
{
	const struct plan *plan = context;
	CLEANUP(free_cleanup) char *image = path_join(plan->out, ".making/l1.raw");

	step_report(plan, plan_step_of(plan, layer), layer->outer ? NULL : image, seconds);
}

static int composed_publish(struct plan *plan, struct step *step, const char *image,
			    struct err *err)
{
	int r = file_sync(image, err);

	if (r == 0)
		r = history_product_set(plan->out, NULL, err);
	if (r == 0 && rename(image, step->makes) < 0)
		r = err_errno(err, errno, "%s: cannot get its name", step->makes);
	if (r == 0)
		r = dir_sync(plan->out, err);
	return r < 0 ? r : history_product_set(plan->out, step->key, err);
}

/* The outermost layer, with all that is in it, is the product: it gets its final name only when it
 * is whole and what it was made from is sound. *ret_damaged: a tree is not. */
static int compose_once(struct plan *plan, struct step *step, bool *ret_damaged, struct err *err)
{
	CLEANUP(free_cleanup) char *making = path_join(plan->out, ".making");
	CLEANUP(free_cleanup) char *image = path_join(making, "l1.raw");
	CLEANUP(trees_cleanup) struct trees *trees = NULL;
	const struct compose_request request = {
		.stack_name = plan->stack->name,
		.layer = step->layer,
		.folder = making,
		.disk_name = "l1.raw",
		.trees_of = trees_of,
		.on_layer = layer_report,
		.context = plan,
	};
	int r = trees_open(plan, &trees, err);

	if (r == 0)
		r = tree_remove(making, err);
	if (r == 0)
		r = dir_make(making, 0700, err);
	if (r < 0)
		return r;
	r = compose_stack(&request, err);
	*ret_damaged = trees_damaged(trees);
	if (r == 0 && !*ret_damaged)
		r = composed_publish(plan, step, image, err);
	int removed = tree_remove(making, r < 0 ? NULL : err);
	return r < 0 ? r : removed;
}

static int damaged_remake(struct plan *plan, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		struct step *step = plan->steps[i];

		if (step->kind != STEP_BOOTSTRAP || step->cached || !step->damage)
			continue;
		log_warn("%s is damaged and made anew: %s", step->name, step->damage);
		r = store_remove(plan->store, "base", step->key, err);
		if (r == 0)
			r = step_run(plan, i, err);
	}
	return r;
}

static int compose_run(struct plan *plan, struct step *step, struct err *err)
{
	bool damaged = false;
	int r = compose_once(plan, step, &damaged, err);

	if (!damaged)
		return r;
	err_clear(err);
	r = damaged_remake(plan, err);
	if (r == 0)
		r = compose_once(plan, step, &damaged, err);
	return r == 0 && damaged ? err_set(err, -EIO,
					   "%s: base trees in it are damaged again after they were "
					   "made anew; its disk may be failing",
					   store_path(plan->store))
				 : r;
}

/* A second build of the same stack folder waits in vain: it is told so at once. */
static int out_lock(const char *out, int *ret_lock, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(out, ".lock");
	CLEANUP(fd_cleanup) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(err, errno, "%s: cannot be opened", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, -EBUSY,
			       "%s: another build of this stack is at work; wait for it "
			       "or use another --out",
			       out);
	*ret_lock = fd_take(&fd);
	return 0;
}

static int step_run(struct plan *plan, size_t index, struct err *err)
{
	struct step *step = plan->steps[index];
	double start = clock_seconds();
	int r;

	if (step->cached) {
		log_info("[%zu/%zu] %s: cached", index + 1, plan->count, step->name);
		return 0;
	}
	if (step->kind == STEP_COMPOSE && step->layer->outer)
		return 0; /* is written into the outermost one */
	if (spawn_stop_signal())
		return err_set(err, -EINTR, "stopped by a signal; what is finished is kept");
	log_status("[%zu/%zu] %s ...", index + 1, plan->count, step->name);
	if (step->kind == STEP_COMPOSE)
		return compose_run(plan, step, err);
	r = bootstrap_run(plan, step, err);
	if (r < 0)
		return err_wrap(err, r, "%s", step->name);
	step_report(plan, step, step->makes, clock_seconds() - start);
	return 0;
}

/* A store that cannot be written keeps what it has: nobody can collect there. */
static int root_add(const struct plan *plan, struct err *err)
{
	int r = store_root_add(plan->store, plan->out, err);

	if (r != -EACCES && r != -EROFS)
		return r;
	err_clear(err);
	return 0;
}

int plan_build(struct plan *plan, struct err *err)
{
	CLEANUP(free_cleanup) char *logs = path_join(plan->out, "logs");
	CLEANUP(fd_cleanup) int lock = -1;
	int r = dir_make(logs, 0755, err);

	if (r == 0)
		r = out_lock(plan->out, &lock, err);
	for (size_t i = 0; r == 0 && i < plan->count; i++)
		r = step_run(plan, i, err);
	if (r == 0)
		r = history_write(plan, err);
	return r < 0 ? r : root_add(plan, err);
}
