/* Lock files: the packages of every tree of a stack, written once and installed again whenever the
 * stack is built. No host name is in one: it serves behind any mirror. */
#pragma once
#include "packages/list.h"

struct lock_tree {
	char *name;			   /* "xen-host bookworm" */
	char request[HASH_HEX_LENGTH + 1]; /* key of what was asked for */
	struct package_list packages;
};

struct lock {	    /* zeroed: empty; lock_done frees */
	char *path; /* that it was read from, or NULL */
	struct lock_tree *trees;
	size_t count;
};

/* Where a stack's lock file is if nothing else is said: "lab.yaml" has "lab.lock". The caller
 * frees. */
char *lock_path_default(const char *stack_path);
/* -EINVAL, with path and place, if it cannot be read or is no sound lock file. */
int lock_read(const char *path, struct lock *ret_lock, struct err *err);
/* The same packages give the same bytes. */
int lock_write(const char *path, const struct lock *lock, struct err *err);
/* request is a hex hash that no other tree has. */
struct lock_tree *lock_add(struct lock *lock, const char *name, const char *request);
/* NULL: it has no such tree. */
const struct lock_tree *lock_find(const struct lock *lock, const char *request);
void lock_done(struct lock *lock);
