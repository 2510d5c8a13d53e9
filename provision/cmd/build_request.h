/* What plan and build-stack have in common: STACK, --out and --store become a plan. */
#pragma once
#include "cmd/command.h"
#include "packages/lock.h"
#include "plan/plan.h"

#define BUILD_OPTION_ROWS                                                                          \
	OPTION_OUT, OPTION_STORE,                                                                  \
		{ "lock", 0, "FILE",                                                               \
		  "the lock file (default: beside STACK, as STACK.lock, if it is there)" },        \
	{                                                                                          \
		"offline", 0, NULL, "fetch nothing: build from the store alone"                    \
	}

struct build_request { /* zeroed, then build_request_load; build_request_done it */
	struct stack *stack;
	struct store *store;
	struct lock lock;
	char *folder; /* of this stack */
	struct plan *plan;
};

/* The stack file that is the first operand: read, planned, its store open. The errors are theirs.
 * build_request_done it, after a failure too. */
int build_request_load(const struct arguments *arguments, struct build_request *request,
		       struct err *err);
void build_request_done(struct build_request *request);
