/* What the store keeps, and for whom. Every build leaves a root: the folder whose build.json names
 * the objects it stands on. What no root reaches can go. */
#pragma once
#include <stdint.h>
#include <time.h>

#include "store/store.h"

struct store_entry {
	char *kind; /* BASE_KIND or PACKAGES_KIND: of the latter each is an object */
	char *key;
	char *name; /* of the step that made it, or of the package; "": nothing says it */
	uint64_t size_bytes;
	time_t used_seconds; /* when it was last used */
	bool reachable;
	char *damage; /* from a look at names and sizes; NULL: sound */
};

struct store_list { /* a zeroed struct is an empty one */
	struct store_entry *items;
	size_t count;
};

/* Every object, the least recently used first. store_list_done it. A store that is not there is
 * empty. */
int store_list(struct store *store, struct store_list *ret_list, struct err *err);
void store_list_done(struct store_list *list);

/* Reads every byte. -EUCLEAN with the file that is missing, cut, changed or cannot be read. */
int store_entry_verify(struct store *store, const struct store_entry *entry, struct err *err);
/* -EBUSY while it is used or made. */
int store_entry_remove(struct store *store, const struct store_entry *entry, struct err *err);

/* Notes that the folder (with its build.json) stands on objects of the store. */
int store_root_add(struct store *store, const char *folder, struct err *err);

struct store_gc {
	uint64_t limit_bytes; /* what may stay, reachable or not; 0: no limit */
	bool dry_run;
	/* Called for each object that goes (or would). */
	void (*on_removed)(void *context, const struct store_entry *entry);
	void *context;
};

/* Removes what no root reaches and what is damaged, then the least recently used until the limit is
 * kept. Trees that a build is using stay, and without a limit their packages do. Leftovers of
 * killed builds go too. */
int store_collect(struct store *store, const struct store_gc *gc, struct err *err);
