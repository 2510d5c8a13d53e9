#include "cmd/plan.h"

#include "cmd/build_request.h"

static const struct option_row options[] = {
	BUILD_OPTION_ROWS,
	{ "json", 0, NULL, "one JSON object on standard output" },
	{ NULL, 0, NULL, NULL },
};

static int plan_run(const struct arguments *arguments, struct err *err)
{
	CLEANUP(build_request_done) struct build_request request = { 0 };
	int r = build_request_load(arguments, &request, err);

	if (r < 0)
		return r;
	if (argument_given(arguments, "json"))
		return plan_print_json(request.plan, err);
	plan_print(request.plan);
	return 0;
}

const struct command plan_command = {
	.name = "plan",
	.synopsis = "STACK [OPTIONS]",
	.summary =
		"Shows the steps of a build, what is cached and why the rest is not; writes nothing",
	.options = options,
	.min_rest = 1,
	.max_rest = 1,
	.run = plan_run,
};
