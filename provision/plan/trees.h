/* The trees that a stack is composed from: read through aside, so that nothing that was made from a
 * damaged one gets its name. */
#pragma once
#include "plan/plan.h"

struct trees;

/* Starts to verify the trees that the compose steps from first_compose on stand on, as far as they
 * were there already. trees_close it. */
int trees_open(struct plan *plan, size_t first_compose, struct trees **ret_trees, struct err *err);
/* Waits for the verification. True if a tree is damaged; those steps are no longer cached, with the
 * damage as the reason. */
bool trees_damaged(struct trees *trees);
/* NULL is allowed. */
void trees_close(struct trees *trees);
void trees_cleanup(struct trees **trees);
