/* What must hold between the keys of a layer, and between layers. */
#pragma once
#include "profile/yaml.h"

struct layer_source { /* the loader's */
	struct layer *layer;
	struct node *map;  /* merged */
	struct strv wrong; /* keys whose values in layer are stand-ins: no check may look at them */
};

/* sources: one a layer, in their order. */
void stack_check(const struct stack *stack, const struct layer_source *sources,
		 struct diagnostics *diagnostics);
