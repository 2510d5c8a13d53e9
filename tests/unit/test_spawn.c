#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/spawn.h"

static int run(const char *const *argv, unsigned seconds, char **output, struct err *err)
{
	return spawn_run(&(struct spawn_options){ .argv = argv,
						  .purpose = "testing",
						  .timeout_seconds = seconds },
			 output, err);
}

static void output_is_captured(void **state)
{
	const char *argv[] = { "printf", "a b;c", NULL };
	CLEANUP(free_cleanup) char *output = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(run(argv, 0, &output, &err), 0);
	assert_string_equal(output, "a b;c");
}

static void status_and_stderr_are_reported(void **state)
{
	const char *argv[] = { "sh", "-c", "echo reason >&2; exit 3", NULL };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(run(argv, 0, NULL, &err), -ECHILD);
	assert_string_equal(err.text, "testing: sh exited with status 3:\nreason\n");
	err_clear(&err);
}

static void signals_are_decoded(void **state)
{
	const char *argv[] = { "sh", "-c", "kill -9 $$", NULL };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(run(argv, 0, NULL, &err), -ECHILD);
	assert_string_equal(err.text, "testing: sh was killed by signal 9 (Killed)");
	err_clear(&err);
}

static void missing_programs_are_named(void **state)
{
	const char *argv[] = { "no-such-program-here", NULL };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(run(argv, 0, NULL, &err), -ENOENT);
	assert_string_equal(err.text, "testing: the program no-such-program-here is not installed");
	err_clear(&err);
}

/* A grandchild that keeps the pipe open is ended with its group. */
static void time_is_limited(void **state)
{
	const char *argv[] = { "sh", "-c", "sleep 300 & sleep 300", NULL };
	struct err err = { 0 };
	double start = clock_seconds();

	(void)state;
	assert_int_equal(run(argv, 1, NULL, &err), -ETIMEDOUT);
	assert_string_equal(err.text, "testing: sh was not done after 1 s");
	assert_true(clock_seconds() - start < 250);
	err_clear(&err);
}

static void count_line(void *context, const char *line)
{
	*(int *)context += strcmp(line, "x") == 0;
}

static void lines_arrive_whole(void **state)
{
	const char *argv[] = { "sh", "-c", "printf x; sleep 0.1; printf '\\nx\\nx\\n' >&2", NULL };
	int lines = 0;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(spawn_run(&(struct spawn_options){ .argv = argv,
							    .on_line = count_line,
							    .context = &lines },
				   NULL, &err),
			 0);
	assert_int_equal(lines, 2); /* stdout's has no end; stderr's second and third do */
}

static void started_programs_end(void **state)
{
	const char *argv[] = { "sleep", "300", NULL };
	struct err err = { 0 };
	pid_t pid = 0;

	(void)state;
	assert_int_equal(spawn_start(&(struct spawn_options){ .argv = argv }, false, &pid, &err),
			 0);
	assert_int_equal(kill(pid, 0), 0);
	spawn_end(pid, 1000);
	assert_int_equal(kill(pid, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_is_captured),
		cmocka_unit_test(status_and_stderr_are_reported),
		cmocka_unit_test(signals_are_decoded),
		cmocka_unit_test(missing_programs_are_named),
		cmocka_unit_test(time_is_limited),
		cmocka_unit_test(lines_arrive_whole),
		cmocka_unit_test(started_programs_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
