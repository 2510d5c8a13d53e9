#include "cmd/build_stack.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "base/spawn.h"
#include "cmd/build_request.h"
#include "cmd/verdict.h"
#include "emit/emit.h"
#include "run/folder.h"
#include "run/preflight.h"
#include "run/qemu.h"
#include "run/run.h"
#include "run/xen.h"

static const struct option_row options[] = {
	BUILD_OPTION_ROWS,
	{ "l0", 0, "NAME",
	  "what runs L1: qemu, xen, or emit: files for an L0 of your own (default: qemu)" },
	{ "bridge", 0, "NAME", "l0 xen: the bridge of L1 (default: xenbr0, br0, the first)" },
	{ "accel", 0, "ACCEL",
	  "auto, tcg or kvm (default: auto, KVM only if a guest really runs)" },
	{ "build-only", 0, NULL, "build the images and stop there" },
	{ "keep-running", 'k', NULL, "leave the stack running after the verdict" },
	{ "resume", 0, NULL,
	  "go on after a failed build: take a disk that its installer finished" },
	{ "step", 0, "NAME", "do one step again, as nestctl plan names it, and stop there" },
	{ "json", 0, "FILE", "write the verdict on every level as JSON; -: to standard output" },
	{ NULL, 0, NULL, NULL },
};

static int run_request(const struct arguments *arguments, const struct build_request *request,
		       struct run_options *ret_run, struct err *err)
{
	*ret_run = (struct run_options){
		.folder = request->folder,
		.accel = argument(arguments, "accel"),
		.bridge = argument(arguments, "bridge"),
		.keep_running = argument_given(arguments, "keep-running"),
		.fresh = true,
	};
	return l0_driver_find(argument(arguments, "l0"), &ret_run->driver, err);
}

static bool all_cached(const struct plan *plan, size_t first, size_t end)
{
	while (first < end && plan->steps[first]->cached)
		first++;
	return first == end;
}

/* What can be built, but will not run. */
static void notes_warn(const struct preflight *preflight)
{
	for (size_t i = 0; i < preflight->count; i++) {
		const struct finding *finding = &preflight->findings[i];

		if (finding->state == FINDING_NOTE && *finding->cure)
			log_warn("%s (%s)", finding->detail, finding->cure);
	}
}

/* What is missing is named before minutes of work are spent. step: made again, or NULL. */
static int preflight(const struct build_request *request, const struct l0_driver *driver,
		     bool build_only, const char *step, struct err *err)
{
	const struct plan *plan = request->plan;
	CLEANUP(preflight_done) struct preflight result = { 0 };
	const struct preflight_request look = {
		.stack = request->stack,
		.store = store_path(request->store),
		.out = request->folder,
		.store_has_all = !step && all_cached(plan, 0, plan->first_compose),
		/* A run has its overlay and logs there. */
		.out_has_all =
			build_only && !step && all_cached(plan, plan->first_compose, plan->count),
		.build_only = build_only,
		.on_xen = driver && driver->is_xen,
	};
	int r = preflight_check(&look, &result, err);

	if (r < 0)
		return r;
	if (preflight_ok(&result)) {
		notes_warn(&result);
		return 0;
	}
	preflight_print_missing(&result, stderr);
	return 1;
}

static int prove(const struct arguments *arguments, const struct build_request *request,
		 struct err *err)
{
	CLEANUP(matrix_cleanup) struct matrix *matrix = NULL;
	struct run_options run;
	int r = run_request(arguments, request, &run, err);

	if (r == 0)
		r = run_stack(request->stack, &run, &matrix, err);
	return r < 0 ? r : verdict_show(matrix, argument(arguments, "json"), err);
}

/* ---- what is done with a built stack ---- */

/* Does anything run on L0, an installer or the stack itself? */
static bool machines_run(const struct arguments *arguments, const struct stack *stack)
{
	bool run = !argument_given(arguments, "build-only") && !argument_given(arguments, "step");

	for (size_t i = 0; i < stack->layer_count; i++)
		run = run || layer_is_installed(stack->layers[i]);
	return run;
}

/* The preflight looks at the rest. */
static int qemu_look(const struct arguments *arguments, const struct build_request *request,
		     struct err *err)
{
	const char *accel = argument(arguments, "accel");
	CLEANUP(free_cleanup) char *why = NULL;
	struct l0_network network;
	bool kvm;
	int r = qemu_driver.network(argument(arguments, "bridge"), &network, err);

	if (r == 0 && accel && !str_equal(accel, "auto") && machines_run(arguments, request->stack))
		r = qemu_driver.probe(accel, &kvm, &why, err);
	return r;
}

static int xen_look(const struct arguments *arguments, const struct build_request *request,
		    struct err *err)
{
	struct run_options run;

