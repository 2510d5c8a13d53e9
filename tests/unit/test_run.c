/* run_stack against tests/run/fake/qemu-system-x86_64: every ending of a run. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "run/client.h"
#include "run/folder.h"
#include "run/run.h"
#include "run_fixture.h"
#include "until.h"

struct place {
	char *folder;
	struct fixture fixture;
};

static int place_make(void **state)
{
	struct place *place = mem_alloc(sizeof *place);
	struct err err = { 0 };

	assert_int_equal(temp_dir(NULL, &place->folder, &err), 0);
	CLEANUP(free_cleanup) char *disk = path_join(place->folder, "l1.raw");
	assert_int_equal(file_write(disk, "disk", 4, 0644, &err), 0);
	assert_int_equal(truncate(disk, 1 << 20), 0);
	fixture_make(&place->fixture);
	*state = place;
	return 0;
}

static int place_remove(void **state)
{
	struct place *place = *state;

	tree_remove(place->folder, NULL);
	free(place->folder);
	free(place);
	return 0;
}

static struct matrix *run(struct place *place, const char *scenario)
{
	struct run_options options = { .folder = place->folder, .accel = "tcg", .down_seconds = 1 };
	struct matrix *matrix = NULL;
	struct err err = { 0 };

	setenv("FAKE_STACK", FIXTURE_PATHS, 1);
	setenv("FAKE_SCENARIO", scenario, 1);
	if (run_stack(&place->fixture.stack, &options, &matrix, &err) < 0)
		fail_msg("%s", err.text);
	CLEANUP(free_cleanup) char *left = path_join(place->folder, "run");
	assert_false(path_exists(left));
	return matrix;
}

static void proves_every_level(void **state)
{
	CLEANUP(matrix_cleanup) struct matrix *matrix = run(*state, "proven");

	assert_true(matrix_all_proven(matrix));
	assert_int_equal(matrix->row_count, 3);
	assert_string_equal(matrix->rows[1].hypervisor, "Xen 4.17.7");
	assert_string_equal(matrix->rows[2].guest_type, "PV");
	assert_string_equal(matrix->rows[2].address, "10.0.2.15/24");
}

static void ignores_a_record_of_another_run(void **state)
{
	CLEANUP(matrix_cleanup) struct matrix *matrix = run(*state, "wrong-nonce");

	assert_true(matrix_all_proven(matrix));
}

static void names_netfront(void **state)
{
	struct place *place = *state;

	strv_add(&place->fixture.layers[1].guest_config_lines,
		 "vif=['mac=00:16:3e:1e:73:af,bridge=br0,type=netfront']");
	CLEANUP(matrix_cleanup) struct matrix *matrix = run(place, "netfront");
	const struct matrix_row *l2 = &matrix->rows[1];

	assert_true(l2->booted);
	assert_false(l2->network);
	assert_false(l2->proven);
	assert_non_null(strstr(l2->cause, "type=netfront"));
	assert_true(matrix->rows[0].proven);
	assert_true(matrix->rows[2].proven);
	strv_done(&place->fixture.layers[1].guest_config_lines);
}

static void doubts_a_wrong_echo(void **state)
{
	CLEANUP(matrix_cleanup) struct matrix *matrix = run(*state, "wrong-echo");

	assert_true(matrix->rows[0].proven);
	assert_false(matrix->rows[1].network);
	assert_string_equal(matrix->rows[1].reason,
			    "no network: the echo is not the one that L0 sent");
}

static void reports_a_refused_guest(void **state)
{
	CLEANUP(matrix_cleanup) struct matrix *matrix = run(*state, "refused");

	assert_true(matrix->rows[0].proven);
	assert_string_equal(matrix->rows[1].state, "failed");
	assert_string_equal(matrix->rows[1].cure, "hap=1 in the guest config");
	assert_string_equal(matrix->rows[2].state, "not reached");
}

/* Where the machine is too busy to get as far as that step in its time, it is given more. */
static struct matrix *run_out_of_time(struct place *place, size_t level, const char *scenario,
				      const char *step)
{
	for (unsigned seconds = 1;; seconds *= 4) {
		place->fixture.layers[level].boot_timeout_seconds = seconds;
		struct matrix *matrix = run(place, scenario);
		if (seconds > 60 || str_equal(matrix->rows[level].step, step))
			return matrix;
		matrix_free(matrix);
	}
}

static void a_stuck_level_runs_out_of_time(void **state)
{
	static const char step[] = "it stuck in the kernel's start";
	CLEANUP(matrix_cleanup)
	struct matrix *matrix = run_out_of_time(*state, 1, "stuck", step);

	assert_true(matrix->rows[0].proven);
	assert_string_equal(matrix->rows[1].step, step);
	assert_string_equal(matrix->rows[2].state, "not reached");
	assert_string_equal(matrix->rows[1].console.items[0], "(XEN) Xen version 4.17.7");
}

