#include "cmd/validate.h"

#include <stdio.h>

#include "pattern/pattern.h"
#include "profile/stack.h"
#include "pxe/lab.h"

static int lab_validate(const char *path, struct err *err)
{
	CLEANUP(lab_cleanup) struct lab *lab = NULL;
	int r = lab_load(path, &lab, err);

	if (r < 0)
		return r;
	printf("%s: ok, %zu machine%s\n", lab->name, lab->machine_count,
	       lab->machine_count == 1 ? "" : "s");
	for (size_t i = 0; i < lab->machine_count; i++) {
		const struct lab_machine *machine = &lab->machines[i];

		printf("  %s: %s, %s, %s, %s\n", machine->name,
		       *machine->mac	? machine->mac
		       : *machine->uuid ? machine->uuid
					: "any",
		       machine->stack->path, lab_way_name(machine->way),
		       lab_boot_name(machine->boot));
	}
	return 0;
}

static int stack_validate(const char *path, struct err *err)
{
	CLEANUP(stack_cleanup) struct stack *stack = NULL;
	int r = stack_load(path, &stack, err);

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

static int validate_run(const struct arguments *arguments, struct err *err)
{
	const char *path = arguments->rest[0];

	return lab_is(path) ? lab_validate(path, err) : stack_validate(path, err);
}

const struct command validate_command = {
	.name = "validate",
	.synopsis = "STACK|LAB",
	.summary = "Reads a stack or lab file with all its profiles and reports every error",
	.min_rest = 1,
	.max_rest = 1,
	.run = validate_run,
};
