#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cmd/command.h"

static const struct option_row options[] = {
	{ "out", 'o', "DIR", "" },
	{ "json", 0, NULL, "" },
	{ "limit", 0, "N", "" },
	{ NULL, 0, NULL, NULL },
};

static const struct command command = {
	.name = "verb",
	.synopsis = "STACK",
	.options = options,
	.min_rest = 1,
	.max_rest = 2,
};

static int parse(char **argv, struct arguments *arguments, struct err *err)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	return arguments_parse(&command, argc, argv, arguments, err);
}

static void options_and_operands_mix(void **state)
{
	char *argv[] = { "a", "--out=x", "--json", "-", "--", NULL };
	struct arguments arguments = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(parse(argv, &arguments, &err), 0);
	assert_string_equal(argument(&arguments, "out"), "x");
	assert_true(argument_given(&arguments, "json"));
	assert_false(argument_given(&arguments, "limit"));
	assert_int_equal(arguments.rest_count, 2);
	assert_string_equal(arguments.rest[1], "-");
	arguments_done(&arguments);
}

static void after_two_dashes_nothing_is_an_option(void **state)
{
	char *argv[] = { "-o", "x", "--", "--json", NULL };
	struct arguments arguments = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(parse(argv, &arguments, &err), 0);
	assert_string_equal(argument(&arguments, "out"), "x");
	assert_string_equal(arguments.rest[0], "--json");
	assert_false(argument_given(&arguments, "json"));
	arguments_done(&arguments);
}

static void refused(char **argv, const char *message)
{
	struct arguments arguments = { 0 };
	struct err err = { 0 };

	assert_int_equal(parse(argv, &arguments, &err), -EINVAL);
	assert_string_equal(err.text, message);
	err_clear(&err);
	arguments_done(&arguments);
}

static void wrong_ones_are_named(void **state)
{
	(void)state;
	refused((char *[]){ "a", "--nope", NULL },
		"verb: --nope: no such option (nestctl verb --help lists them)");
	refused((char *[]){ "a", "--outer=x", NULL },
		"verb: --outer=x: no such option (nestctl verb --help lists them)");
	refused((char *[]){ "a", "--out", NULL }, "verb: --out needs a value (DIR)");
	refused((char *[]){ "a", "--out", "", NULL }, "verb: --out needs a value (DIR)");
	refused((char *[]){ "a", "--out=", NULL }, "verb: --out needs a value (DIR)");
	refused((char *[]){ "a", "--json=1", NULL }, "verb: --json takes no value");
	refused((char *[]){ NULL }, "verb: usage: nestctl verb STACK");
	refused((char *[]){ "a", "b", "c", NULL }, "verb: usage: nestctl verb STACK");
}

static void numbers_have_limits(void **state)
{
	static const struct {
		const char *text;
		int r;
	} cases[] = { { "5", 0 },
		      { "0", -EINVAL },
		      { "11", -EINVAL },
		      { "5x", -EINVAL },
		      { "-5", -EINVAL },
		      { "", -EINVAL },
		      { "99999999999999999999", -EINVAL } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *values[] = { NULL, NULL, cases[i].text };
		const struct arguments arguments = { .options = options, .values = values };
		struct err err = { 0 };
		unsigned value = 7;

		assert_int_equal(argument_number(&arguments, "limit", 1, 10, &value, &err),
				 cases[i].r);
		assert_int_equal(value, cases[i].r == 0 ? 5 : 7);
		err_clear(&err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_operands_mix),
		cmocka_unit_test(after_two_dashes_nothing_is_an_option),
		cmocka_unit_test(wrong_ones_are_named),
		cmocka_unit_test(numbers_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
