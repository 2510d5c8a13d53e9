#include "plan/object.h"

#include <errno.h>

#include "base/fs.h"
#include "base/log.h"
#include "plan/installing.h"

#define TRIES 3

static int bootstrap_run(struct plan *plan, struct step *step, struct err *err)
{
	CLEANUP(store_object_done)
	struct store_object object = { .lock = -1, .again = step->again };
	CLEANUP(free_cleanup)
	char *log = str_format("%s/logs/bootstrap-%.12s.log", plan->out, step->key);
	bool exists = false;
	int r = store_begin(plan->store, BASE_KIND, step->key, &object, &exists, err);

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

void object_release(struct step *step)
{
	fd_cleanup(&step->hold);
	step->hold = -1;
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

static int object_make(struct plan *plan, struct step *step, const struct build_options *options,
		       const char *label, struct err *err)
{
	log_status("%s ...", label);
	if (step->kind == STEP_BOOTSTRAP)
		return bootstrap_run(plan, step, err);
	int r = medium_provide(plan, step->base_step, err);
	return r < 0 ? r : installation_run(plan, step, options, label, err);
}

/* Until it is held others may remove it: then it is made once more; in the place of one that is
 * whole and has not what the step makes. */
int object_provide(struct plan *plan, struct step *step, const struct build_options *options,
		   const char *label, struct err *err)
{
	int made = 0;

	for (int i = 0; i < TRIES; i++) {
		int r = 0;

		if (!step->cached) {
			made = 1;
			r = object_make(plan, step, options, label, err);
		}
		if (r == 0)
			r = store_hold(plan->store, BASE_KIND, step->key, &step->hold, err);
		if (r < 0)
			return r;
		if (path_exists(step->makes))
			return made;
		object_release(step);
		step->cached = false;
		step->again = step->again || store_has(plan->store, BASE_KIND, step->key, NULL);
	}
	return err_set(err, -EIO,
		       "%s: is not there, though it was made %d times: its maker makes nothing, or "
		       "another program removes it",
		       step->makes, TRIES);
}
