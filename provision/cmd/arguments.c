/* The command line of one verb, read from its option table. */
#include "cmd/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static int option_count(const struct option_row *options)
{
	int count = 0;

	while (options && options[count].name)
		count++;
	return count;
}

/* Index of the option that text names ("--name", "--name=value", "-n"), -1 for none. */
static int option_index(const struct option_row *options, const char *text)
{
	bool is_long = text[1] == '-';
	size_t length = is_long ? strcspn(text + 2, "=") : 0;

	for (int i = 0; options && options[i].name; i++) {
		if (is_long ? strlen(options[i].name) == length &&
				      strncmp(options[i].name, text + 2, length) == 0
			    : options[i].letter && text[1] == options[i].letter && !text[2])
			return i;
	}
	return -1;
}

/* Takes one option; ret_used tells how many words it took. */
static int option_take(const struct command *command, int argc, char **argv,
		       struct arguments *arguments, int *ret_used, struct err *err)
{
	int index = option_index(command->options, argv[0]);
	const char *equals = strchr(argv[0], '=');

	*ret_used = 1;
	if (index < 0)
		return err_set(err, -EINVAL,
			       "%s: %s: no such option (nestctl %s --help lists them)",
			       command->name, argv[0], command->name);
	const struct option_row *option = &command->options[index];
	if (!option->value) {
		if (equals)
			return err_set(err, -EINVAL, "%s: --%s takes no value", command->name,
				       option->name);
		arguments->values[index] = "";
		return 0;
	}
	bool joined = equals && argv[0][1] == '-';
	const char *value = joined ? equals + 1 : argc > 1 ? argv[1] : NULL;

	/* An empty one is a variable of a script that was not set. */
	if (!value || !*value)
		return err_set(err, -EINVAL, "%s: --%s needs a value (%s)", command->name,
			       option->name, option->value);
	arguments->values[index] = value;
	*ret_used = joined ? 1 : 2;
	return 0;
}

int arguments_parse(const struct command *command, int argc, char **argv,
		    struct arguments *ret_arguments, struct err *err)
{
	ret_arguments->options = command->options;
	ret_arguments->values = mem_alloc(sizeof(char *) * (size_t)option_count(command->options));
	ret_arguments->rest = mem_alloc(sizeof(char *) * (size_t)(argc + 1));

	for (int i = 0; i < argc;) {
		int used = 1;

		if (strcmp(argv[i], "--") == 0) {
			while (++i < argc)
				ret_arguments->rest[ret_arguments->rest_count++] = argv[i];
			break;
		}
		if (argv[i][0] == '-' && argv[i][1]) {
			int r = option_take(command, argc - i, argv + i, ret_arguments, &used, err);
			if (r < 0)
				return r;
		} else {
			ret_arguments->rest[ret_arguments->rest_count++] = argv[i];
		}
		i += used;
	}
	if (ret_arguments->rest_count < command->min_rest ||
	    (command->max_rest >= 0 && ret_arguments->rest_count > command->max_rest))
		return err_set(err, -EINVAL, "%s: usage: nestctl %s %s", command->name,
			       command->name, command->synopsis);
	return 0;
}

void arguments_done(struct arguments *arguments)
{
	free(arguments->values);
	free(arguments->rest);
	*arguments = (struct arguments){ 0 };
}

const char *argument(const struct arguments *arguments, const char *name)
{
	for (int i = 0; arguments->options && arguments->options[i].name; i++)
		if (strcmp(arguments->options[i].name, name) == 0)
			return arguments->values[i];
	return NULL;
}

bool argument_given(const struct arguments *arguments, const char *name)
{
	return argument(arguments, name) != NULL;
}

int argument_number(const struct arguments *arguments, const char *name, unsigned min, unsigned max,
		    unsigned *value, struct err *err)
{
	const char *text = argument(arguments, name);
	char *end = NULL;

	if (!text)
		return 0;
	errno = 0;
	unsigned long number = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || number < min || number > max)
		return err_set(err, -EINVAL, "--%s: \"%s\" is not a number from %u to %u", name,
			       text, min, max);
	*value = (unsigned)number;
	return 0;
}

static void option_print(const struct option_row *option)
{
	CLEANUP(free_cleanup)
	char *name = str_format("--%s%s%s", option->name, option->value ? " " : "",
				option->value ? option->value : "");

	if (option->letter)
		printf("  -%c, %-22s %s\n", option->letter, name, option->help);
	else
		printf("      %-22s %s\n", name, option->help);
}

void command_print_help(const struct command *command)
{
	const struct option_row *option = command->options;

	printf("Usage: nestctl %s %s\n%s.\n", command->name, command->synopsis, command->summary);
	if (option && option->name)
		putchar('\n');
	for (; option && option->name; option++)
		option_print(option);
	printf("\nMore: man nestctl-%s\n", command->name);
}
