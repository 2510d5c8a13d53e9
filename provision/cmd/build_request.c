#include "cmd/build_request.h"

#include "base/fs.h"
#include "run/folder.h"

int build_request_load(const struct arguments *arguments, struct build_request *request,
		       struct err *err)
{
	const char *out = argument(arguments, "out");
	int r = stack_load(arguments->rest[0], &request->stack, err);

	if (r == 0)
		r = store_open(argument(arguments, "store"), &request->store, err);
	if (r < 0)
		return r;
	request->folder = path_join(out ? out : FOLDER_DEFAULT_OUT, request->stack->name);
	return plan_make(request->stack, request->store, request->folder, &request->plan, err);
}

void build_request_done(struct build_request *request)
{
	plan_free(request->plan);
	free(request->folder);
	store_close(request->store);
	stack_free(request->stack);
}
