#include "cmd/validate.h"

#include <stdio.h>

#include "pattern/pattern.h"
#include "profile/stack.h"

static int validate_run(const struct arguments *arguments, struct err *err)
{
	CLEANUP(stack_cleanup) struct stack *stack = NULL;
	int r = stack_load(arguments->rest[0], &stack, err);

	if (r < 0)
		return r;
	printf("%s: ok, %zu layer%s\n", stack->name, stack->layer_count,
	       stack->layer_count == 1 ? "" : "s");
	for (size_t i = 0; i < stack->layer_count; i++) {
		const struct layer *layer = stack->layers[i];
		CLEANUP(free_cleanup) char *memory = size_format(layer->machine.memory_bytes);

		printf("%*sL%u %s: %s, %s, %u vCPU%s, %s\n", (int)(2 * layer->depth), "",
		       layer->depth, layer->name, layer->pattern->name,
		       machine_type_name(layer->machine.type), layer->machine.vcpus,
		       layer->machine.vcpus == 1 ? "" : "s", memory);
	}
	return 0;
}

const struct command validate_command = {
	.name = "validate",
	.synopsis = "STACK",
	.summary = "Reads a stack file with all its profiles and reports every error",
	.min_rest = 1,
	.max_rest = 1,
	.run = validate_run,
};
