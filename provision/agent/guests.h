/* The guests of a host: started in order by the toolstack as soon as it can, without waiting for
 * anyone outside; attached to where they run already; taken down from the inside out. */
#pragma once
#include "guest.h"
#include "xenstore.h"

struct guests {
	struct loop *loop;
	const struct conf *conf;
	struct outward *outward;
	const char *root;
	struct xenstore store;
	struct timer tick;
	struct guest items[CONF_GUESTS];
	unsigned count;
	struct guest *starting; /* one at a time */
	double began;
	bool toolstack_ready;

	bool going_down, destroying;
	double deadline;
	void (*on_down)(void *context);
	void *context;
};

void guests_init(struct guests *guests, struct loop *loop, const struct conf *conf,
		 struct outward *outward, const char *root);
void guests_done(struct guests *guests);

/* The guest of this name, NULL: none. The name may be followed by a slash. */
struct guest *guests_find(struct guests *guests, const char *path_component);
/* A new hello came: those that have spoken get theirs. */
void guests_greet(struct guests *guests);
void guests_resume(struct guests *guests);
/* Each guest gets so many seconds to end (20 at most while all that run are still booting), then it
 * is destroyed; on_down follows, also where there is nothing to do, never from inside. */
void guests_down(struct guests *guests, unsigned seconds, void (*on_down)(void *context),
		 void *context);
