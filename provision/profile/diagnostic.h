/* Everything that is wrong with a stack, gathered so that one run tells it all. */
#pragma once
#include "base/err.h"
#include "profile/stack.h"

struct diagnostics;

/* None yet; never NULL. */
struct diagnostics *diagnostics_new(void);
void diagnostics_free(struct diagnostics *diagnostics);
void diagnostics_cleanup(struct diagnostics **diagnostics);

/* One finding: "KEY: FOUND; ALLOWED" at a place. */
void diagnostic_add(struct diagnostics *diagnostics, const struct mark *mark, const char *format,
		    ...) __attribute__((format(printf, 3, 4)));
size_t diagnostics_count(const struct diagnostics *diagnostics);

/* 0 if there are none, else -EINVAL with all of them, a line each, in the order of the files. */
int diagnostics_result(struct diagnostics *diagnostics, const char *path, struct err *err);
