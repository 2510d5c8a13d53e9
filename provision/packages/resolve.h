/* Which packages a wish means: apt's own resolver, in a private root that knows nothing of this
 * machine's packages. Indexes are taken only with a signature of the distribution's keyring. */
#pragma once
#include "packages/list.h"
#include "packages/sources.h"

struct resolve_request {
	const struct package_sources *sources;
	const struct strv *packages; /* names, or apt's patterns */
	const char *log_path;	     /* what apt says, or NULL */
	/* A folder for the private root, which keeps the package lists for the next time; NULL: one
	 * that is removed. */
	const char *root;
};

/* With all that they depend on, sorted. Recommended packages are not taken. */
int packages_resolve(const struct resolve_request *request, struct package_list *ret_list,
		     struct err *err);
