#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "packages/progress.h"

#define MIB ((uint64_t)1 << 20)

static void assert_text(const struct progress *progress, uint64_t done_bytes, uint64_t wanted_bytes,
			const char *expected)
{
	CLEANUP(free_cleanup) char *text = progress_text(progress, done_bytes, wanted_bytes);

	assert_string_equal(text, expected);
}

static void rate_and_time_left(void **state)
{
	struct progress progress = { 0 };

	(void)state;
	assert_text(&progress, 0, 80 * MIB, "0 of 80 MiB");
	progress_take(&progress, 100, 0);
	progress_take(&progress, 100.5, MIB); /* too soon to tell */
	assert_text(&progress, MIB, 80 * MIB, "1 of 80 MiB");
	progress_take(&progress, 102, 4 * MIB);
	assert_text(&progress, 4 * MIB, 80 * MIB, "4 of 80 MiB, 2.0 MiB/s, 38 s left");
	/* What was there before counts as done, not for the rate. */
	assert_text(&progress, 70 * MIB, 80 * MIB, "70 of 80 MiB, 2.0 MiB/s, 5 s left");
	assert_text(&progress, 90 * MIB, 80 * MIB, "90 of 80 MiB, 2.0 MiB/s, 0 s left");
	assert_text(&progress, 0, 1200 * MIB, "0 of 1200 MiB, 2.0 MiB/s, 10 min left");
	assert_text(&progress, 0, 18000 * MIB, "0 of 18000 MiB, 2.0 MiB/s, 2.5 h left");
	/* A transfer that stalls is seen, and not at once believed. */
	progress_take(&progress, 103, 4 * MIB);
	assert_text(&progress, 4 * MIB, 80 * MIB, "4 of 80 MiB, 1.4 MiB/s, 54 s left");
}

static void slow_ones_in_kib(void **state)
{
	struct progress progress = { 0 };

	(void)state;
	progress_take(&progress, 1, 0);
	progress_take(&progress, 2, 1024);
	assert_text(&progress, 1024, MIB / 16, "0 of 0 MiB, 1 KiB/s, 63 s left");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_and_time_left),
		cmocka_unit_test(slow_ones_in_kib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
