#include "cmd/doctor.h"

#include <stdio.h>

#include "run/folder.h"
#include "run/preflight.h"
#include "store/store.h"

static int doctor_run(const struct arguments *arguments, struct err *err)
{
	CLEANUP(stack_cleanup) struct stack *stack = NULL;
	CLEANUP(store_cleanup) struct store *store = NULL;
	CLEANUP(preflight_done) struct preflight preflight = { 0 };
	const char *out = argument(arguments, "out");
	int r = store_open(argument(arguments, "store"), &store, err);

	if (r == 0 && arguments->rest_count)
		r = stack_load(arguments->rest[0], &stack, err);
	if (r < 0)
		return r;
	const struct preflight_request look = {
		.stack = stack,
		.store = store_path(store),
		.out = out ? out : FOLDER_DEFAULT_OUT,
	};
	r = preflight_check(&look, &preflight, err);
	if (r < 0)
		return r;
	if (argument_given(arguments, "json")) {
		CLEANUP(free_cleanup) char *text = preflight_json(&preflight);

		puts(text);
	} else {
		preflight_print(&preflight, stdout);
	}
	return preflight_ok(&preflight) ? 0 : 1;
}

static const struct option_row doctor_options[] = {
	OPTION_OUT,
	OPTION_STORE,
	{ "json", 0, NULL, "for programs" },
	{ 0 },
};

const struct command doctor_command = {
	.name = "doctor",
	.synopsis = "[STACK] [--out DIR] [--store DIR] [--json]",
	.summary = "Looks whether this machine has what a build and a run need",
	.options = doctor_options,
	.min_rest = 0,
	.max_rest = 1,
	.run = doctor_run,
};
