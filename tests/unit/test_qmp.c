/* The QMP client against a scripted peer, and QEMU's command line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/log.h"
#include "run/core.h"
#include "run/qemu.h"
#include "run/qmp.h"
#include "run_fixture.h"

#define GREETING "{\"QMP\":{\"version\":{}}}\r\n"

/* A child that sends one text after each line that it reads; the first at once. */
static int peer(const char *const *answers, pid_t *ret_pid)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	*ret_pid = fork();
	if (*ret_pid == 0) {
		char byte;

		close(pair[0]);
		for (; *answers; answers++) {
			fd_write_all(pair[1], *answers, strlen(*answers));
			while (read(pair[1], &byte, 1) == 1 && byte != '\n')
				continue;
		}
		_exit(0);
	}
	close(pair[1]);
	return pair[0];
}

static void asks_and_gets_answers(void **state)
{
	const char *const script[] = {
		GREETING, "{\"return\":{},\"id\":1}\n",
		"{\"event\":\"RESUME\"}\n{\"return\":{\"status\":\"running\"},\"id\":2}\n",
		"{\"error\":{\"class\":\"x\",\"desc\":\"not now\"},\"id\":3}\n"
		"{\"event\":\"SHUTDOWN\",\"data\":{\"reason\":\"guest-reset\"}}\n",
		NULL
	};
	struct qmp *qmp = NULL;
	struct err err = { 0 };
	pid_t pid;

	(void)state;
	assert_int_equal(qmp_open(peer(script, &pid), 60, &qmp, &err), 0);
	CLEANUP(free_cleanup) char *answer = NULL;
	assert_int_equal(qmp_command(qmp, "query-status", NULL, 60, &answer, &err), 0);
	assert_string_equal(answer, "{\"status\":\"running\"}");
	assert_int_equal(qmp_command(qmp, "set-action", "{}", 60, NULL, &err), -EIO);
	assert_string_equal(err.text, "QEMU refused set-action: not now");
	CLEANUP(free_cleanup) char *first = qmp_event(qmp);
	CLEANUP(free_cleanup) char *second = qmp_event(qmp);
	assert_string_equal(first, "RESUME");
	assert_string_equal(second, "SHUTDOWN guest-reset");
	assert_null(qmp_event(qmp));
	qmp_close(qmp);
	waitpid(pid, NULL, 0);
	err_clear(&err);
}

static void a_silent_peer_costs_the_limit(void **state)
{
	const char *const script[] = { "", NULL };
	struct qmp *qmp = NULL;
	struct err err = { 0 };
	pid_t pid;
	int fd = peer(script, &pid);

	(void)state;
	assert_int_equal(qmp_open(fd, 0.2, &qmp, &err), -ETIMEDOUT);
	assert_string_equal(err.text, "QEMU did not greet: Connection timed out");
	close(fd);
	waitpid(pid, NULL, 0);
	err_clear(&err);
}

static void a_peer_that_ends(void **state)
{
	const char *const script[] = { NULL };
	struct qmp *qmp = NULL;
	pid_t pid;
	int fd = peer(script, &pid);

	(void)state;
	assert_int_equal(qmp_open(fd, 60, &qmp, NULL), -EPIPE);
	close(fd);
	waitpid(pid, NULL, 0);
}

static void the_command_line(void **state)
{
	struct fixture fixture;
	CLEANUP(strv_done) struct strv argv = { 0 };
	const struct qemu_ends ends = { 7, 8, 9 };

	(void)state;
	fixture_make(&fixture);
	const struct l0_request request = { .layer = &fixture.layers[0],
					    .run_folder = "/x/run",
					    .log_folder = "/x,y/logs",
					    .overlay = "proof.qcow2",
					    .throw_away = true };
	qemu_argv(&request, &ends, &argv);
	CLEANUP(free_cleanup) char *line = strv_join(&argv, " ");
	const char *const wanted[] = {
		"-cpu EPYC-v1,-smap,-smep,-monitor,-rdtscp,-avx,-avx2,-f16c,-fma,-xsave,-xsaveopt,",
		"-accel tcg,thread=multi ",
		"-xsaveopt,-xgetbv1,-x2apic ",
		"-m 65536k ",
		"-drive file=proof.qcow2,format=qcow2,if=none,id=disk,cache=unsafe,",
		"-device ahci,id=ahci -device ide-hd,drive=disk,bus=ahci.0,",
		"-device e1000,netdev=net,mac=00:16:3e:00:00:01,",
		"-chardev socket,id=console,fd=8,logfile=/x,,y/logs/l1.log,",
		"-chardev socket,id=channel,fd=9 -device isa-serial,chardev=channel,index=1 ",
		"-chardev socket,id=control,fd=7 -mon chardev=control,mode=control ",
		"-no-reboot",
	};
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (!strstr(line, wanted[i]))
			fail_msg("%s is not in %s", wanted[i], line);
	for (size_t i = 0; core_cpu_flag(i); i++)
		assert_true(*core_cpu_flag(i)->reason);
}

