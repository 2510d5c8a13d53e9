/* The store: what steps made, under the hash of all that went into it. An object is a folder; it
 * gets its name when it is whole, so a reader never sees half of one. */
#pragma once
#include <stdbool.h>

#include "base/err.h"
#include "store/inputs.h"

struct store;

#define BASE_KIND "base" /* trees and installed disks: what layers are composed from */

/* path NULL: $NESTCTL_STORE, else $XDG_CACHE_HOME/nestctl, else ~/.cache/nestctl. Nothing is
 * written before the first object is begun. */
int store_open(const char *path, struct store **ret_store, struct err *err);
void store_close(struct store *store);
void store_cleanup(struct store **store);
const char *store_path(const struct store *store);

/* kind is BASE_KIND; key is a hex hash. True if the object is there and none of its files is
 * missing or cut; ret_why, if it is there and not sound, says what is wrong (the caller frees),
 * else NULL.
 */
bool store_has(const struct store *store, const char *kind, const char *key, char **ret_why);
/* Where the object is, or would be; the caller frees. */
char *store_object_path(const struct store *store, const char *kind, const char *key);

/* Keeps others from removing an object while it is used: *ret_lock is closed to let it go; -1 where
 * the store cannot be written, so that nobody can remove it either. Notes that it was used. Waits
 * while another has it; it may be gone then. */
int store_hold(struct store *store, const char *kind, const char *key, int *ret_lock,
	       struct err *err);
/* True while others hold or make it. */
bool store_is_used(const struct store *store, const char *kind, const char *key);
/* Reads every byte. -EUCLEAN with the file that is missing, cut, changed or cannot be read. */
int store_verify(const struct store *store, const char *kind, const char *key, struct err *err);
/* -EBUSY while it is used or made. */
int store_remove(struct store *store, const char *kind, const char *key, struct err *err);

/* Removes an object that was found damaged, when nobody uses it any more: waits for that. One that
 * is sound by then stays. */
int store_discard(struct store *store, const char *kind, const char *key, struct err *err);

/* Removes what a killed build left of an object, unless one is at work on it. */
void store_clear(struct store *store, const char *kind, const char *key);

/* An object in the making: a folder to fill. STORE_OBJECT_INIT, then begin; publish gives the
 * folder its name; done removes what has the name that it was filled under: the folder without
 * publish, what it replaced after. */
struct store_object {
	char *folder; /* to be filled; not after publish */
	char *final_path;
	int lock;   /* held while the object is made: a second maker waits, then finds it */
	bool again; /* set before begin: made though it is there, in whose place it is published */
};

#define STORE_OBJECT_INIT                                                                          \
	{                                                                                          \
		.lock = -1                                                                         \
	}

/* ret_exists true: it is there, or another made it meanwhile; nothing is to be done. What is there
 * and not sound is replaced by publishing. -EROFS or -EACCES: the store cannot be written. */
int store_begin(struct store *store, const char *kind, const char *key, struct store_object *object,
		bool *ret_exists, struct err *err);
/* Writes the manifest, syncs, renames. name and inputs: what made it. */
int store_publish(struct store_object *object, const char *name, const struct inputs *inputs,
		  struct err *err);
void store_object_done(struct store_object *object);
