#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "pxe/status_view.h"

static const char lab_text[] =
	"{\"lab\": \"rack\", \"machines\": ["
	"{\"name\": \"r1\", \"stage\": \"installing\", \"done\": 1073741824, \"total\": 4294967296,"
	" \"address\": \"10.0.0.11\", \"text\": \"writing /dev/sda\", \"error\": \"\", \"levels\": []},"
	"{\"name\": \"node-12\", \"stage\": \"proving\", \"done\": 0, \"total\": 0, \"address\": \"\","
	" \"text\": \"old\", \"error\": \"\", \"levels\": [{\"proven\": true}, {\"proven\": false}]},"
	"{\"name\": \"r3\", \"stage\": \"failed\", \"error\": \"disk\\u001b[31m has\\ndata\","
	" \"done\": 5242880}],"
	"\"strangers\": [{\"mac\": \"52:54:00:00:00:09\", \"address\": \"10.0.0.9\"}]}";

static char *printed(const char *json, size_t columns)
{
	CLEANUP(json_cleanup) json_t *lab = json_loads(json, 0, NULL);
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	pxe_status_print(lab, columns, out);
	fclose(out);
	return text;
}

static void table(void **state)
{
	CLEANUP(free_cleanup) char *text = printed(lab_text, 0);

	(void)state;
	assert_string_equal(
		text,
		"machine            stage       progress         address    levels\n"
		"r1                 installing  25% of 4096 MiB  10.0.0.11  -       writing /dev/sda\n"
		"node-12            proving     -                -          1 of 2\n"
		"r3                 failed      5 MiB            -          -       "
		"error: disk [31m has data\n"
		"52:54:00:00:00:09  stranger    -                10.0.0.9   -       "
		"is not on the list: boots its local disk\n");
}

static void fits_a_terminal(void **state)
{
	CLEANUP(free_cleanup) char *text = printed(lab_text, 80);
	char *line, *rest = text;

	(void)state;
	while ((line = strsep(&rest, "\n")) && *line)
		assert_true(strlen(line) <= 80);
}

static void anything_else(void **state)
{
	static const char *const texts[] = { "{}", "[]", "{\"machines\": 7}",
					     "{\"machines\": [7, null, {}], \"strangers\": [[]]}" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		CLEANUP(free_cleanup) char *text = printed(texts[i], 0);
		CLEANUP(json_cleanup) json_t *lab = json_loads(texts[i], 0, NULL);

		assert_true(str_starts(text, "machine"));
		assert_false(pxe_status_proven(lab));
	}
}

static void proven(void **state)
{
	CLEANUP(json_cleanup)
	json_t *all = json_loads("{\"machines\": [], \"proven\": true}", 0, NULL);
	CLEANUP(json_cleanup) json_t *some = json_loads(lab_text, 0, NULL);

	(void)state;
	assert_true(pxe_status_proven(all));
	assert_false(pxe_status_proven(some));
}

static void nobody_there(void **state)
{
	const struct pxe_status_options options = { .url = "http://127.0.0.1:1" };
	struct err err = { 0 };

	(void)state;
	assert_true(pxe_status(&options, &err) < 0);
	assert_non_null(strstr(err.text, "nestctl pxe serve"));
	err_clear(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),	 cmocka_unit_test(fits_a_terminal),
		cmocka_unit_test(anything_else), cmocka_unit_test(proven),
		cmocka_unit_test(nobody_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