static void a_silent_l1_runs_out_of_time(void **state)
{
	static const char step[] = "it stuck in Xen's start";
	CLEANUP(matrix_cleanup)
	struct matrix *matrix = run_out_of_time(*state, 0, "silent", step);

	assert_string_equal(matrix->rows[0].step, step);
	assert_string_equal(matrix->rows[1].state, "not reached");
}

static void a_reset_is_a_verdict_at_once(void **state)
{
	CLEANUP(matrix_cleanup) struct matrix *matrix = run(*state, "smap");

	assert_string_equal(matrix->rows[0].reason,
			    "L1's machine ended (it reset itself, as after a panic; "
			    "QEMU exited with status 0)");
	assert_string_equal(matrix->rows[0].cure, "-smap in the CPU model, or smap=0 for Xen");
	assert_true(matrix->seconds < 100); /* of the 300 that it may take to boot */
}

static void a_guest_that_resets_itself_is_told_of(void **state)
{
	CLEANUP(matrix_cleanup) struct matrix *matrix = run(*state, "reset");
	const struct matrix_row *l2 = &matrix->rows[1];

	assert_true(matrix_all_proven(matrix));
	assert_int_equal(l2->resets, 1);
	assert_memory_equal(l2->reset_step, "in Xen's start, ", 16);
	assert_string_equal(l2->reset_console.items[l2->reset_console.count - 1],
			    "before the reset");
	assert_int_equal(matrix->rows[0].resets + matrix->rows[2].resets, 0);
}

static bool is_tame(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f ||
		    ((unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0))
			return false;
	return true;
}

/* Its noise is text, its lies count for nothing, and no byte of it reaches a terminal as an order.
 */
static void a_hostile_guest_misleads_nobody(void **state)
{
	CLEANUP(matrix_cleanup) struct matrix *matrix = run(*state, "hostile");

	assert_true(matrix_all_proven(matrix));
	for (size_t i = 0; i < matrix->row_count; i++) {
		assert_true(is_tame(matrix->rows[i].os));
		assert_int_equal(strlen(matrix->rows[i].os), 64);
		assert_non_null(strstr(matrix->rows[i].os, "ooo"));
		assert_int_equal(matrix->rows[i].resets, 0);
	}
}

static void plain_linux_is_no_host(void **state)
{
	CLEANUP(matrix_cleanup) struct matrix *matrix = run(*state, "plain");

	assert_true(matrix->rows[1].network);
	assert_false(matrix->rows[1].proven);
	assert_string_equal(matrix->rows[1].cure, "choose it by title, never by number");
}

/* --- kept running ---------------------------------------------------------------------------- */

