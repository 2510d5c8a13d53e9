/* What must hold between the keys of a layer, and between layers. */
#pragma once
#include "profile/diagnostic.h"
#include "profile/stack.h"

struct stack_check {
	const struct stack *stack;
	/* One a layer: keys whose values in it are stand-ins, no check may look at them. */
	const struct strv *wrong;
	bool answers_only; /* nothing is to be built: a layer of an installer needs no medium */
	bool on_metal;	   /* the outermost machine is there already, whatever is said of it */
};

/* Adds what is wrong; diagnostics_result tells whether anything was. */
void stack_check(const struct stack_check *request, struct diagnostics *diagnostics);
