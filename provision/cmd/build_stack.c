#include "cmd/build_stack.h"

#include <stdio.h>

#include "base/log.h"
#include "base/spawn.h"
#include "cmd/build_request.h"
#include "run/folder.h"
#include "run/preflight.h"
#include "run/run.h"

static const struct option_row options[] = {
	BUILD_OPTION_ROWS,
	{ "l0", 0, "NAME", "what runs L1: qemu, xen (default: qemu)" },
	{ "bridge", 0, "NAME", "l0 xen: the bridge of L1 (default: xenbr0, br0, the first)" },
	{ "accel", 0, "ACCEL",
	  "auto, tcg or kvm (default: auto, KVM only if a guest really runs)" },
	{ "build-only", 0, NULL, "build the images and stop there" },
	{ "keep-running", 'k', NULL, "leave the stack running after the verdict" },
	{ "resume", 0, NULL,
	  "go on after a failed build: take a disk that its installer finished" },
	{ "step", 0, "NAME", "do one step again, as nestctl plan names it, and stop there" },
	{ "json", 0, "FILE", "write the verdict on every level as JSON" },
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

/* What is missing is named before minutes of work are spent. */
static int preflight(const struct build_request *request, const struct run_options *run,
		     bool build_only, struct err *err)
{
	CLEANUP(preflight_done) struct preflight result = { 0 };
	const struct preflight_request look = {
		.stack = request->stack,
		.store = store_path(request->store),
		.out = request->folder,
		.build_only = build_only,
		.on_xen = run->driver->is_xen,
	};
	int r = preflight_check(&look, &result, err);

	if (r == 0 && !build_only && run->driver->check)
		r = run_check(request->stack, run, err);
	if (r < 0 || preflight_ok(&result))
		return r;
	preflight_print(&result, stderr);
	return 1;
}

static int prove(const struct arguments *arguments, const struct build_request *request,
		 const struct run_options *run, struct err *err)
{
	CLEANUP(matrix_cleanup) struct matrix *matrix = NULL;
	const char *json = argument(arguments, "json");
	int r = run_stack(request->stack, run, &matrix, err);

	if (r < 0)
		return r;
	matrix_print(matrix, stdout);
	if (json)
		r = matrix_json(matrix, json, err);
	if (r < 0)
		return r;
	return matrix_all_proven(matrix) ? 0 : 1;
}

static int build_stack_run(const struct arguments *arguments, struct err *err)
{
	CLEANUP(build_request_done) struct build_request request = { 0 };
	const struct build_options build = {
		.accel = argument(arguments, "accel"),
		.step = argument(arguments, "step"),
		.resume = argument_given(arguments, "resume"),
	};
	struct run_options run;
	bool build_only = argument_given(arguments, "build-only") || build.step;
	double start = clock_seconds();
	int r = build_request_load(arguments, &request, err);

	if (r < 0)
		return r;
	spawn_stop_fd(); /* from here on a signal asks, and we clean up */
	r = run_request(arguments, &request, &run, err);
	if (r == 0)
		r = run_folder_check_idle(request.folder, err);
	if (r == 0)
		r = preflight(&request, &run, build_only, err);
	if (r == 0)
		r = plan_build(request.plan, &build, err);
	if (r != 0 || build.step)
		return r;
	folder_link_stack(request.folder, request.stack);
	log_info("built %s in %.1f s", request.folder, clock_seconds() - start);
	return build_only ? 0 : prove(arguments, &request, &run, err);
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