static void keep(struct place *place, const char *scenario)
{
	struct run_options options = { .folder = place->folder,
				       .accel = "tcg",
				       .keep_running = true };
	CLEANUP(matrix_cleanup) struct matrix *matrix = NULL;
	struct err err = { 0 };

	setenv("FAKE_STACK", FIXTURE_PATHS, 1);
	setenv("FAKE_SCENARIO", scenario, 1);
	if (run_stack(&place->fixture.stack, &options, &matrix, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(matrix_all_proven(matrix));
}

static void down(struct place *place)
{
	CLEANUP(client_cleanup) struct client_link *link = NULL;
	struct message message;
	struct err err = { 0 };

	assert_int_equal(client_open(place->folder, &link, &err), 0);
	assert_int_equal(client_ask_down(link, 1, &err), 0);
	assert_int_equal(client_next(link, &message, &err), 0);
	assert_int_equal(message.kind, MESSAGE_DOWN);
	message_done(&message);
	UNTIL(run_folder_check_idle(place->folder, NULL) == 0);
	CLEANUP(free_cleanup) char *socket = path_join(place->folder, "run/control.sock");
	assert_false(path_exists(socket));
}

static void goes_on_until_down(void **state)
{
	struct place *place = *state;
	struct run_options options = { .folder = place->folder, .accel = "tcg" };
	struct matrix *matrix = NULL;
	struct err err = { 0 };

	keep(place, "proven");
	assert_int_equal(run_stack(&place->fixture.stack, &options, &matrix, &err), -EBUSY);
	err_clear(&err);
	CLEANUP(client_cleanup) struct client_link *link = NULL;
	struct message message;
	assert_int_equal(client_open(place->folder, &link, &err), 0);
	assert_int_equal(client_ask(link, "status", &err), 0);
	assert_int_equal(client_next(link, &message, &err), 0);
	assert_int_equal(matrix_from_json(message.json, &matrix, &err), 0);
	assert_true(matrix_all_proven(matrix));
	matrix_free(matrix);
	message_done(&message);
	down(place);
	CLEANUP(free_cleanup) char *overlay = path_join(place->folder, "run/l1.qcow2");
	assert_true(path_exists(overlay));
}

static void executes_in_a_layer(void **state)
{
	struct place *place = *state;
	CLEANUP(client_cleanup) struct client_link *link = NULL;
	char *argv[] = { "sh", "-c", "echo out; exit 7", NULL };
	struct message message;
	struct err err = { 0 };

	keep(place, "proven");
	assert_int_equal(client_open(place->folder, &link, &err), 0);
	assert_int_equal(client_ask_exec(link, "l2", argv, &err), 0);
	assert_int_equal(client_next(link, &message, &err), 0);
	assert_int_equal(message.kind, MESSAGE_OUT);
	assert_string_equal(message.data, "out\n");
	message_done(&message);
	assert_int_equal(client_next(link, &message, &err), 0);
	assert_int_equal(message.kind, MESSAGE_EXIT);
	assert_int_equal(message.status, 7);
	message_done(&message);
	down(place);
}

static void types_at_a_console(void **state)
{
	struct place *place = *state;
	const char *const layers[] = { "l1", "l3" };
	const char *const wanted[] = { "[hi]", "<hi>" };

	keep(place, "proven");
	for (size_t i = 0; i < 2; i++) {
		CLEANUP(client_cleanup) struct client_link *link = NULL;
		struct buf seen = { 0 };
		struct err err = { 0 };

		assert_int_equal(client_open(place->folder, &link, &err), 0);
		assert_int_equal(client_ask_console(link, layers[i], &err), 0);
		assert_int_equal(client_send_input(link, "hi", 2, &err), 0);
		while (!strstr(buf_str(&seen), wanted[i])) {
			struct message message;

			assert_int_equal(client_next(link, &message, &err), 0);
			buf_add(&seen, message.data, message.data_length);
			message_done(&message);
		}
		buf_done(&seen);
	}
	down(place);
}

/* What kill -9 leaves: QEMU dies with its parent, the next start cleans up. */
static void survives_kill_9(void **state)
{
	struct place *place = *state;
	CLEANUP(free_cleanup) char *state_file = path_join(place->folder, "run/state.json");
	CLEANUP(free_cleanup) char *half_written = str_format("%s.tmp-1", state_file);
	CLEANUP(free_cleanup) char *text = NULL;
	int machine = 0;

	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct run_options options = { .folder = place->folder, .accel = "tcg" };
		struct matrix *matrix = NULL;

		setenv("FAKE_STACK", FIXTURE_PATHS, 1);
		setenv("FAKE_SCENARIO", "silent", 1);
		run_stack(&place->fixture.stack, &options, &matrix, NULL);
		_exit(0);
	}
	UNTIL(path_exists(state_file));
	assert_int_equal(file_read(state_file, 4096, &text, NULL, NULL), 0);
	assert_int_equal(sscanf(strstr(text, "machine_pid"), "machine_pid\":%d", &machine), 1);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	UNTIL(kill(machine, 0) == -1);
	assert_true(path_exists(state_file));
	assert_int_equal(file_write(half_written, "{", 1, 0600, NULL), 0);
	CLEANUP(matrix_cleanup) struct matrix *matrix = run(place, "proven");
	assert_true(matrix_all_proven(matrix));
}

static void a_signal_ends_it_cleanly(void **state)
{
	struct place *place = *state;
	CLEANUP(free_cleanup) char *run_path = path_join(place->folder, "run");
	CLEANUP(free_cleanup) char *state_file = path_join(run_path, "state.json");
	int status = 0;

	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct run_options options = { .folder = place->folder, .accel = "tcg" };
		struct matrix *matrix = NULL;

		setenv("FAKE_STACK", FIXTURE_PATHS, 1);
		setenv("FAKE_SCENARIO", "silent", 1);
		_exit(run_stack(&place->fixture.stack, &options, &matrix, NULL) == -EINTR ? 42 : 1);
	}
	UNTIL(path_exists(state_file));
	kill(child, SIGINT);
	waitpid(child, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 42);
	assert_false(path_exists(run_path));
}

