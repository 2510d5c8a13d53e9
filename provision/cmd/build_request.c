#include "cmd/build_request.h"

#include <string.h>

#include "base/fs.h"
#include "run/folder.h"

/* *ret_locked: there is one. */
static int lock_load(const struct arguments *arguments, struct build_request *request,
		     bool *ret_locked, struct err *err)
{
	const char *given = argument(arguments, "lock");
	CLEANUP(free_cleanup)
	char *path = given ? str_copy(given) : lock_path_default(arguments->rest[0]);

	*ret_locked = given || path_exists(path);
	return *ret_locked ? lock_read(path, &request->lock, err) : 0;
}

int build_request_load(const struct arguments *arguments, struct build_request *request,
		       struct err *err)
{
	const char *out = argument(arguments, "out");
	bool locked = false;
	int r = stack_load(arguments->rest[0], &request->stack, err);

	if (r == 0)
		r = store_open(argument(arguments, "store"), &request->store, err);
	if (r == 0)
		r = lock_load(arguments, request, &locked, err);
	if (r < 0)
		return r;
	request->folder = path_join(out ? out : FOLDER_DEFAULT_OUT, request->stack->name);
	const struct plan_request plan = {
		.stack = request->stack,
		.store = request->store,
		.lock = locked ? &request->lock : NULL,
		.out = request->folder,
		.offline = argument_given(arguments, "offline"),
	};
	return plan_make(&plan, &request->plan, err);
}

void build_request_done(struct build_request *request)
{
	plan_free(request->plan);
	free(request->folder);
	lock_done(&request->lock);
	store_close(request->store);
	stack_free(request->stack);
}
