/* What is kept of a console in memory: text, line by line, whatever a guest sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "run/console.h"

#define WRAP_BYTES 1024
#define KEEP_BYTES (256u * 1024)

static int set_up(void **state)
{
	struct console *console = mem_alloc(sizeof *console);

	*state = console;
	return console_open(console, NULL, NULL);
}

static int tear_down(void **state)
{
	console_done(*state);
	free(*state);
	return 0;
}

static void say(struct console *console, const char *text)
{
	console_add(console, text, strlen(text));
}

static void orders_to_the_terminal_are_left_out(void **state)
{
	struct console *console = *state;

	say(console, "one\x1b[3");
	say(console, "1mtwo\x1b");
	say(console, "cthree\r\n\a");
	assert_string_equal(console->text, "onetwothree\n");
}

/* The whole of the memory as one line is what the search for symptoms must not meet. */
static void endless_lines_are_broken(void **state)
{
	struct console *console = *state;
	size_t longest = 0;

	for (size_t i = 0; i < 2 * KEEP_BYTES; i++)
		say(console, "x");
	assert_in_range(console->length, KEEP_BYTES / 2, KEEP_BYTES);
	assert_int_equal(strlen(console->text), console->length);
	for (const char *line = console->text; *line; line += strspn(line, "\n")) {
		size_t length = strcspn(line, "\n");

		longest = length > longest ? length : longest;
		line += length;
	}
	assert_int_equal(longest, WRAP_BYTES);
}

static void a_line_of_just_that_length_stays(void **state)
{
	struct console *console = *state;
	char line[WRAP_BYTES + 2];

	memset(line, 'x', WRAP_BYTES);
	strcpy(line + WRAP_BYTES, "\n");
	say(console, line);
	say(console, line);
	assert_int_equal(console->length, 2 * (WRAP_BYTES + 1));
}

static void a_tail_is_cut_between_characters(void **state)
{
	struct console *console = *state;
	CLEANUP(strv_done) struct strv lines = { 0 };

	say(console, "first\n\nsecond ");
	for (int i = 0; i < 200; i++)
		say(console, "\xc3\xa4");
	console_tail(console, 12, &lines);
	assert_int_equal(lines.count, 2);
	assert_string_equal(lines.items[0], "first");
	size_t length = strlen(lines.items[1]);
	assert_int_equal(length, 239); /* of 240: "second " and whole characters */
	assert_int_equal((unsigned char)lines.items[1][length - 1], 0xa4);
}

static void what_is_forgotten_is_gone(void **state)
{
	struct console *console = *state;
	CLEANUP(free_cleanup) char *last = NULL;

	say(console, "before the reset");
	console_forget(console);
	last = console_last(console, 80);
	assert_string_equal(last, "");
	say(console, "after it\n");
	assert_string_equal(console->text, "after it\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(orders_to_the_terminal_are_left_out), TEST(endless_lines_are_broken),
		TEST(a_line_of_just_that_length_stays),	   TEST(a_tail_is_cut_between_characters),
		TEST(what_is_forgotten_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
