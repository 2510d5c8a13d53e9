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
#include "image/undo.h"
#include "plan/history.h"
#include "plan/installing.h"
#include "plan/object.h"
#include "plan/product.h"
#include "plan/trees.h"
#include "store/gc.h"

struct build {
	struct plan *plan;
	const struct build_options *options;
};

static int step_run(const struct build *build, size_t index, struct err *err);

static int bootstrap_run(struct plan *plan, struct step *step, struct err *err)
{
	CLEANUP(store_object_done) struct store_object object = STORE_OBJECT_INIT;
	CLEANUP(free_cleanup)
	char *log = str_format("%s/logs/bootstrap-%.12s.log", plan->out, step->key);
	bool exists = false;
	int r = object_begin(plan, step, &object, &exists, err);

	if (r < 0 || exists)
		return r;
	const struct base_options options = {
		.store = plan->store,
		.locked = step->locked,
		.offline = plan->offline,
		.log_path = log,
	};
	r = base_bootstrap(&step->base, &options, object.folder, err);
	return r < 0 ? r : store_publish(&object, step->name, &step->inputs, err);
}

static void hold_release(struct step *step)
{
	fd_cleanup(&step->hold);
	step->hold = -1;
}

static void damage_tell(struct step *step)
{
	CLEANUP(free_cleanup) char *damage = take(&step->damage);

	if (damage)
		log_warn("%s is damaged and made anew: %s", step->name, damage);
}

/* The medium of a disk that was there is looked at when the disk must be made after all. */
static int medium_provide(struct plan *plan, struct step *medium, struct err *err)
{
	if (!medium->cached)
		return 0;
	medium->cached = false;
	int r = medium_look(medium, err);
	return r < 0 ? r : medium_run(plan, medium, err);
}

static int object_make(const struct build *build, struct step *step, const char *label,
		       struct err *err)
{
	log_status("%s ...", label);
	if (step->kind == STEP_BOOTSTRAP)
		return bootstrap_run(build->plan, step, err);
	int r = medium_provide(build->plan, step->base_step, err);
	return r < 0 ? r : installation_run(build->plan, step, build->options, label, err);
}

/* The object is there, and held to the end of the build. Until it is held others may remove it:
 * then it is made once more. */
