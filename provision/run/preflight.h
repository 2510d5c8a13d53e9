/* The preflight: is everything here that a build and a run need? Under 2 s in all. Every finding
 * that is missing names its cure. */
#pragma once
#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "profile/stack.h"

enum finding_state { FINDING_OK, FINDING_NOTE, FINDING_MISSING };

struct finding {
	enum finding_state state;
	char *what;    /* "qemu-img", "free memory" */
	char *detail;  /* what was found */
	char *cure;    /* what to do, "" if nothing */
	char *package; /* Debian package that brings it, "" if none */
};

struct preflight { /* a zeroed struct is an empty one; preflight_done frees */
	struct finding *findings;
	size_t count;
	bool kvm; /* a guest ran on it */
};

struct preflight_request {
	const struct stack *stack; /* NULL: what any stack needs */
	/* Folders (they need not exist yet) whose file systems are to hold the cache and the
	 * stack; NULL: the current folder. */
	const char *store, *out;
	/* What is asked of them is there already: no room is needed. */
	bool store_has_all, out_has_all;
	bool build_only; /* no stack will run: the accelerator does not matter */
	bool on_xen;	 /* a Xen host runs L1 and the installers (its driver looks at that) */
};

/* Returns 0 whatever is found (preflight_ok). */
int preflight_check(const struct preflight_request *request, struct preflight *ret_preflight,
		    struct err *err);
bool preflight_ok(const struct preflight *preflight);
void preflight_print(const struct preflight *preflight, FILE *out);
/* Only what is missing. */
void preflight_print_missing(const struct preflight *preflight, FILE *out);
/* The caller frees. */
char *preflight_json(const struct preflight *preflight);
void preflight_done(struct preflight *preflight);
