/* Packages, exactly: which bytes a base tree is made from. Written as a lock file beside a stack,
 * and beside every tree in the store. */
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
/* By name, then architecture. */
void package_list_sort(struct package_list *list);
void package_list_done(struct package_list *list);
/* One hash for all of them, independent of where they come from. */
void package_list_hash(const struct package_list *list, char ret_hex[HASH_HEX_LENGTH + 1]);

/* A lock file: the packages of every tree of a stack. */
struct lock_tree {
	char *name;			   /* "xen-host bookworm" */
	char request[HASH_HEX_LENGTH + 1]; /* key of what was asked for */
	struct package_list packages;
};

struct lock { /* zeroed: empty; lock_done frees */
	struct lock_tree *trees;
	size_t count;
};

/* Where a stack's lock file is if nothing else is said: "lab.yaml" has "lab.lock". The caller
 * frees. */
char *lock_path_default(const char *stack_path);
/* -ENOENT if there is none; -EINVAL, with path and place, if it is no sound lock file. */
int lock_read(const char *path, struct lock *ret_lock, struct err *err);
int lock_write(const char *path, const struct lock *lock, struct err *err);
struct lock_tree *lock_add(struct lock *lock, const char *name, const char *request);
/* NULL: it has no such tree. */
const struct lock_tree *lock_find(const struct lock *lock, const char *request);
void lock_done(struct lock *lock);