static int object_provide(const struct build *build, struct step *step, const char *label,
			  bool *ret_made, struct err *err)
{
	*ret_made = false;
	for (;;) {
		int r = 0;

		damage_tell(step);
		if (!step->cached) {
			*ret_made = true;
			r = object_make(build, step, label, err);
		}
		if (r == 0)
			r = store_hold(build->plan->store, "base", step->key, &step->hold, err);
		if (r < 0 || path_exists(step->makes))
			return r;
		hold_release(step);
		step->cached = false;
	}
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

/* ---- composing ---- */

/* Another program has it, it cannot be read, or what was overwritten is not known: the image is
 * made anew. */
static bool is_no_base(int r)
{
	static const int reasons[] = { -EBUSY, -EBADMSG, -ENOENT, -EFBIG, -EIO, -EACCES };

	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (r == reasons[i])
			return true;
	return false;
}

/* The image up to the first layer that must be put; *first falls to the outermost one where the
 * image that is there cannot be edited: then *ret_image is NULL, and a new one begins at *ret_path.
 */
static int image_begin(struct plan *plan, size_t *first, struct product *product,
		       struct image **ret_image, char **ret_path, struct err *err)
{
	size_t kept = *first - plan->first_compose;

	product_done(product);
	product_read(plan->out, product);
	if (kept > 0) {
		int r = product_reopen(plan->out, product, kept, ret_image, err);

		if (!is_no_base(r))
			return r;
		log_info("the whole image is made anew: %s", err->text);
		err_clear(err);
	}
	product_done(product);
	*first = plan->first_compose;
	return product_begin(plan->out, ret_path, err);
}

static int layer_put(struct plan *plan, const struct step *step, const char *path,
		     struct image **image, struct product *product, struct err *err)
{
	CLEANUP(free_cleanup) char *scratch = product_scratch(plan->out);
	struct compose_request request = {
		.stack_name = plan->stack->name,
		.layer = step->layer,
		.trees = { .base = step->base_step->makes,
			   .loader = step->loader_step ? step->loader_step->makes : NULL },
		.scratch = scratch,
	};
	CLEANUP(undo_cleanup) struct undo *undo = NULL;
	size_t index = product->count;
	double start = clock_seconds();
	int r = 0;

	if (spawn_stop_signal())
		return err_set(err, -EINTR, "stopped by a signal; what is finished is kept");
	product_add(product, step->key);
	if (!*image)
		r = compose_begin(&request, path, image, err);
	if (r == 0 && index > 0)
		r = product_layer_begin(plan->out, *image, index, &undo, err);
	request.image = *image;
	if (r == 0)
		r = compose_layer(&request, err);
	if (r == 0 && undo)
		r = product_layer_end(*image, take(&undo), &product->layers[index], err);
	if (r == 0)
		step_report(plan, step, index == 0 ? image_path(*image) : NULL,
			    clock_seconds() - start);
	return r;
}

/* Every tree is held, and verified while it is read. *ret_damaged: one is not sound. */
static int layers_put(struct plan *plan, size_t first, struct product *product, bool *ret_damaged,
		      struct err *err)
{
	CLEANUP(image_cleanup) struct image *image = NULL;
	CLEANUP(free_cleanup) char *path = NULL;
	CLEANUP(trees_cleanup) struct trees *trees = NULL;
	int r = image_begin(plan, &first, product, &image, &path, err);

	if (r == 0)
		r = trees_open(plan, first, &trees, err);
	for (size_t i = first; r == 0 && i < plan->count; i++)
		r = layer_put(plan, plan->steps[i], path, &image, product, err);
	*ret_damaged = trees && trees_damaged(trees);
	return r;
}

/* The image gets its name only when it is whole and what it was made from is sound. */
static int compose_once(struct plan *plan, size_t first, bool *ret_damaged, struct err *err)
{
	CLEANUP(product_done) struct product product = { 0 };
	int r = layers_put(plan, first, &product, ret_damaged, err);

	if (r == 0 && !*ret_damaged)
		r = product_publish(plan->out, &product, err);
	int removed = product_clear(plan->out, r < 0 ? NULL : err);
	return r < 0 ? r : removed;
}

static int damaged_remake(const struct build *build, struct err *err)
{
	struct plan *plan = build->plan;
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		struct step *step = plan->steps[i];

		if (!step_is_stored(step->kind) || step->cached || !step->damage)
			continue;
		hold_release(step);
		damage_tell(step);
		r = store_discard(plan->store, "base", step->key, err);
		if (r == 0)
			r = step_run(build, i, err);
	}
	return r;
}

static int compose_run(const struct build *build, size_t first, struct err *err)
{
	struct plan *plan = build->plan;
	bool damaged = false;
	int r = compose_once(plan, first, &damaged, err);

	if (!damaged)
		return r;
	err_clear(err);
	r = damaged_remake(build, err);
	if (r == 0)
		r = compose_once(plan, plan->first_compose, &damaged, err);
	return r == 0 && damaged ? err_set(err, -EIO,
					   "%s: base trees in it are damaged again after they were "
					   "made anew; its disk may be failing",
					   store_path(plan->store))
				 : r;
}

/* A second build of the same stack folder waits in vain: it is told so at once. */
int plan_lock_out(const char *out, int *ret_lock, struct err *err)
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

