/* The families whose layers are made directly from packages, one file each. */
#pragma once
#include "os/bootstrap.h"

struct os_family {
	enum os_family_id id;
	const char *tree_format; /* changes whenever the same request would give another tree */
	/* What shapes a tree besides the request. */
	int (*inputs)(const struct base_request *request, struct inputs *inputs, struct err *err);
	/* As base_resolve, base_bootstrap, base_fetch. */
	int (*resolve)(const struct base_request *request, const struct base_options *options,
		       struct package_list *ret_list, struct err *err);
	int (*bootstrap)(const struct base_request *request, const struct base_options *options,
			 const char *folder, struct err *err);
	int (*fetch)(const struct base_request *request, const struct base_options *options,
		     struct err *err);
};

extern const struct os_family debian_family; /* mmdebstrap */
extern const struct os_family suse_family;   /* zypper */

/* Documentation and translations: a lab host has a reader for neither. Globs, NULL at the end. */
extern const char *const unread_paths[];
