/* The agent as a whole: what it answers to whom (docs/agent-protocol.md, "Messages"). */
#pragma once
#include "conf.h"
#include "exec.h"
#include "guests.h"
#include "loop.h"
#include "network.h"
#include "outward.h"
#include "record.h"

struct agent {
	struct loop loop;
	struct conf conf;
	const char *root;
	struct outward outward;
	struct network network;
	struct guests guests;
	struct exec exec;
	struct timings timings;
	struct timer repeat; /* ready until hello, then the record until ack */
	struct timer flush;  /* the last words before the power goes */
	double flush_until;
	bool acked, going_down;
	/* Everything inside is down and the channel is empty. */
	void (*power_off)(struct agent *agent);
};

/* conf, root and power_off are set, the loop is there. */
void agent_init(struct agent *agent);
/* Guests get so many seconds. */
void agent_down(struct agent *agent, unsigned seconds);
void agent_done(struct agent *agent);
