/* Evidence: does a layer's record show that the layer is what the stack says it is?
 * Pure: compares a record with what is expected of it. A record without this run's nonce counts
 * for nothing; a network is proven by the echo of L0, not by an address. */
#pragma once
#include <stdbool.h>

#include "profile/stack.h"
#include "verify/record.h"

struct expectation {
	const struct layer *layer;
	const char *path;	   /* "l1/l2", from the outside in */
	const char *nonce;	   /* of this run */
	const char *echo;	   /* what the echo server answers this layer */
	const char *l0_hypervisor; /* as in verify/l0.h: "TCGTCGTCGTCG", or NULL for any */
};

struct evidence {
	bool counts;   /* the record belongs to this layer and this run */
	bool identity; /* it is the kind of machine that the stack says */
	bool network;  /* an address, and the right echo */
	bool proven;   /* all of it */
	char *reason;  /* owned; what is wrong, "" if nothing */
};

/* Never fails; evidence_done it. */
void evidence_judge(const struct expectation *expected, const struct record *record,
		    struct evidence *ret_evidence);
void evidence_done(struct evidence *evidence);