	if (!machines_run(arguments, request->stack))
		return 0;
	int r = run_request(arguments, request, &run, err);
	return r < 0 ? r : run_check(request->stack, &run, err);
}

static int emit_look(const struct arguments *arguments, const struct build_request *request,
		     struct err *err)
{
	static const struct {
		const char *option, *l0;
	} of_runs[] = { { "keep-running", "qemu" }, { "json", "qemu" }, { "bridge", "xen" } };

	for (size_t i = 0; i < sizeof of_runs / sizeof *of_runs; i++)
		if (argument_given(arguments, of_runs[i].option))
			return err_set(err, -EINVAL,
				       "--%s: --l0 emit starts nothing; this goes with --l0 %s",
				       of_runs[i].option, of_runs[i].l0);
	return emit_check(request->stack, err);
}

static int emit(const struct arguments *arguments, const struct build_request *request,
		struct err *err)
{
	(void)arguments;
	return emit_write(request->stack, request->folder, err);
}

struct l0 {
	const char *name;
	const struct l0_driver *driver; /* NULL: nothing is started */
	/* Before the build, may be NULL: what this L0 cannot have. */
	int (*look)(const struct arguments *arguments, const struct build_request *request,
		    struct err *err);
	/* After it; with --build-only for one that runs L1, never. As of command.run. */
	int (*finish)(const struct arguments *arguments, const struct build_request *request,
		      struct err *err);
};

/* The first is the default. */
static const struct l0 l0s[] = {
	{ "qemu", &qemu_driver, qemu_look, prove },
	{ "xen", &xen_driver, xen_look, prove },
	{ "emit", NULL, emit_look, emit },
};

static int l0_find(const char *name, const struct l0 **ret_l0, struct err *err)
{
	CLEANUP(strv_done) struct strv names = { 0 };

	for (size_t i = 0; i < sizeof l0s / sizeof *l0s; i++) {
		strv_add(&names, l0s[i].name);
		if (!name || str_equal(name, l0s[i].name)) {
			*ret_l0 = &l0s[i];
			return 0;
		}
	}
	CLEANUP(free_cleanup) char *list = strv_join(&names, ", ");
	return err_set(err, -EINVAL, "--l0: \"%s\" is none of %s", name, list);
}

/* What tells of a run, or keeps one, would be dropped without a word. */
static int no_run_check(const struct arguments *arguments, struct err *err)
{
	static const char *const of_runs[] = { "keep-running", "json", NULL };
	const char *ends = argument(arguments, "step")		     ? "step"
			   : argument_given(arguments, "build-only") ? "build-only"
								     : NULL;

	for (const char *const *option = of_runs; ends && *option; option++)
		if (argument_given(arguments, *option))
			return err_set(err, -EINVAL,
				       "--%s: with --%s nothing is started: leave one of them out",
				       *option, ends);
	return 0;
}

static int build_stack_run(const struct arguments *arguments, struct err *err)
{
	CLEANUP(build_request_done) struct build_request request = { 0 };
	struct build_options build = {
		.accel = argument(arguments, "accel"),
		.bridge = argument(arguments, "bridge"),
		.step = argument(arguments, "step"),
		.resume = argument_given(arguments, "resume"),
	};
	bool build_only = argument_given(arguments, "build-only") || build.step;
	double start = clock_seconds();
	const struct l0 *l0 = &l0s[0];
	int r = l0_find(argument(arguments, "l0"), &l0, err);

	build.driver = l0->driver;
	if (r == 0 && l0->driver)
		r = no_run_check(arguments, err);
	if (r == 0)
		r = build_request_load(arguments, &request, err);
	if (r == 0 && l0->look)
		r = l0->look(arguments, &request, err);
	if (r == 0)
		r = verdict_check(argument(arguments, "json"), err);
	if (r < 0)
		return r;
	spawn_stop_fd(); /* from here on a signal asks, and we clean up */
	r = run_folder_check_idle(request.folder, err);
	if (r == 0)
		r = preflight(&request, l0->driver, build_only || !l0->driver, build.step, err);
	if (r == 0)
		r = plan_build(request.plan, &build, err);
	if (r != 0 || build.step)
		return r;
	folder_link_stack(request.folder, request.stack);
	log_info("built %s in %.1f s", request.folder, clock_seconds() - start);
	return build_only && l0->driver ? 0 : l0->finish(arguments, &request, err);
}

const struct command build_stack_command = {
	.name = "build-stack",
	.synopsis = "STACK [OPTIONS]",
	.summary = "Builds the images of a stack, boots it, and proves every level",
	.options = options,
	.min_rest = 1,
	.max_rest = 1,
	.run = build_stack_run,
};
