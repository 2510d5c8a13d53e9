#include "cmd/verdict.h"

#include "base/fs.h"

static bool is_stdout(const char *json)
{
	return json && str_equal(json, "-");
}

int verdict_check(const char *json, struct err *err)
{
	return !json || is_stdout(json) ? 0 : file_check_out(json, err);
}

int verdict_show(const struct matrix *matrix, const char *json, struct err *err)
{
	int r = 0;

	matrix_print(matrix, is_stdout(json) ? stderr : stdout);
	if (is_stdout(json)) {
		CLEANUP(free_cleanup) char *text = matrix_json_text(matrix, true);

		puts(text);
	} else if (json)
		r = matrix_json(matrix, json, err);
	if (r < 0)
		return r;
	return matrix_all_proven(matrix) ? 0 : 1;
}
