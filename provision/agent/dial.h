/* The way out to a server by TCP (docs/agent-protocol.md, "A server"): connects, says who we are,
 * hands the socket on; again and again, slower each time, while nobody greets us. Addresses only:
 * nothing here waits for a name. */
#pragma once
#include "conf.h"
#include "loop.h"

struct dial {
	struct loop *loop;
	const struct conf *conf;
	/* The connection; it is the callee's from now on, and the first line is in it. */
	void (*on_connected)(void *context, int fd);
	void *context;

	struct watch socket;
	struct timer again;   /* the next attempt */
	struct timer attempt; /* limit of the one that runs */
	double wait;	      /* before the next attempt, when this one fails */
};

/* The callbacks are set by the caller before. Dials at once. */
void dial_init(struct dial *dial, struct loop *loop, const struct conf *conf);
/* The connection is lost: dials again. */
void dial_again(struct dial *dial);
/* It is the right one that answers: the next time begins without waiting long. */
void dial_greeted(struct dial *dial);
void dial_done(struct dial *dial);
