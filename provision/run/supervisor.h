/* The supervisor: starts L1, holds its channel and console, gathers the records, keeps the time
 * limits, serves the control socket, and powers the stack down from the inside out. One process,
 * one poll loop. */
#pragma once
#include <stdbool.h>

#include "run/driver.h"
#include "run/folder.h"
#include "verify/matrix.h"

struct supervision {
	const struct stack *stack;
	const struct run_folder *folder;
	const struct l0_driver *driver;
	const char *overlay;
	bool kvm;
	struct l0_network network;
	bool serve;		   /* goes on after the verdict until `down` or a signal */
	unsigned deadline_seconds; /* for the verdict on all levels; 0: the levels' own limits only
				    */
	unsigned down_seconds;	   /* for each level to power itself down */
	int follower; /* a descriptor whose end before the verdict ends the run; or -1 */
	void (*on_verdict)(void *context, const struct matrix *matrix); /* or NULL */
	void *context;
};

/* Runs to the end. ret_matrix is the state at the verdict, the caller frees. -EINTR: a signal came
 * before it. Whatever happens, the machine and the socket are gone afterwards. */
int supervise(const struct supervision *supervision, struct matrix **ret_matrix, struct err *err);
