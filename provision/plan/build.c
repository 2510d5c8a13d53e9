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
	return r < 0 ? r : store_publish(&object, err);
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

/* The outermost layer, with all that is in it, is the product: it gets its final name only when it
 * is whole. */
static int compose_run(struct plan *plan, struct step *step, struct err *err)
{
	CLEANUP(free_cleanup) char *making = path_join(plan->out, ".making");
	const struct compose_request request = {
		.stack_name = plan->stack->name,
		.layer = step->layer,
		.folder = making,
		.disk_name = "l1.raw",
		.trees_of = trees_of,
		.on_layer = layer_report,
		.context = plan,
	};
	CLEANUP(free_cleanup) char *image = path_join(making, "l1.raw");
	int r = tree_remove(making, err);

	if (r == 0)
		r = dir_make(making, 0700, err);
	if (r == 0)
		r = compose_stack(&request, err);
	if (r == 0)
		r = file_sync(image, err);
	if (r == 0)
		r = history_product_set(plan->out, NULL, err);
	if (r == 0 && rename(image, step->makes) < 0)
		r = err_errno(err, errno, "%s: cannot get its name", step->makes);
	if (r == 0)
		r = dir_sync(plan->out, err);
	if (r == 0)
		r = history_product_set(plan->out, step->key, err);
	int removed = tree_remove(making, r < 0 ? NULL : err);
	return r < 0 ? r : removed;
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

int plan_build(struct plan *plan, struct err *err)
{
	CLEANUP(free_cleanup) char *logs = path_join(plan->out, "logs");
	CLEANUP(fd_cleanup) int lock = -1;
	int r = dir_make(logs, 0755, err);

	if (r == 0)
		r = out_lock(plan->out, &lock, err);
	for (size_t i = 0; r == 0 && i < plan->count; i++)
		r = step_run(plan, i, err);
	return r < 0 ? r : history_write(plan, err);
}
