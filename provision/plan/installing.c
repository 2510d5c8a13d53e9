#include "plan/installing.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "install/install.h"

#define WORK   "install" /* out/install/LAYER: a disk in the making */
#define FAILED "failed"	 /* out/failed/LAYER: what there was when it failed */

int medium_look(const struct step *step, struct err *err)
{
	if (!step->lack)
		return 0;
	return err_set(err, -ENOENT,
		       "%s: put the installer's medium of %s there, or name another as "
		       "install.medium in the profile",
		       step->lack, step->layer->name);
}

int medium_run(struct plan *plan, struct step *step, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = path_join(store_path(plan->store), "media");
	char *path = NULL;
	int r = install_medium_bring(step->layer, folder, plan->offline, &path, err);

	if (r < 0)
		return r;
	free(step->makes);
	step->makes = path;
	return 0;
}

/* ---- into the store ---- */

/* A second name for the disk, so that nothing is lost if the store fails; a sparse copy where the
 * store lies on another file system. */
static int disk_give(const char *from, const char *to, struct err *err)
{
	if (link(from, to) == 0)
		return 0;
	return file_copy_new(from, to, 0600, err);
}

static int disk_publish(struct plan *plan, struct step *step, const char *work, struct err *err)
{
	CLEANUP(store_object_done)
	struct store_object object = { .lock = -1, .again = step->again };
	CLEANUP(free_cleanup) char *from = path_join(work, INSTALL_DISK);
	bool exists = false;
	int r = store_begin(plan->store, BASE_KIND, step->key, &object, &exists, err);

	if (r < 0 || exists)
		return r;
	CLEANUP(free_cleanup) char *to = path_join(object.folder, INSTALL_DISK);
	r = disk_give(from, to, err);
	return r < 0 ? r : store_publish(&object, step->name, &step->inputs, err);
}

/* ---- what a failure leaves ---- */

/* A disk that missed the store is worth more than one that is not complete: --resume takes it. The
 * newer reason goes beside it. */
static void complete_leave(const char *work, const char *kept, const char *text, int code,
			   struct err *err)
{
	CLEANUP(free_cleanup) char *reason = path_join(kept, "reason");
	CLEANUP(err_clear) struct err own = { 0 };
	int r = tree_remove(work, &own);

	if (r == 0)
		r = file_write(reason, text, strlen(text), 0600, &own);
	if (r < 0)
		log_warn("%s", own.text);
	err_set(err, code,
		"%.*s\na disk that an earlier build installed is still there: %s/" INSTALL_DISK
		" (--resume takes it)",
		(int)strlen(text) - 1, text, kept);
}

/* All that helps to see why, and to go on: the disk as it is, and the reason. */
static void failure_keep(const struct plan *plan, const struct step *step, const char *work,
			 const char *kept, int code, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = path_join(plan->out, FAILED);
	CLEANUP(free_cleanup) char *reason = path_join(kept, "reason");
	CLEANUP(free_cleanup) char *disk = path_join(kept, INSTALL_DISK);
	CLEANUP(free_cleanup) char *text = str_format("%s: %s\n", step->name, err->text);
	struct err own = { 0 };

	if (install_is_complete(kept, step->key) && !install_is_complete(work, step->key)) {
		complete_leave(work, kept, text, code, err);
		return;
	}
	int r = path_exists(work) ? tree_remove(kept, &own) : -ENOENT;
	if (r == 0)
		r = dir_make(folder, 0755, &own);
	if (r == 0 && rename(work, kept) < 0)
		r = err_errno(&own, errno, "%s: cannot be kept as %s", work, kept);
	if (r == 0)
		r = file_write(reason, text, strlen(text), 0600, &own);
	if (r == 0 && path_exists(disk))
		err_set(err, code, "%.*s\ndisk so far: %s", (int)strlen(text) - 1, text, disk);
	else if (r < 0 && own.text)
		log_warn("%s", own.text);
	err_clear(&own);
}

/* ---- the step ---- */

static int install_anew(struct plan *plan, const struct step *step,
			const struct build_options *options, const char *label, const char *work,
			struct err *err)
{
	CLEANUP(free_cleanup) char *logs = path_join(plan->out, "logs");
	const struct install_request request = {
		.layer = step->layer,
		.stack_name = plan->stack->name,
		.medium = step->base_step->makes,
		.key = step->key,
		.work = work,
		.logs = logs,
		.driver = options->driver ? options->driver : l0_driver_default(),
		.accel = options->accel ? options->accel : "auto",
		.bridge = options->bridge,
		.label = label,
	};

	return install_run(&request, err);
}

/* What a killed build left complete is not lost before there is another. */
static int complete_keep(const struct plan *plan, const struct step *step, const char *work,
			 const char *kept, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = path_join(plan->out, FAILED);
	int r = 0;

	if (!install_is_complete(work, step->key))
		return 0;
	r = tree_remove(kept, err);
	if (r == 0)
		r = dir_make(folder, 0755, err);
	if (r == 0 && rename(work, kept) < 0)
		r = err_errno(err, errno, "%s: cannot be kept as %s", work, kept);
	return r;
}

/* NULL: nothing to go on from. */
static const char *complete_find(const struct step *step, const char *work, const char *kept)
{
	if (install_is_complete(work, step->key))
		return work;
	return install_is_complete(kept, step->key) ? kept : NULL;
}

int installation_run(struct plan *plan, struct step *step, const struct build_options *options,
		     const char *label, struct err *err)
{
	CLEANUP(free_cleanup) char *works = path_join(plan->out, WORK);
	CLEANUP(free_cleanup) char *work = path_join(works, step->layer->name);
	CLEANUP(free_cleanup) char *failures = path_join(plan->out, FAILED);
	CLEANUP(free_cleanup) char *kept = path_join(failures, step->layer->name);
	const char *from = options->resume ? complete_find(step, work, kept) : NULL;
	int r = 0;

	if (from) {
		log_info("%s: its installer was done, going on from %s", label, from);
	} else {
		if (options->resume)
			log_info("%s: begins anew: no installer has ended with this medium and "
				 "profile",
				 label);
		from = work;
		r = complete_keep(plan, step, work, kept, err);
		if (r < 0)
			return r;
		r = install_anew(plan, step, options, label, work, err);
	}
	if (r == 0)
		r = disk_publish(plan, step, from, err);
	if (r < 0) {
		if (from == work)
			failure_keep(plan, step, work, kept, r, err);
		rmdir(works);
		return r;
	}
	r = tree_remove(work, err);
	if (r == 0)
		r = tree_remove(kept, err);
	rmdir(works);
	rmdir(failures);
	return r;
}

/* The layer's disk is in the store. */
static bool is_stored(const struct plan *plan, const char *layer)
{
	for (size_t i = 0; i < plan->first_compose; i++) {
		const struct step *step = plan->steps[i];

		if (step->kind == STEP_INSTALL && str_equal(step->layer->name, layer))
			return step->cached;
	}
	return false;
}

/* Whatever is there: the layer may have another name by now, or be no longer in the stack. */
int installations_clear(const struct plan *plan, struct err *err)
{
	CLEANUP(free_cleanup) char *works = path_join(plan->out, WORK);
	DIR *dir = opendir(works);
	struct dirent *entry;
	int r = 0;

	while (r == 0 && dir && (entry = readdir(dir))) {
		CLEANUP(free_cleanup) char *work = path_join(works, entry->d_name);

		if (entry->d_name[0] != '.')
			r = is_stored(plan, entry->d_name) ? tree_remove(work, err)
							   : install_clear(work, err);
	}
	if (dir)
		closedir(dir);
	rmdir(works);
	return r;
}
