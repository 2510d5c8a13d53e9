#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fs.h"
#include "bundle/lab.h"

/* Refused before any file is looked at. */
static void a_medium_on_this_machine_is_not_bundled(void **state)
{
	char name[] = "l1", path[] = "isos/sles.iso", stack_path[] = "/nowhere/stack.yaml";
	struct layer layer = { .name = name, .install.medium = path };
	struct layer *layers[] = { &layer };
	const struct stack stack = { .path = stack_path, .layers = layers, .layer_count = 1 };
	char *gathered = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(lab_gather(&stack, "/nowhere/lock", "/nowhere/lab", &gathered, &err),
			 -EINVAL);
	assert_string_equal(
		err.text, "l1: install.medium is a path (isos/sles.iso), and a bundle holds no "
			  "installation media: name it by a URL with its install.sha256, or leave "
			  "the layer out");
	assert_null(gathered);
	assert_false(path_exists("/nowhere"));
	err_clear(&err);
}

/* One with a URL goes on to the files, of which there are none here. */
static void a_medium_with_a_url_is_none_of_its_business(void **state)
{
	char name[] = "l1", url[] = "https://example.net/sles.iso",
	     stack_path[] = "/nowhere/s.yaml";
	struct layer layer = { .name = name, .install.medium = url };
	struct layer *layers[] = { &layer };
	const struct stack stack = { .path = stack_path, .layers = layers, .layer_count = 1 };
	char *gathered = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(lab_gather(&stack, "/nowhere/lock", "/nowhere/lab", &gathered, &err),
			 -ENOENT);
	err_clear(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_medium_on_this_machine_is_not_bundled),
		cmocka_unit_test(a_medium_with_a_url_is_none_of_its_business),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
