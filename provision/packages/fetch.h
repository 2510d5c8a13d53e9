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
	/* Where packages come from, one source at least; called only if one is missing. Every
	 * source of a package's suite is tried. */
	int (*sources_find)(const void *context, struct package_sources *ret_sources,
			    struct err *err);
	const void *context;
	bool offline;	     /* what is missing is an error */
	const char *purpose; /* "bootstrap leaf bookworm", for progress */
};

/* The caller holds the store's packages. Afterwards every package is in the store, whole: those
 * that were there are read and checked. -ENOENT: a package is gone, or missing and offline; -EIO:
 * it cannot be had; both with its name, every address it was asked for at, and why. -EINVAL: the
 * list gives a package another size than its bytes have. -EINTR: a signal; what arrived stays for
 * the next time. */
int packages_fetch(const struct fetch_request *request, struct err *err);