static int step_run(const struct build *build, size_t index, struct err *err)
{
	struct plan *plan = build->plan;
	struct step *step = plan->steps[index];
	CLEANUP(free_cleanup)
	char *label = str_format("[%zu/%zu] %s", index + 1, plan->count, step->name);
	double start = clock_seconds();

	bool made = !step->cached;
	int r = 0;

	if (made && spawn_stop_signal())
		return err_set(err, -EINTR, "stopped by a signal; what is finished is kept");
	if (made && step->kind == STEP_COMPOSE)
		return compose_run(build, index, err);
	if (made && step->kind == STEP_MEDIUM)
		r = medium_run(plan, step, err);
	if (step_is_stored(step->kind))
		r = object_provide(build, step, label, &made, err);
	if (r < 0)
		return step->kind == STEP_INSTALL ? r : err_wrap(err, r, "%s", step->name);
	if (made)
		step_report(plan, step, step_is_stored(step->kind) ? step->makes : NULL,
			    clock_seconds() - start);
	else
		log_info("%s: cached", label);
	return 0;
}

/* ---- a single step, asked for by name ---- */

static int step_find(const struct plan *plan, const char *name, size_t *ret_index, struct err *err)
{
	CLEANUP(buf_done) struct buf names = { 0 };

	for (size_t i = 0; i < plan->count; i++) {
		if (str_equal(plan->steps[i]->name, name)) {
			*ret_index = i;
			return 0;
		}
		buf_format(&names, "%s\"%s\"", i ? ", " : "", plan->steps[i]->name);
	}
	return err_set(err, -EINVAL, "--step: \"%s\" is no step of this plan; its steps are %s",
		       name, buf_str(&names));
}

/* A layer takes those that were put after it along; an installation wants its medium. */
static void step_mark_again(struct plan *plan, size_t index)
{
	struct step *step = plan->steps[index];

	step->again = true;
	step->cached = false;
	if (step->kind == STEP_INSTALL)
		step->base_step->cached = false;
	for (size_t i = index; step->kind == STEP_COMPOSE && i < plan->count; i++)
		plan->steps[i]->cached = false;
}

static bool is_needed_by(const struct plan *plan, const struct step *target, size_t index)
{
	const struct step *step = plan->steps[index];

	return !target || target->kind == STEP_COMPOSE || step == target ||
	       step == target->base_step;
}

/* Before minutes are spent on other steps. */
static int media_look(const struct plan *plan, const struct step *target, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->first_compose; i++)
		if (!plan->steps[i]->cached && is_needed_by(plan, target, i))
			r = medium_look(plan->steps[i], err);
	return r;
}

/* The first layer that changed takes all behind it along. target NULL: every step. */
static int steps_run(const struct build *build, const struct step *target, struct err *err)
{
	struct plan *plan = build->plan;
	bool composed = false;
	int r = media_look(plan, target, err);

	for (size_t i = 0; r == 0 && i < plan->count && !composed; i++) {
		if (!is_needed_by(plan, target, i))
			continue;
		composed = plan->steps[i]->kind == STEP_COMPOSE && !plan->steps[i]->cached;
		r = step_run(build, i, err);
	}
	return r;
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

/* The history is of whole builds. */
static int all_run(const struct build *build, struct err *err)
{
	struct plan *plan = build->plan;
	const char *name = build->options->step;
	struct step *target = NULL;
	size_t index = 0;
	int r = name ? step_find(plan, name, &index, err) : 0;

	if (r == 0)
		r = installations_clear(plan, err);
	if (r == 0 && name) {
		step_mark_again(plan, index);
		target = plan->steps[index];
	}
	if (r == 0)
		r = steps_run(build, target, err);
	if (r == 0 && (!target || target->kind == STEP_COMPOSE))
		r = history_write(plan, err);
	return r < 0 ? r : root_add(plan, err);
}

int plan_build(struct plan *plan, const struct build_options *options, struct err *err)
{
	const struct build build = { .plan = plan, .options = options };
	CLEANUP(free_cleanup) char *logs = path_join(plan->out, "logs");
	CLEANUP(fd_cleanup) int lock = -1;
	int r = dir_make(logs, 0755, err);

	if (r == 0)
		r = plan_lock_out(plan->out, &lock, err);
	return r < 0 ? r : all_run(&build, err);
}
