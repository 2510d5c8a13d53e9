/* The store: what steps made, under the hash of all that went into it. An object is a folder; it
 * gets its name when it is whole, so a reader never sees half of one. */
#pragma once
#include <stdbool.h>

#include "base/err.h"

struct store;

/* path NULL: $NESTCTL_STORE, else $XDG_CACHE_HOME/nestctl, else ~/.cache/nestctl. Nothing is
 * written before the first object is begun. */
int store_open(const char *path, struct store **ret_store, struct err *err);
void store_close(struct store *store);
void store_cleanup(struct store **store);
const char *store_path(const struct store *store);

/* kind is "base" or "layer"; key is a hex hash. */
bool store_has(const struct store *store, const char *kind, const char *key);
/* Where the object is, or would be; the caller frees. */
char *store_object_path(const struct store *store, const char *kind, const char *key);

/* An object in the making: a folder to fill. A zeroed struct, then begin; publish gives the folder
 * its name; done without publish removes it. */
struct store_object {
	char *folder; /* to be filled */
	char *final_path;
	int lock; /* held while the object is made: a second maker waits, then finds it */
};

#define STORE_OBJECT_INIT                                                                          \
	{                                                                                          \
		.lock = -1                                                                         \
	}

/* ret_exists true: another made it meanwhile, nothing is to be done. */
int store_begin(struct store *store, const char *kind, const char *key, struct store_object *object,
		bool *ret_exists, struct err *err);
int store_publish(struct store_object *object, struct err *err);
void store_object_done(struct store_object *object);
