/* The probe of KVM against doubles: a QEMU that runs the guest (by TCG), one that hangs, none. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "run/kvm_probe.h"
#include "until.h"

struct place {
	char *folder; /* the only one in PATH's first place, and TMPDIR */
	char *path;   /* PATH as it was */
};

static int set_up(void **state)
{
	struct place *place = mem_alloc(sizeof *place);
	struct err err = { 0 };

	*state = place;
	place->path = str_copy(getenv("PATH"));
	if (temp_dir(NULL, &place->folder, &err) < 0)
		return -1;
	CLEANUP(free_cleanup) char *path = str_format("%s:%s", place->folder, place->path);
	setenv("PATH", path, 1);
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;

	setenv("PATH", place->path, 1);
	tree_remove(place->folder, NULL);
	free(place->folder);
	free(place->path);
	free(place);
	return 0;
}

static void qemu_double(const struct place *place, const char *lines)
{
	CLEANUP(free_cleanup) char *program = path_join(place->folder, "qemu-system-x86_64");
	CLEANUP(free_cleanup) char *text = str_format("#!/bin/bash\n%s\n", lines);

	assert_int_equal(file_write(program, text, strlen(text), 0755, NULL), 0);
}

static bool probe(double seconds, char **ret_why)
{
	const struct kvm_host host = { .device = "/dev/null", .hardware = true };
	struct kvm_probe kvm;

	kvm_probe_start(&kvm, &host);
	return kvm_probe_finish(&kvm, seconds, ret_why);
}

static void a_guest_that_runs_is_proof(void **state)
{
	struct place *place = *state;
	CLEANUP(free_cleanup) char *why = NULL;

	setenv("PATH", place->path, 1);
	CLEANUP(free_cleanup) char *real = program_find("qemu-system-x86_64");
	if (!real)
		skip();
	CLEANUP(free_cleanup) char *path = str_format("%s:%s", place->folder, place->path);
	setenv("PATH", path, 1);
	CLEANUP(free_cleanup)
	char *lines =
		str_format("args=(\"${@/#kvm/tcg}\"); exec %s \"${args[@]/#host/qemu64}\"", real);
	qemu_double(place, lines);
	if (!probe(300, &why))
		fail_msg("%s", why);
	assert_string_equal(why, "a guest ran on /dev/kvm");
}

static void a_guest_that_hangs_is_ended_in_time(void **state)
{
	struct place *place = *state;
	CLEANUP(free_cleanup) char *pid_file = path_join(place->folder, "pid");
	CLEANUP(free_cleanup)
	char *lines = str_format("echo $$ > %s.new; mv %s.new %s; exec sleep 300", pid_file,
				 pid_file, pid_file);
	CLEANUP(free_cleanup) char *pid = NULL;
	double start = clock_seconds();

	qemu_double(place, lines);
	/* On a busy machine the double may not even have begun by then. */
	for (int i = 0; i < 60 && !path_exists(pid_file); i++) {
		CLEANUP(free_cleanup) char *why = NULL;

		assert_false(probe(1.5, &why));
		assert_string_equal(
			why, "/dev/kvm is there, but a guest on it did nothing within 1.5 s");
	}
	assert_true(clock_seconds() - start < 250);
	assert_int_equal(file_read(pid_file, 64, &pid, NULL, NULL), 0);
	assert_int_equal(kill(atoi(pid), 0), -1);
}

static void other_endings_are_no_proof(void **state)
{
	static const struct {
		const char *lines, *why;
	} rows[] = {
		{ "exit 0", "/dev/kvm is there, but QEMU exited with status 0 on it" },
		{ "kill -ABRT $$",
		  "/dev/kvm is there, but QEMU was killed by signal 6 (Aborted) on it" },
		{ "exit 127", "/dev/kvm is there, but no QEMU to try it" },
	};
	static const struct kvm_host nothing = { .device = "/nowhere/kvm", .hardware = true };
	struct kvm_probe kvm;
	CLEANUP(free_cleanup) char *none = NULL;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		CLEANUP(free_cleanup) char *why = NULL;

		qemu_double(*state, rows[i].lines);
		assert_false(probe(300, &why));
		assert_string_equal(why, rows[i].why);
	}
	kvm_probe_start(&kvm, &nothing);
	assert_false(kvm_probe_finish(&kvm, 10, &none));
	assert_string_equal(none, "/nowhere/kvm: No such file or directory");
}

/* Its guests would run a boot sector and hang in a kernel: none is started. */
static void without_hardware_nothing_is_tried(void **state)
{
	static const struct kvm_host emulated = { .device = "/dev/null" };
	CLEANUP(free_cleanup) char *why = NULL;
	struct kvm_probe kvm;

	qemu_double(*state, "exit 85");
	kvm_probe_start(&kvm, &emulated);
	assert_int_equal(kvm.pid, 0);
	assert_false(kvm_probe_finish(&kvm, 10, &why));
	assert_string_equal(why, "/dev/null is there, but the processor has neither VMX nor SVM");
}

/* Killed in the middle, it takes the guest along and leaves no file. */
static void a_killed_probe_leaves_nothing(void **state)
{
	struct place *place = *state;
	CLEANUP(free_cleanup) char *pid_file = path_join(place->folder, "pid");
	CLEANUP(free_cleanup) char *empty = path_join(place->folder, "tmp");
	CLEANUP(free_cleanup)
	char *lines = str_format("echo $$ > %s.new; mv %s.new %s; exec sleep 300", pid_file,
				 pid_file, pid_file);
	CLEANUP(free_cleanup) char *pid = NULL;

	qemu_double(place, lines);
	assert_int_equal(mkdir(empty, 0700), 0);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		char *why = NULL;

		setenv("TMPDIR", empty, 1);
		probe(300, &why);
		_exit(0);
	}
	UNTIL(path_exists(pid_file));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(file_read(pid_file, 64, &pid, NULL, NULL), 0);
	UNTIL(kill(atoi(pid), 0) == -1);
	assert_int_equal(rmdir(empty), 0);
}

static char *why_of(const struct kvm_host *host)
{
	struct kvm_probe kvm;
	char *why = NULL;

	kvm_probe_start(&kvm, host);
	kvm_probe_finish(&kvm, 10, &why);
	return why;
}

/* Who may not use the device is told how, unless that would help nothing. */
static void the_group_is_named(void **state)
{
	struct place *place = *state;
	CLEANUP(free_cleanup) char *device = path_join(place->folder, "kvm");
	const struct kvm_host good = { .device = device, .hardware = true };
	const struct kvm_host poor = { .device = device };
	CLEANUP(free_cleanup)
	char *expected = str_format("%s: Permission denied; who is in the group kvm may use it (as "
				    "root: usermod --append --groups kvm USER, then log in anew)",
				    device);
	CLEANUP(free_cleanup)
	char *expected_poor =
		str_format("%s is there, but the processor has neither VMX nor SVM", device);
	int status = 0;

	assert_int_equal(chmod(place->folder, 0755), 0);
	assert_int_equal(file_write(device, "", 0, 0, NULL), 0);
	pid_t pid = fork();
	if (pid == 0) {
		/* Root may use everything. */
		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(2);
		_exit(!str_equal(why_of(&good), expected) ||
		      !str_equal(why_of(&poor), expected_poor));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		CASE(a_guest_that_runs_is_proof),    CASE(a_guest_that_hangs_is_ended_in_time),
		CASE(other_endings_are_no_proof),    CASE(without_hardware_nothing_is_tried),
		CASE(a_killed_probe_leaves_nothing), CASE(the_group_is_named),
	};

	log_set_level(LOG_QUIET);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
