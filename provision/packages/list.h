/* Packages, exactly: which bytes a base tree is made from. */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"

struct package {
	char *name, *version, *architecture;
	char *suite; /* "bookworm-security" */
	char *path;  /* below the mirror's address: "pool/main/x/xen/..." */
	uint64_t size_bytes;
	char sha256[HASH_HEX_LENGTH + 1];
};

/* A zeroed struct is an empty one; package_list_done frees. */
struct package_list {
	struct package *items;
	size_t count;
};

/* Room for one more, zeroed. */
struct package *package_list_add(struct package_list *list);
void package_list_copy(const struct package_list *from, struct package_list *to);
/* By name, then architecture, then SHA-256. */
void package_list_sort(struct package_list *list);
void package_list_done(struct package_list *list);
/* One hash for all of them, independent of where they come from. */
void package_list_hash(const struct package_list *list, char ret_hex[HASH_HEX_LENGTH + 1]);

/* Whoever names a package, a lock file or a mirror's index: all strings must be there. NULL, or
 * what is wrong with it, as the end of a sentence ("has a path that leads out of the mirror").
 * Names and versions are as Debian Policy 5.6.1 and 5.6.12 have them, so they can be shown as they
 * are. */
const char *package_problem(const struct package *package);
