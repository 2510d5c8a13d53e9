#include "cmd/operation.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

static bool takes_option(const struct operation *operation, const char *name)
{
	CLEANUP(free_cleanup) char *word = str_format("--%s", name);
	const char *at = operation->usage;

	while ((at = strstr(at, word))) {
		at += strlen(word);
		if (*at == '\0' || strchr(" ]", *at))
			return true;
	}
	return false;
}

static int options_check(const char *verb, const struct operation *operation,
			 const struct arguments *arguments, struct err *err)
{
	for (const struct option_row *row = arguments->options; row->name; row++)
		if (argument_given(arguments, row->name) && !takes_option(operation, row->name))
			return err_set(err, -EINVAL,
				       "%s %s: has no option --%s: usage: nestctl %s %s", verb,
				       operation->name, row->name, verb, operation->usage);
	return 0;
}

static int operands_check(const char *verb, const struct operation *operation, int operands,
			  struct err *err)
{
	if (operands >= operation->min_rest &&
	    (operation->max_rest < 0 || operands <= operation->max_rest))
		return 0;
	return err_set(err, -EINVAL, "%s %s: usage: nestctl %s %s", verb, operation->name, verb,
		       operation->usage);
}

static int unknown(const char *verb, const struct operation *operations, const char *name,
		   struct err *err)
{
	CLEANUP(strv_done) struct strv names = { 0 };

	for (; operations->name; operations++)
		strv_add(&names, operations->name);
	CLEANUP(free_cleanup) char *list = strv_join(&names, ", ");
	return err_set(err, -EINVAL, "%s: \"%s\" is none of %s", verb, name, list);
}

int operation_run(const char *verb, const struct operation *operations,
		  const struct arguments *arguments, struct err *err)
{
	const struct operation *operation = operations;

	while (operation->name && !str_equal(operation->name, arguments->rest[0]))
		operation++;
	if (!operation->name)
		return unknown(verb, operations, arguments->rest[0], err);
	int r = options_check(verb, operation, arguments, err);
	if (r == 0)
		r = operands_check(verb, operation, arguments->rest_count - 1, err);
	return r < 0 ? r : operation->run(arguments, err);
}
