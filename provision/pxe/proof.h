/* One machine of the lab as its agent proves it: the connection, the levels of its stack, and what
 * the ledger is told of them. Knows nothing of how connections come.
 */
#pragma once
#include "pxe/ledger.h"
#include "run/conversation.h"

struct loop;

/* What all machines of the lab share. */
struct proof_lab {
	struct ledger *ledger;
	uint8_t echo_key[ECHO_KEY_BYTES];
	char *echo_address; /* as the layers see it: "10.0.0.1:8082" */
};

struct proof {
	const struct proof_lab *lab;
	const struct lab_machine *machine;
	int fd; /* -1: nobody speaks */
	char token[TOKEN_LENGTH + 1];
	double started;	      /* the connection */
	struct levels levels; /* of the last connection; none before the first */
	struct conversation conversation;
	struct conversation_host host;
	bool heard, changed; /* what the ledger does not know yet: anything, a level's state */
	double told;	     /* the ledger, on the clock of `started` */
	uint8_t digest[HASH_BYTES]; /* of what it was told */
	bool refused;		    /* it could not take it; a person was told */
	struct buf console;	    /* for the ledger: what guests said */
	const struct level *console_of;
	double console_told;
};

/* lab and machine are borrowed. */
void proof_begin(struct proof *proof, const struct proof_lab *lab,
		 const struct lab_machine *machine);
void proof_done(struct proof *proof);

/* A connection whose first line was this machine's; fd is taken over, and whatever was there
 * before ends. data: what came behind that line. Every connection has a nonce of its own: what its
 * agents say after the hello is all there is to say. */
void proof_connect(struct proof *proof, int fd, const char *token, const char *data, size_t length);
bool proof_has_nonce(const struct proof *proof, const char *nonce);

void proof_poll(struct proof *proof, struct loop *loop);
/* Time limits of the levels, news for the ledger. Seconds until the next, at most max. */
double proof_tick(struct proof *proof, double max);
