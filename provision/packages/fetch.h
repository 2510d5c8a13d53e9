/* Packages from mirrors into the store: several at a time over few connections, resumed where a
 * transfer broke, tried again and from the next mirror, checked by size and SHA-256. Nothing
 * unchecked gets its name there. */
#pragma once
#include "packages/list.h"
#include "packages/sources.h"
#include "store/packages.h"

struct fetch_request {
	struct store *store;
	const struct package_list *packages;
	const struct package_sources *sources; /* every source of a package's suite is tried */
	bool offline;			       /* what is missing is an error */
	const char *purpose;		       /* "bootstrap leaf bookworm", for progress */
};

/* The caller holds the store's packages. Afterwards every package is in the store, whole: those
 * that were there are read and checked. The error names the first package that cannot be had, every
 * address it was asked for at, and why. What arrived stays for the next time. -ENOENT: a package is
 * gone, or missing and offline. */
int packages_fetch(const struct fetch_request *request, struct err *err);
