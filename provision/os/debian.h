/* Debian by mmdebstrap. */
#pragma once
#include "os/bootstrap.h"

/* Changes whenever a tree made from the same request would come out differently. */
#define DEBIAN_TREE_FORMAT "2"

int debian_bootstrap(const struct base_request *request, const char *tar_path, const char *log_path,
		     struct err *err);

/* The hook scripts that shape a tree, as inputs of it. */
int debian_hook_inputs(struct inputs *inputs, struct err *err);

/* The lines of sources.list for a release, as this machine's own apt has them with the release's
 * name in place of its own. Empty if apt says nothing: mmdebstrap's default serves then. */
int debian_sources(const char *release, struct strv *ret_lines, struct err *err);
