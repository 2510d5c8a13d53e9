/* Packages in the store: STORE/packages/SHA256.deb, and .part-SHA256 while one is being fetched.
 * Those that a kept base tree was made from are kept with it (its packages.json names them). */
#pragma once
#include "store/gc.h"

#define PACKAGES_KIND "packages"

/* Where a package is, or would be; the caller frees. */
char *store_package_path(const struct store *store, const char *sha256);
/* Its name while it is not whole; the caller frees. */
char *store_package_part_path(const struct store *store, const char *sha256);

/* Makes their folder if there is none. Nobody removes packages until *ret_lock is closed. */
int store_packages_hold(struct store *store, int *ret_lock, struct err *err);

/* Adds all packages to a list that has the store's trees. */
int packages_list(const struct store *store, struct store_list *list, struct err *err);
/* Reads every byte. -EUCLEAN: these are not the bytes that its name says, or cannot be read. */
int package_verify(const struct store *store, const char *sha256, struct err *err);
/* -EBUSY while a build uses the packages. */
int package_remove(struct store *store, const char *sha256, struct err *err);
/* Removes what broken fetches left, unless one is at work on it. */
void package_parts_remove(struct store *store);
