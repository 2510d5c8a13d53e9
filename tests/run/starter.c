/* Runs a stack that needs no profile: starter FOLDER [keep] [only-l1] [SECONDS for L1 to
 * boot]. The table on stdout; status 0 if every level is proven, 1 if not, 3 if it could not run.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "../unit/run_fixture.h"
#include "run/run.h"

int main(int argc, char **argv)
{
	struct fixture fixture;
	struct run_options options = { .folder = argv[1], .accel = "tcg", .down_seconds = 1 };
	CLEANUP(matrix_cleanup) struct matrix *matrix = NULL;
	struct err err = { 0 };

	fixture_make(&fixture);
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "keep") == 0)
			options.keep_running = true;
		else if (strcmp(argv[i], "only-l1") == 0)
			fixture.stack.layer_count = 1;
		else
			fixture.layers[0].boot_timeout_seconds = (unsigned)atoi(argv[i]);
	}
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2 || run_stack(&fixture.stack, &options, &matrix, &err) < 0) {
		fprintf(stderr, "starter: %s\n", err.text ? err.text : "no folder");
		err_clear(&err);
		return 3;
	}
	matrix_print(matrix, stdout);
	return matrix_all_proven(matrix) ? 0 : 1;
}
