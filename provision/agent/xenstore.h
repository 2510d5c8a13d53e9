/* A client of xenstored: three requests of its wire protocol over its Unix socket. Asked directly
 * because it is asked often, and a start of xl or xenstore-read costs an emulated machine tenths
 * of a second each. Source: xen/include/public/io/xs_wire.h, docs/misc/xenstore.txt. */
#pragma once
#include <stdbool.h>

#include "buf.h"
#include "loop.h"

struct xenstore {
	struct loop *loop;
	/* A domain came or went. Not called from inside of a request. */
	void (*on_domains)(void *context);
	/* The connection is lost. */
	void (*on_hangup)(void *context);
	void *context;

	struct watch socket; /* fd -1: not connected */
	struct timer later;  /* an event that was seen while an answer was awaited */
};

void xenstore_init(struct xenstore *store, struct loop *loop);
/* Connects and asks for news of domains. 0 or a negative errno. Connected already: 0. */
int xenstore_connect(struct xenstore *store, const char *path);
void xenstore_done(struct xenstore *store);

/* The value; false where there is none. An answer is awaited for at most a second. */
bool xenstore_read(struct xenstore *store, const char *path, char *out, size_t size);
/* The domain of this name, -1: none. */
int xenstore_domain(struct xenstore *store, const char *name);
