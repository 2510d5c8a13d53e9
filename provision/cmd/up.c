#include "cmd/up.h"

#include "cmd/verdict.h"
#include "run/folder.h"
#include "run/run.h"

static int up_run(const struct arguments *arguments, struct err *err)
{
	CLEANUP(stack_cleanup) struct stack *stack = NULL;
	CLEANUP(free_cleanup) char *folder = NULL;
	CLEANUP(matrix_cleanup) struct matrix *matrix = NULL;
	struct run_options options = {
		.accel = argument(arguments, "accel"),
		.bridge = argument(arguments, "bridge"),
		.keep_running = true,
		.fresh = argument_given(arguments, "fresh"),
	};
	const char *json = argument(arguments, "json");
	int r = argument_number(arguments, "deadline", 1, 86400, &options.deadline_seconds, err);

	if (r == 0)
		r = verdict_check(json, err);
	if (r == 0)
		r = l0_driver_find(argument(arguments, "l0"), &options.driver, err);
	if (r == 0)
		r = folder_find(arguments->rest[0], argument(arguments, "out"), &folder, &stack,
				err);
	if (r < 0)
		return r;
	options.folder = folder;
	r = run_stack(stack, &options, &matrix, err);
	return r < 0 ? r : verdict_show(matrix, json, err);
}

static const struct option_row up_options[] = {
	OPTION_OUT,
	{ "l0", 0, "NAME", "what runs L1: qemu, xen (default: qemu)" },
	{ "bridge", 0, "NAME", "l0 xen: the bridge of L1 (default: xenbr0, br0, the first)" },
	{ "accel", 0, "HOW", "auto, tcg or kvm (default: auto)" },
	{ "fresh", 0, NULL, "begin with the disk as it was built" },
	{ "deadline", 0, "SECONDS", "for the verdict on all levels" },
	{ "json", 0, "FILE", "write the verdict there too; -: to standard output" },
	{ 0 },
};

const struct command up_command = {
	.name = "up",
	.synopsis =
		"STACK [--out DIR] [--l0 NAME] [--accel HOW] [--fresh] [--deadline SECONDS] [--json FILE]",
	.summary = "Starts a built stack, proves every level, leaves it running",
	.options = up_options,
	.min_rest = 1,
	.max_rest = 1,
	.run = up_run,
};
