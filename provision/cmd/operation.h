/* What verbs with operations of their own (store gc, media inspect) have in common: one row each
 * says what it takes. */
#pragma once
#include "cmd/command.h"

struct operation {
	const char *name;
	const char *usage;	/* "gc [--limit SIZE]": the options that it names are taken */
	int min_rest, max_rest; /* how many operands behind the name; max -1: any number */
	int (*run)(const struct arguments *arguments, struct err *err); /* as a command's */
};

/* Runs the operation that the first operand names. operations ends with a NULL name. -EINVAL: there
 * is none of that name, or it is given operands or options that are not its own. */
int operation_run(const char *verb, const struct operation *operations,
		  const struct arguments *arguments, struct err *err);
