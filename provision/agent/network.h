/* Whether the layer reaches L0: an address on its interface, and the nonce's echo over TCP
 * (docs/agent-protocol.md, "The echo"). Decided once a run, never later than the configured time
 * after the start. */
#pragma once
#include "conf.h"
#include "loop.h"
#include "outward.h"

#define ECHO_DIGITS 64

struct network {
	struct loop *loop;
	const struct conf *conf;
	const char *root;
	void (*on_decided)(void *context);
	void *context;

	struct timer poll;    /* the next look or attempt */
	struct timer attempt; /* limit of the attempt that runs */
	struct timer limit;   /* of all */
	struct watch socket;
	char request[PATH_BYTES + 64];
	char answer[ECHO_DIGITS + 2];
	size_t answer_length;
	char server[32];
	char problem[96]; /* of the last attempt */

	bool decided;
	char address[32]; /* "10.0.2.15/24"; "" so far */
	char mac[24];
	char driver[32];
	char echo[ECHO_DIGITS + 1];
	char error[256]; /* "" when address and echo are there */
};

void network_init(struct network *network, struct loop *loop, const struct conf *conf,
		  const char *root);
/* Begins anew with this run's path, nonce and echo server. */
void network_start(struct network *network, const struct outward *outward);
void network_done(struct network *network);
