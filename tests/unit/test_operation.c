/* Operations of a verb: each takes the operands and options that its usage names, and no others. */
#include "cmd/operation.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int ran(const struct arguments *arguments, struct err *err)
{
	(void)err;
	return arguments->rest_count;
}

static const struct option_row options[] = {
	{ "dry-run", 'n', NULL, "clear: only say so" },
	{ "dry", 0, NULL, "list: without water" },
	{ 0 },
};

static const struct operation operations[] = {
	{ "list", "list [--dry]", 0, 0, ran },
	{ "clear", "clear KEY... [--dry-run]", 1, -1, ran },
	{ 0 },
};

static int verb_run(const struct arguments *arguments, struct err *err)
{
	return operation_run("verb", operations, arguments, err);
}

static const struct command verb = {
	.name = "verb", .options = options, .min_rest = 1, .max_rest = -1, .run = verb_run
};

static int run(const struct command *command, char **argv, struct err *err)
{
	struct arguments arguments = { 0 };
	int count = 0;

	while (argv[count])
		count++;
	int r = arguments_parse(command, count, argv, &arguments, err);
	if (r == 0)
		r = command->run(&arguments, err);
	arguments_done(&arguments);
	return r;
}

static void refused(const struct command *command, char **argv, const char *text)
{
	struct err err = { 0 };

	assert_int_equal(run(command, argv, &err), -EINVAL);
	assert_string_equal(err.text, text);
	err_clear(&err);
}

static void what_fits_runs(void **state)
{
	(void)state;
	assert_int_equal(run(&verb, (char *[]){ "list", NULL }, NULL), 1);
	assert_int_equal(run(&verb, (char *[]){ "list", "--dry", NULL }, NULL), 1);
	assert_int_equal(run(&verb, (char *[]){ "clear", "a", "b", "-n", NULL }, NULL), 3);
}

static void what_is_not_its_own_is_refused(void **state)
{
	(void)state;
	refused(&verb, (char *[]){ "list", "a", NULL },
		"verb list: usage: nestctl verb list [--dry]");
	refused(&verb, (char *[]){ "list", "--dry-run", NULL },
		"verb list: has no option --dry-run: usage: nestctl verb list [--dry]");
	refused(&verb, (char *[]){ "clear", NULL },
		"verb clear: usage: nestctl verb clear KEY... [--dry-run]");
	refused(&verb, (char *[]){ "clear", "a", "--dry", NULL },
		"verb clear: has no option --dry: usage: nestctl verb clear KEY... [--dry-run]");
	refused(&verb, (char *[]){ "mend", NULL }, "verb: \"mend\" is none of list, clear");
}

/* What only says elsewhere what would go must not be taken for saying so here. */
static void store_rm_has_no_dry_run(void **state)
{
	(void)state;
	refused(command_find("store"), (char *[]){ "rm", "0", "--dry-run", NULL },
		"store rm: has no option --dry-run: usage: nestctl store rm KEY... [--store DIR]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_runs),
		cmocka_unit_test(what_is_not_its_own_is_refused),
		cmocka_unit_test(store_rm_has_no_dry_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
