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

/* Folders with what the inner layers' steps made; the caller frees the list. */
static struct strv inner_folders(const struct plan *plan, const struct layer *layer)
{
	struct strv folders = { 0 };

	for (size_t i = 0; i < layer->inner_count; i++)
		strv_add(&folders, plan_step_of(plan, layer->inner[i])->makes);
	return folders;
}

static int compose_into(const struct plan *plan, const struct step *step, const char *folder,
			const char *disk_name, struct err *err)
{
	CLEANUP(strv_done) struct strv inner = inner_folders(plan, step->layer);
	const struct compose_request request = {
		.stack_name = plan->stack->name,
		.layer = step->layer,
		.base_tar = step->base_step->makes,
		.loader_tar = step->loader_step ? step->loader_step->makes : NULL,
		.inner_folders = (const char *const *)inner.items,
		.folder = folder,
		.disk_name = disk_name,
	};

	return compose_layer(&request, err);
}

static int inner_run(struct plan *plan, struct step *step, struct err *err)
{
	CLEANUP(store_object_done) struct store_object object = STORE_OBJECT_INIT;
	bool exists = false;
	int r = store_begin(plan->store, "layer", step->key, &object, &exists, err);

	if (r < 0 || exists)
		return r;
	r = compose_into(plan, step, object.folder, "disk0.raw", err);
	return r < 0 ? r : store_publish(&object, err);
}

static int file_sync(const char *path, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, errno, "%s: cannot be synced", path);
	return 0;
}

/* The outermost layer is the product: it gets its final name only when it is whole. */
static int outer_run(struct plan *plan, struct step *step, struct err *err)
{
	CLEANUP(free_cleanup) char *making = path_join(plan->out, ".making");
	CLEANUP(free_cleanup) char *image = path_join(making, "l1.raw");
	int r = tree_remove(making, err);

	if (r == 0)
		r = dir_make(making, 0700, err);
	if (r == 0)
		r = compose_into(plan, step, making, "l1.raw", err);
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

static int step_run(struct plan *plan, struct step *step, struct err *err)
{
	if (step->kind == STEP_BOOTSTRAP)
		return bootstrap_run(plan, step, err);
	return step->layer->outer ? inner_run(plan, step, err) : outer_run(plan, step, err);
}

static char *product_path(const struct step *step)
{
	if (step->kind == STEP_COMPOSE && step->layer->outer)
		return path_join(step->makes, "disk0.raw");
	return str_copy(step->makes);
}

static void step_report(size_t number, size_t count, const struct step *step, double seconds)
{
	CLEANUP(free_cleanup) char *path = product_path(step);
	double mib = (double)file_allocated_bytes(path) / (1 << 20);

	if (mib > 0)
		log_info("[%zu/%zu] %s: %.1f s, %.0f MiB written", number, count, step->name,
			 seconds, mib);
	else
		log_info("[%zu/%zu] %s: %.1f s", number, count, step->name, seconds);
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

int plan_build(struct plan *plan, struct err *err)
{
	CLEANUP(free_cleanup) char *logs = path_join(plan->out, "logs");
	CLEANUP(fd_cleanup) int lock = -1;
	int r = dir_make(logs, 0755, err);

	if (r == 0)
		r = out_lock(plan->out, &lock, err);
	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		struct step *step = plan->steps[i];
		double start = clock_seconds();

		if (step->cached) {
			log_info("[%zu/%zu] %s: cached", i + 1, plan->count, step->name);
			continue;
		}
		if (spawn_stop_signal())
			r = err_set(err, -EINTR, "stopped by a signal; what is finished is kept");
		log_status("[%zu/%zu] %s ...", i + 1, plan->count, step->name);
		if (r == 0)
			r = step_run(plan, step, err);
		log_status("%s", "");
		if (r == 0)
			step_report(i + 1, plan->count, step, clock_seconds() - start);
		else
			err_wrap(err, r, "%s", step->name);
	}
	return r < 0 ? r : history_write(plan, err);
}
