#include "cmd/lock.h"

#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "cmd/build_request.h"

static const struct option_row options[] = {
	{ "output", 'o', "FILE", "the lock file (default: beside STACK, as STACK.lock)" },
	{ NULL, 0, NULL, NULL },
};

static int tree_lock(const struct step *step, struct lock *lock, struct err *err)
{
	struct lock_tree *tree = lock_add(lock, step->name + strlen("bootstrap "), step->request);
	uint64_t bytes = 0;
	int r = base_resolve(&step->base, NULL, &tree->packages, err);

	if (r < 0)
		return err_wrap(err, r, "%s", tree->name);
	for (size_t i = 0; i < tree->packages.count; i++)
		bytes += tree->packages.items[i].size_bytes;
	log_info("%s: %zu packages, %.1f MiB", tree->name, tree->packages.count,
		 (double)bytes / (1 << 20));
	return 0;
}

static int all_lock(const struct stack *stack, const char *path, struct err *err)
{
	CLEANUP(store_cleanup) struct store *store = NULL;
	CLEANUP(plan_cleanup) struct plan *plan = NULL;
	CLEANUP(lock_done) struct lock lock = { 0 };
	int r = store_open(NULL, &store, err);

	if (r < 0)
		return r;
	r = plan_make(&(struct plan_request){ .stack = stack, .store = store, .out = "." }, &plan,
		      err);
	for (size_t i = 0; r == 0 && i < plan->first_compose; i++)
		if (plan->steps[i]->kind == STEP_BOOTSTRAP)
			r = tree_lock(plan->steps[i], &lock, err);
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

	if (r < 0)
		return r;
	spawn_stop_fd();
	return all_lock(stack, path, err);
}

const struct command lock_command = {
	.name = "lock",
	.synopsis = "STACK [--output FILE]",
	.summary = "Writes down which packages a stack is made from, each with its hash",
	.options = options,
	.min_rest = 1,
	.max_rest = 1,
	.run = lock_run,
};
