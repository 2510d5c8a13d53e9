#include "cmd/lock.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "cmd/build_request.h"

static const struct option_row options[] = {
	{ "output", 'o', "FILE", "the lock file (default: beside STACK, as STACK.lock)" },
	{ "store", 0, "DIR",
	  "the store, for the sums of installers' media (default: ~/.cache/nestctl)" },
	{ NULL, 0, NULL, NULL },
};

/* Two trees of the same packages, with other locales say, are one in the lock file. */
static int tree_lock(const struct step *step, const char *lists, struct lock *lock, struct err *err)
{
	CLEANUP(free_cleanup)
	char *name = str_format("%s %s", step->base.name, step->base.release);
	uint64_t bytes = 0;

	if (lock_find(lock, step->request))
		return 0;
	if (spawn_stop_signal())
		return err_set(err, -EINTR, "stopped by a signal");
	struct lock_tree *tree = lock_add(lock, name, step->request);
	int r = base_resolve(&step->base, &(struct base_options){ .lists = lists }, &tree->packages,
			     err);

	if (r < 0)
		return err_wrap(err, r, "%s", tree->name);
	for (size_t i = 0; i < tree->packages.count; i++)
		bytes += tree->packages.items[i].size_bytes;
	log_info("%s: %zu packages, %.1f MiB", tree->name, tree->packages.count,
		 (double)bytes / (1 << 20));
	return 0;
}

/* A lock file must not take the place of what it is made from ("lab.lock" as a stack). */
static int path_check(const struct stack *stack, const char *path, struct err *err)
{
	struct stat lock, source;

	if (stat(path, &lock) < 0)
		return 0;
	if (!S_ISREG(lock.st_mode))
		return err_set(err, -EINVAL, "%s: is no file, so no lock file is written there",
			       path);
	for (size_t i = 0; i < stack->sources.count; i++)
		if (stat(stack->sources.items[i], &source) == 0 && source.st_ino == lock.st_ino &&
		    source.st_dev == lock.st_dev)
			return err_set(err, -EINVAL,
				       "%s: is a file of the stack itself: name another one with "
				       "--output",
				       path);
	return 0;
}

/* The trees share package lists, so that all are of the same hour. */
static int trees_lock(const struct plan *plan, struct lock *lock, struct err *err)
{
	CLEANUP(free_cleanup) char *lists = NULL;
	int r = temp_dir(NULL, &lists, err);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < plan->first_compose; i++)
		if (plan->steps[i]->kind == STEP_BOOTSTRAP)
			r = tree_lock(plan->steps[i], lists, lock, err);
	int removed = tree_remove(lists, r < 0 ? NULL : err);
	return r < 0 ? r : removed;
}

static int all_lock(const struct stack *stack, const char *store_folder, const char *path,
		    struct err *err)
{
	CLEANUP(store_cleanup) struct store *store = NULL;
	CLEANUP(plan_cleanup) struct plan *plan = NULL;
	CLEANUP(lock_done) struct lock lock = { 0 };
	int r = store_open(store_folder, &store, err);

	if (r < 0)
		return r;
	r = plan_make(&(struct plan_request){ .stack = stack, .store = store, .out = "." }, &plan,
		      err);
	if (r == 0)
		r = trees_lock(plan, &lock, err);
	if (r == 0)
		r = lock_write(path, &lock, err);
	if (r == 0)
		log_info("wrote %s", path);
	return r;
}

static int lock_run(const struct arguments *arguments, struct err *err)
{
	CLEANUP(stack_cleanup) struct stack *stack = NULL;
	const char *given = argument(arguments, "output");
	CLEANUP(free_cleanup)
	char *path = given ? str_copy(given) : lock_path_default(arguments->rest[0]);
	int r = stack_load(arguments->rest[0], &stack, err);

	if (r == 0)
		r = path_check(stack, path, err);
	if (r == 0)
		r = file_check_out(path, err);
	if (r < 0)
		return r;
	spawn_stop_fd();
	return all_lock(stack, argument(arguments, "store"), path, err);
}

const struct command lock_command = {
	.name = "lock",
	.synopsis = "STACK [--output FILE] [--store DIR]",
	.summary = "Writes down which packages a stack is made from, each with its hash",
	.options = options,
	.min_rest = 1,
	.max_rest = 1,
	.run = lock_run,
};
