/* A folder that apt takes packages from: those of a list, and no others. */
#pragma once
#include "packages/list.h"
#include "store/store.h"

/* Fills a folder with copies of the store's packages and an index of them. Each was checked when it
 * was fetched, so the index needs no signature. ret_newest_seconds: when the newest of them was
 * made. */
int repository_make(const struct store *store, const struct package_list *packages,
		    const char *folder, int64_t *ret_newest_seconds, struct err *err);
