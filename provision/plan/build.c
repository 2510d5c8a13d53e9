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

/* ---- telling ---- */

static int stop_check(struct err *err)
{
	if (spawn_stop_signal())
		return err_set(err, -EINTR, "stopped by a signal; what is finished is kept");
	return 0;
}

static size_t step_number(const struct plan *plan, const struct step *step)
{
	size_t number = 1;

	while (plan->steps[number - 1] != step)
		number++;
	return number;
}

/* "[2/5] bootstrap leaf bookworm"; the caller frees. */
static char *step_label(const struct plan *plan, const struct step *step)
{
	return str_format("[%zu/%zu] %s", step_number(plan, step), plan->count, step->name);
}

/* product: the file that was made, or NULL. */
static void step_report(const char *label, const char *product, double seconds)
{
	double mib = product ? (double)file_allocated_bytes(product) / (1 << 20) : 0;

	log_status("%s", "");
	if (mib > 0)
		log_info("%s: %.1f s, %.0f MiB written", label, seconds, mib);
	else
		log_info("%s: %.1f s", label, seconds);
}

/* ---- what the store keeps ---- */

static void damage_tell(const struct step *step)
{
	if (step->damage)
		log_warn("%s is damaged and made anew: %s", step->name, step->damage);
}

static int object_run(const struct build *build, struct step *step, struct err *err)
{
	CLEANUP(free_cleanup) char *label = step_label(build->plan, step);
	double start = clock_seconds();
	int r = step->cached ? 0 : stop_check(err);

	if (r == 0)
		r = object_provide(build->plan, step, build->options, label, err);
	if (r < 0)
		return step->kind == STEP_INSTALL ? r : err_wrap(err, r, "%s", step->name);
	free(take(&step->damage));
	if (r > 0)
		step_report(label, step->makes, clock_seconds() - start);
	else
		log_info("%s: cached", label);
	return 0;
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
	CLEANUP(free_cleanup) char *label = step_label(plan, step);
	double start = clock_seconds();
	int r = stop_check(err);

	product_add(product, step->key);
	if (r == 0 && !*image)
		r = compose_begin(&request, path, image, err);
	if (r == 0 && index > 0)
		r = product_layer_begin(plan->out, *image, index, &undo, err);
	request.image = *image;
	if (r == 0)
		r = compose_layer(&request, err);
	if (r == 0 && undo)
		r = product_layer_end(*image, take(&undo), &product->layers[index], err);
	if (r == 0)
		step_report(label, index == 0 ? image_path(*image) : NULL, clock_seconds() - start);
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

static bool is_damaged(const struct step *step)
{
	return step_is_stored(step->kind) && !step->cached && step->damage;
}

/* Another build may have found the same damage. Each lets go of all that is damaged before it waits
 * for the other, or they would wait for one another. */
static int damaged_discard(struct plan *plan, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < plan->count; i++)
		if (is_damaged(plan->steps[i]))
			object_release(plan->steps[i]);
	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		if (!is_damaged(plan->steps[i]))
			continue;
		damage_tell(plan->steps[i]);
		r = store_discard(plan->store, BASE_KIND, plan->steps[i]->key, err);
	}
	return r;
}

static int damaged_remake(const struct build *build, struct err *err)
{
	struct plan *plan = build->plan;
	int r = damaged_discard(plan, err);

	for (size_t i = 0; r == 0 && i < plan->count; i++)
		if (is_damaged(plan->steps[i]))
			r = object_run(build, plan->steps[i], err);
	return r;
}

/* The whole image needs trees that its last layers did not, and one of those may be damaged too;
 * what was made anew is not looked at again. */
static int compose_run(const struct build *build, size_t first, struct err *err)
{
	struct plan *plan = build->plan;
	bool damaged = false;
	int r = compose_once(plan, first, &damaged, err);

	while (damaged) {
		err_clear(err);
		r = damaged_remake(build, err);
		if (r < 0)
			return r;
		r = compose_once(plan, plan->first_compose, &damaged, err);
	}
	return r;
}

/* ---- any step ---- */

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

static int medium_step_run(struct plan *plan, struct step *step, const char *label, struct err *err)
{
	double start = clock_seconds();
	int r = stop_check(err);

	if (r == 0)
		r = medium_run(plan, step, err);
	if (r < 0)
		return err_wrap(err, r, "%s", step->name);
	step_report(label, NULL, clock_seconds() - start);
	return 0;
}

static int step_run(const struct build *build, size_t index, struct err *err)
{
	struct step *step = build->plan->steps[index];
	CLEANUP(free_cleanup) char *label = step_label(build->plan, step);

	damage_tell(step);
	if (step_is_stored(step->kind))
		return object_run(build, step, err);
	if (!step->cached)
		return step->kind == STEP_COMPOSE ? compose_run(build, index, err)
						  : medium_step_run(build->plan, step, label, err);
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

/* Other steps took minutes, and the plan was made before the folder was ours: what it found
 * composed may be another image now, because its machine ran, say. */
static void composed_look_again(struct plan *plan)
{
	CLEANUP(product_done) struct product product = { 0 };
	bool there = true;

	product_read(plan->out, &product);
	for (size_t i = plan->first_compose; i < plan->count; i++) {
		struct step *step = plan->steps[i];

		if (there && !product_has(&product, i - plan->first_compose, step->key)) {
			there = false;
			if (step->cached)
				log_info(
					"%s: is made anew: the image changed since the plan was made",
					step->name);
		}
		step->cached = step->cached && there;
	}
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
		if (i == plan->first_compose)
			composed_look_again(plan);
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
	if (r == 0)
		temps_remove(plan->out);
	if (r == 0)
		r = all_run(&build, err);
	for (size_t i = 0; i < plan->count; i++)
		object_release(plan->steps[i]);
	return r;
}
