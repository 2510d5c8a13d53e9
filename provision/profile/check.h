/* What must hold between the keys of a layer, and between layers. */
#pragma once
#include "profile/yaml.h"

struct stack_check {
	const struct stack *stack;
	const bool *sound; /* one a layer: all its keys were read without an error */
	bool answers_only; /* nothing is to be built: a layer of an installer needs no medium */
};

void stack_check(const struct stack_check *check, struct diagnostics *diagnostics);
