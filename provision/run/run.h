/* Runs a built stack: power-on, proof, verdict, power-down. The one door for the verbs. */
#pragma once
#include <stdbool.h>

#include "base/err.h"
#include "profile/stack.h"
#include "run/driver.h"
#include "verify/matrix.h"

struct run_options {
	const char *folder; /* the built stack's: l1.raw in it; run/ and logs/ are made */
	const char *accel;  /* "auto", "tcg", "kvm"; NULL: auto */
	const struct l0_driver *driver; /* NULL: the default */
	const char *bridge;		/* of L0, for a driver that takes one; NULL: it finds one */
	bool keep_running; /* a process of its own goes on with the stack after the verdict */
	bool fresh;	   /* keep_running: a new disk overlay even if there is one */
	unsigned deadline_seconds; /* for the verdict; 0: the levels' own limits */
	unsigned down_seconds;	   /* for each level to power down; 0: 30 */
};

/* What speaks against a run on this L0, as far as it can be known beforehand. Writes nothing.
 * Errors: those of the driver's probe, network and check. */
int run_check(const struct stack *stack, const struct run_options *options, struct err *err);

/* Starts L1 over l1.raw, which is never written to, and waits for a verdict on every level: each
 * has time limits (boot_timeout_seconds, proof_timeout_seconds), so it ends. Returns 0 with a
 * matrix, whatever the verdict (matrix_all_proven); the caller frees. Without keep_running the
 * stack is powered down and its overlay is gone; with it, it runs on, and `nestctl down` ends it.
 * -EBUSY: it is running; -ENODEV: the accelerator does not work; -EINTR: a signal or `down` ended
 * it; else what went wrong at the start. */
int run_stack(const struct stack *stack, const struct run_options *options,
	      struct matrix **ret_matrix, struct err *err);