static void a_broken_qemu_is_quoted(void **state)
{
	struct place *place = *state;
	struct run_options options = { .folder = place->folder, .accel = "tcg" };
	struct matrix *matrix = NULL;
	struct err err = { 0 };

	setenv("FAKE_STACK", FIXTURE_PATHS, 1);
	setenv("FAKE_SCENARIO", "broken", 1);
	assert_true(run_stack(&place->fixture.stack, &options, &matrix, &err) < 0);
	assert_string_equal(err.text, "starting l1: qemu-system-x86_64 ended at its start:\n"
				      "qemu-system-x86_64: cannot set up guest memory 'pc.ram'\n");
	err_clear(&err);
	/* The same through the process that would have gone on. */
	options.keep_running = true;
	assert_true(run_stack(&place->fixture.stack, &options, &matrix, &err) < 0);
	assert_non_null(strstr(err.text, "cannot set up guest memory 'pc.ram'"));
	assert_int_equal(run_folder_check_idle(place->folder, NULL), 0);
	err_clear(&err);
}

static void the_whole_run_has_a_deadline(void **state)
{
	struct place *place = *state;
	struct run_options options = {
		.folder = place->folder, .accel = "tcg", .deadline_seconds = 2, .down_seconds = 1
	};
	CLEANUP(matrix_cleanup) struct matrix *matrix = NULL;
	struct err err = { 0 };

	setenv("FAKE_STACK", FIXTURE_PATHS, 1);
	setenv("FAKE_SCENARIO", "stuck", 1);
	/* L1's proof may take longer on a busy machine. */
	for (; !matrix || (!matrix->rows[0].proven && options.deadline_seconds < 100);
	     options.deadline_seconds *= 4) {
		matrix_free(matrix);
		assert_int_equal(run_stack(&place->fixture.stack, &options, &matrix, &err), 0);
	}
	assert_true(matrix->rows[0].proven);
	assert_string_equal(matrix->rows[1].reason, "the time for the whole run was up");
}

/* Who does not power itself down is ended: soon, if not at each time on a busy machine. */
static void an_undying_stack_is_ended(void **state)
{
	double took = 12;

	for (int i = 0; took >= 12 && i < 10; i++) {
		double start = clock_seconds();
		CLEANUP(matrix_cleanup) struct matrix *matrix = run(*state, "undying");

		took = clock_seconds() - start;
		assert_true(matrix_all_proven(matrix));
	}
	assert_true(took < 12);
}

/* The supervisor notices that its starter was killed before the verdict. */
static void a_killed_starter_takes_all_with_it(void **state)
{
	struct place *place = *state;
	CLEANUP(free_cleanup) char *socket = path_join(place->folder, "run/control.sock");

	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct run_options options = { .folder = place->folder,
					       .accel = "tcg",
					       .keep_running = true };
		struct matrix *matrix = NULL;

		setenv("FAKE_STACK", FIXTURE_PATHS, 1);
		setenv("FAKE_SCENARIO", "silent", 1);
		run_stack(&place->fixture.stack, &options, &matrix, NULL);
		_exit(0);
	}
	UNTIL(path_exists(socket));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	UNTIL(run_folder_check_idle(place->folder, NULL) == 0);
	assert_false(path_exists(socket));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, place_make, place_remove)
		CASE(proves_every_level),
		CASE(ignores_a_record_of_another_run),
		CASE(names_netfront),
		CASE(doubts_a_wrong_echo),
		CASE(reports_a_refused_guest),
		CASE(a_stuck_level_runs_out_of_time),
		CASE(a_silent_l1_runs_out_of_time),
		CASE(a_reset_is_a_verdict_at_once),
		CASE(a_guest_that_resets_itself_is_told_of),
		CASE(a_hostile_guest_misleads_nobody),
		CASE(plain_linux_is_no_host),
		CASE(goes_on_until_down),
		CASE(executes_in_a_layer),
		CASE(types_at_a_console),
		CASE(survives_kill_9),
		CASE(a_signal_ends_it_cleanly),
		CASE(a_broken_qemu_is_quoted),
		CASE(the_whole_run_has_a_deadline),
		CASE(an_undying_stack_is_ended),
		CASE(a_killed_starter_takes_all_with_it),
	};
	CLEANUP(free_cleanup) char *python = program_find("python3");
	CLEANUP(free_cleanup) char *image = program_find("qemu-img");
	CLEANUP(free_cleanup) char *fake = realpath("tests/run/fake", NULL);

	if (!python || !image || !fake) {
		puts("skipped: test_run (needs python3, qemu-img and the repository as current folder)");
		return 0;
	}
	CLEANUP(free_cleanup) char *path = str_format("%s:%s", fake, getenv("PATH"));
	setenv("PATH", path, 1);
	log_set_level(LOG_QUIET);
	signal(SIGPIPE, SIG_IGN); /* as main does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
