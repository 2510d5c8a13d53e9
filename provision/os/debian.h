/* Debian by mmdebstrap. */
#pragma once
#include "os/bootstrap.h"

/* Changes whenever a tree made from the same request would come out differently. */
#define DEBIAN_TREE_FORMAT "4"

/* As base_resolve, base_bootstrap, base_fetch. */
int debian_resolve(const struct base_request *request, const struct base_options *options,
		   struct package_list *ret_list, struct err *err);
int debian_bootstrap(const struct base_request *request, const struct base_options *options,
		     const char *folder, struct err *err);
int debian_fetch(const struct base_request *request, const struct base_options *options,
		 struct err *err);

/* The hook scripts that shape a tree, as inputs of it. */
int debian_hook_inputs(struct inputs *inputs, struct err *err);
