/* Verbs of the command line: one file a verb, one row in commands[] of cmd/commands.c. */
#pragma once
#include <stdbool.h>

#include "base/err.h"

struct option_row {
	const char *name;  /* long name, without -- */
	char letter;	   /* 0: none */
	const char *value; /* name of the value in --help, NULL: a flag */
	const char *help;
};

/* Those that many verbs have. */
#define OPTION_OUT                                                                                 \
	{                                                                                          \
		"out", 'o', "DIR", "where stacks are built, a folder each (default: out)"          \
	}
#define OPTION_STORE                                                                               \
	{                                                                                          \
		"store", 0, "DIR", "the store (default: ~/.cache/nestctl)"                         \
	}

struct arguments {
	const struct option_row *options; /* the verb's, ends with a NULL name */
	const char **values;		  /* one an option; "" for a flag that was given, or NULL */
	char **rest;			  /* what is no option, NULL at the end */
	int rest_count;
};

struct command {
	const char *name;
	const char *synopsis; /* "STACK [--keep-running] ..." */
	const char *summary;  /* one line for the list of verbs */
	const struct option_row *options;
	int min_rest, max_rest; /* how many operands; max -1: any number */
	/* 0, or a negative errno with err set; a positive value is an exit status with nothing
	 * printed (a verdict that was already shown, a remote command's status). */
	int (*run)(const struct arguments *arguments, struct err *err);
};

/* NULL: there is no such verb. */
const struct command *command_find(const char *name);
const struct command *command_at(int index); /* NULL after the last */

/* Value of an option, NULL if it was not given ("" for a flag that was). */
const char *argument(const struct arguments *arguments, const char *name);
bool argument_given(const struct arguments *arguments, const char *name);
/* A whole number in a range; -EINVAL with the option named. Leaves *value alone if not given. */
int argument_number(const struct arguments *arguments, const char *name, unsigned min, unsigned max,
		    unsigned *value, struct err *err);

/* Parses what follows the verb: argv starts there, and outlives the arguments. -EINVAL names the
 * option and the way to --help. ret_arguments is zeroed before; arguments_done it, after a failure
 * too. */
int arguments_parse(const struct command *command, int argc, char **argv,
		    struct arguments *ret_arguments, struct err *err);
/* Frees what arguments_parse made; a zeroed struct is allowed. */
void arguments_done(struct arguments *arguments);
void command_print_help(const struct command *command);
