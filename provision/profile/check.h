/* What must hold between the keys of a layer, and between layers. */
#pragma once
#include "profile/yaml.h"

struct layer_source {
	struct layer *layer;
	const struct node *map; /* merged */
	bool sound;		/* all its keys were read without an error */
};

void stack_check(const struct stack *stack, const struct layer_source *sources,
		 struct diagnostics *diagnostics);