/* Seven of them need a second controller. */
static void the_command_line_of_further_disks(void **state)
{
	struct fixture fixture;
	uint64_t sizes[7] = { 1 << 20, 2 << 20, 3 << 20, 4 << 20, 5 << 20, 6 << 20, 7 << 20 };
	CLEANUP(strv_done) struct strv argv = { 0 };
	const struct qemu_ends ends = { 7, 8, 9 };

	(void)state;
	fixture_make(&fixture);
	fixture.layers[0].disk.extra = (struct sizes){ sizes, 7 };
	const struct l0_request request = { .layer = &fixture.layers[0],
					    .run_folder = "/x/run",
					    .log_folder = "/x/logs",
					    .overlay = "proof.qcow2" };
	qemu_argv(&request, &ends, &argv);
	CLEANUP(free_cleanup) char *line = strv_join(&argv, " ");
	const char *const wanted[] = {
		"-drive driver=null-co,size=1048576,read-zeroes=on,if=none,id=extra1,snapshot=on "
		"-device ide-hd,drive=extra1,bus=ahci.1 ",
		"-device ide-hd,drive=extra5,bus=ahci.5 -device ahci,id=ahci1 ",
		"-drive driver=null-co,size=6291456,read-zeroes=on,if=none,id=extra6,snapshot=on "
		"-device ide-hd,drive=extra6,bus=ahci1.0 ",
		"-device ide-hd,drive=extra7,bus=ahci1.1 ",
	};
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (!strstr(line, wanted[i]))
			fail_msg("%s is not in %s", wanted[i], line);
}

/* Phase one: kernel, medium and disk in this order; a screen, the answers out of reach. */
static void the_command_line_of_an_installer(void **state)
{
	struct fixture fixture;
	CLEANUP(strv_done) struct strv argv = { 0 };
	const struct qemu_ends ends = { 7, 8, 9 };
	const struct l0_install install = { .disk = "/x,y/disk.raw",
					    .installer.medium = "/m,n.iso",
					    .installer.answer_disk = "/x/answers.img",
					    .installer.kernel = "/x/kernel",
					    .installer.initrd = "/x/initrd",
					    .installer.arguments = "ay=file:///a.xml" };

	(void)state;
	fixture_make(&fixture);
	const struct l0_request request = { .layer = &fixture.layers[0],
					    .run_folder = "/x",
					    .log_folder = "/x,y/logs",
					    .install = &install,
					    .throw_away = true };
	qemu_argv(&request, &ends, &argv);
	CLEANUP(free_cleanup) char *line = strv_join(&argv, " ");
	const char *const wanted[] = {
		"-drive file=/x,,y/disk.raw,format=raw,if=none,id=disk,cache=unsafe,",
		"-device ide-hd,drive=disk,bus=ahci.0,bootindex=2 ",
		"logfile=/x,,y/logs/l1-install.log,",
		"-device VGA ",
		"-drive file=/m,,n.iso,format=raw,if=none,id=cd,media=cdrom,readonly=on ",
		"-device ide-cd,drive=cd,bus=ide.1,bootindex=1 ",
		"-drive file=/x/answers.img,format=raw,if=none,id=answers,readonly=on ",
		"-kernel /x/kernel -initrd /x/initrd -append ay=file:///a.xml ",
		"-no-reboot -no-shutdown",
	};
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (!strstr(line, wanted[i]))
			fail_msg("%s is not in %s", wanted[i], line);
}

static void an_accelerator_must_be_known(void **state)
{
	struct err err = { 0 };
	char *why = NULL;
	bool kvm = true;

	(void)state;
	assert_int_equal(qemu_driver.probe("hax", &kvm, &why, &err), -EINVAL);
	assert_string_equal(err.text, "--accel: \"hax\" is none of auto, tcg, kvm");
	assert_int_equal(qemu_driver.probe("tcg", &kvm, &why, &err), 0);
	assert_false(kvm);
	free(why);
	err_clear(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_and_gets_answers),
		cmocka_unit_test(a_silent_peer_costs_the_limit),
		cmocka_unit_test(a_peer_that_ends),
		cmocka_unit_test(the_command_line),
		cmocka_unit_test(the_command_line_of_an_installer),
		cmocka_unit_test(the_command_line_of_further_disks),
		cmocka_unit_test(an_accelerator_must_be_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
