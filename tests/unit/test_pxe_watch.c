#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fs.h"
#include "pxe/ledger.h"
#include "pxe/watch.h"

#define LISTED_MAC "52:54:00:00:00:01"

struct fixture {
	char *folder;
	struct layer layer, *layers[1];
	struct stack stack;
	struct lab_machine machine;
	struct lab lab;
	struct ledger *ledger;
	struct watch *watch;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);
	static char none[] = "";

	*state = fixture;
	fixture->layer = (struct layer){ .name = "l1", .boot_loader = BOOT_GRUB2_BIOS };
	fixture->layers[0] = &fixture->layer;
	fixture->stack =
		(struct stack){ .own_name = "xen-l2", .layers = fixture->layers, .layer_count = 1 };
	fixture->machine = (struct lab_machine){
		.name = "r1", .mac = LISTED_MAC, .uuid = none, .stack = &fixture->stack
	};
	fixture->lab =
		(struct lab){ .name = "rack", .machines = &fixture->machine, .machine_count = 1 };
	if (temp_dir(NULL, &fixture->folder, NULL) < 0 ||
	    ledger_open(fixture->folder, &fixture->lab, &fixture->ledger, NULL) < 0)
		return -1;
	fixture->watch = watch_new();
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	watch_cleanup(&fixture->watch);
	ledger_free(fixture->ledger);
	tree_remove(fixture->folder, NULL);
	free(fixture->folder);
	free(fixture);
	return 0;
}

static void boot(struct fixture *fixture, const char *mac, const char *uuid)
{
	const struct boot_client client = { mac, uuid, "10.0.0.9", FIRMWARE_BIOS };
	struct boot_answer answer;

	assert_int_equal(ledger_boot(fixture->ledger, &client, &answer, NULL), 0);
}

/* What a look writes to the terminal; the caller frees. */
static char *told(struct fixture *fixture)
{
	CLEANUP(free_cleanup) char *path = path_join(fixture->folder, "told");
	char *text = NULL;
	int before = dup(STDERR_FILENO);

	fflush(stderr);
	assert_non_null(freopen(path, "w", stderr));
	watch_tell(fixture->watch, fixture->ledger);
	fflush(stderr);
	dup2(before, fileno(stderr));
	close(before);
	assert_int_equal(file_read(path, 65536, &text, NULL, NULL), 0);
	return text;
}

static void assert_told(struct fixture *fixture, const char *wanted)
{
	CLEANUP(free_cleanup) char *text = told(fixture);

	assert_string_equal(text, wanted);
}

static void what_is_new_is_told_once(void **state)
{
	struct fixture *fixture = *state;

	assert_told(fixture, "");
	boot(fixture, LISTED_MAC, "");
	assert_told(fixture, "r1: booting\n");
	boot(fixture, LISTED_MAC, "");
	assert_told(fixture, "");
	ledger_failed(fixture->ledger, &fixture->machine, "no disk", NULL);
	assert_told(fixture, "r1: failed: no disk\n");
}

static void strangers_are_told_of(void **state)
{
	struct fixture *fixture = *state;

	boot(fixture, "52:54:00:00:00:09", "");
	assert_told(fixture, "52:54:00:00:00:09 (10.0.0.9): a stranger: is not on the list, boots "
			     "its local disk\n");
	boot(fixture, "52:54:00:00:00:09", "");
	assert_told(fixture, "");
	boot(fixture, "", "4c4c4544-0042-3510-8054-b4c04f4d3132");
	assert_told(fixture, "4c4c4544-0042-3510-8054-b4c04f4d3132 (10.0.0.9): a stranger: is not "
			     "on the list, boots its local disk\n");
}

static void many_strangers_do_not_fill_the_log(void **state)
{
	struct fixture *fixture = *state;
	size_t lines = 0;
	char mac[18];

	for (unsigned i = 0; i < 200; i++) {
		snprintf(mac, sizeof mac, "52:54:00:00:01:%02x", i);
		boot(fixture, mac, "");
		CLEANUP(free_cleanup) char *text = told(fixture);
		if (*text)
			lines++;
		if (i == 50)
			assert_string_equal(text,
					    "further strangers are on the status page alone\n");
	}
	assert_int_equal(lines, 51);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_new_is_told_once),
		CASE(strangers_are_told_of),
		CASE(many_strangers_do_not_fill_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
