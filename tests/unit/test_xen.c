/* The driver for a Xen host as L0 against tests/run/fake/xl: what it says when the host is none,
 * the guest config, and every ending of a domain. */
#include <errno.h>
#include <fcntl.h>
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
#include "run/echo.h"
#include "run/preflight.h"
#include "run/run.h"
#include "run/xen.h"
#include "run/xen_domain.h"
#include "run/xen_host.h"
#include "run_fixture.h"
#include "until.h"

struct place {
	char *root, *folder, *config, *log;
	struct fixture fixture;
};

static void host_file(const struct place *place, const char *path, const char *text)
{
	CLEANUP(free_cleanup) char *where = str_format("%s%s", place->root, path);
	CLEANUP(free_cleanup) char *folder = path_folder(where);

	assert_int_equal(dir_make(folder, 0755, NULL), 0);
	assert_int_equal(file_write(where, text, strlen(text), 0644, NULL), 0);
}

/* A host that is whole. Its bridge is lo: that one has an address everywhere. */
static int place_make(void **state)
{
	struct place *place = mem_alloc(sizeof *place);

	assert_int_equal(temp_dir(NULL, &place->root, NULL), 0);
	place->folder = path_join(place->root, "stack");
	place->config = path_join(place->root, "etc/xen/vm/l1");
	place->log = path_join(place->root, "xl.log");
	host_file(place, "/proc/xen/capabilities", "control_d\n");
	host_file(place, "/sys/class/net/lo/bridge/stp_state", "0\n");
	host_file(place, "/stack/l1.raw", "disk");
	CLEANUP(free_cleanup) char *disk = path_join(place->folder, "l1.raw");
	assert_int_equal(truncate(disk, 1 << 20), 0);
	fixture_make(&place->fixture);
	setenv("NESTCTL_L0_ROOT", place->root, 1);
	setenv("FAKE_STACK", FIXTURE_PATHS, 1);
	setenv("FAKE_SCENARIO", "proven", 1);
	setenv("FAKE_XL", "", 1);
	*state = place;
	return 0;
}

static int place_remove(void **state)
{
	struct place *place = *state;

	tree_remove(place->root, NULL);
	free(place->root);
	free(place->folder);
	free(place->config);
	free(place->log);
	free(place);
	return 0;
}

static struct run_options options_of(const struct place *place)
{
	return (struct run_options){ .folder = place->folder,
				     .driver = &xen_driver,
				     .down_seconds = 1 };
}

static const struct toolstack xl = { .program = "xl" };

static bool domain_lives(void)
{
	CLEANUP(err_clear) struct err err = { 0 };

	return xen_domain_check(&xl, "l1", &err) == -EEXIST;
}

static void assert_nothing_left(const struct place *place)
{
	CLEANUP(free_cleanup) char *run = path_join(place->folder, "run");
	CLEANUP(free_cleanup) char *socket = path_join(place->root, "run/nestctl/l1.sock");

	assert_false(domain_lives());
	assert_false(path_exists(run));
	assert_false(path_exists(socket));
	assert_false(path_exists(place->config));
}

static struct matrix *run(struct place *place)
{
	struct run_options options = options_of(place);
	struct matrix *matrix = NULL;
	struct err err = { 0 };

	if (run_stack(&place->fixture.stack, &options, &matrix, &err) < 0)
		fail_msg("%s", err.text);
	assert_nothing_left(place);
	return matrix;
}

static void assert_refused(struct place *place, int code, const char *message)
{
	struct run_options options = options_of(place);
	CLEANUP(err_clear) struct err err = { 0 };

	assert_int_equal(run_check(&place->fixture.stack, &options, &err), code);
	assert_string_equal(err.text, message);
	assert_false(path_exists(place->config));
}

/* --- a run ----------------------------------------------------------------------------------- */

static void proves_every_level(void **state)
{
	struct place *place = *state;
	CLEANUP(matrix_cleanup) struct matrix *matrix = run(place);
	CLEANUP(free_cleanup) char *path = path_join(place->folder, "logs/l1.log");
	CLEANUP(free_cleanup) char *log = NULL, *calls = NULL;

	assert_true(matrix_all_proven(matrix));
	assert_string_equal(matrix->accelerator, "xen");
	assert_string_equal(matrix->rows[0].guest_type, "HVM");
	assert_int_equal(file_read(path, 65536, &log, NULL, NULL), 0);
	assert_non_null(strstr(log, "(XEN) Xen version 4.17.7"));
	/* It powered itself off: nobody had to destroy it. */
	assert_int_equal(file_read(place->log, 65536, &calls, NULL, NULL), 0);
	assert_null(strstr(calls, "destroy"));
}

static void a_reset_is_a_verdict_at_once(void **state)
{
	setenv("FAKE_SCENARIO", "smap", 1);
	CLEANUP(matrix_cleanup) struct matrix *matrix = run(*state);

	assert_string_equal(matrix->rows[0].reason,
			    "L1's machine ended (it reset itself, as after a panic; "
			    "the guard exited with status 33)");
	assert_string_equal(matrix->rows[1].state, "not reached");
}

static void a_crash_is_told(void **state)
{
	setenv("FAKE_SCENARIO", "silent", 1);
	setenv("FAKE_XL", "crash", 1);
	CLEANUP(matrix_cleanup) struct matrix *matrix = run(*state);

	assert_non_null(strstr(matrix->rows[0].reason, "its domain crashed"));
}

/* Where the machine is too busy to get as far as that step in its time, a new one is given more. */
static struct matrix *run_out_of_time(void **state, const char *step)
{
	for (unsigned seconds = 1;; seconds *= 4) {
		struct place *place = *state;

		setenv("FAKE_SCENARIO", "silent", 1);
		place->fixture.layers[0].boot_timeout_seconds = seconds;
		struct matrix *matrix = run(place);
		if (seconds > 60 || str_equal(matrix->rows[0].step, step))
			return matrix;
		matrix_free(matrix);
		place_remove(state);
		place_make(state);
	}
}

static void a_silent_l1_is_destroyed(void **state)
{
	static const char step[] = "it stuck in Xen's start";
	CLEANUP(matrix_cleanup) struct matrix *matrix = run_out_of_time(state, step);
	const struct place *place = *state;
	CLEANUP(free_cleanup) char *calls = NULL;

	assert_string_equal(matrix->rows[0].step, step);
	assert_int_equal(file_read(place->log, 65536, &calls, NULL, NULL), 0);
	assert_non_null(strstr(calls, "\ndestroy 1\n")); /* by its number, and that one only */
}

static void an_undying_stack_is_destroyed(void **state)
{
	setenv("FAKE_SCENARIO", "undying", 1);
	CLEANUP(matrix_cleanup) struct matrix *matrix = run(*state);

	assert_true(matrix_all_proven(matrix));
}

/* --- xend: tests/run/fake/xm stands in for it ------------------------------------------------- */

static void xend_starts(const struct place *place)
{
	CLEANUP(free_cleanup) char *pid = str_format("%d\n", (int)getpid());

	host_file(place, "/var/run/xend.pid", pid);
}

static char *seen(const struct place *place, const char *name)
{
	CLEANUP(free_cleanup) char *path = str_format("%s/seen-1/%s", place->root, name);
	char *text = NULL;

	assert_int_equal(file_read(path, 65536, &text, NULL, NULL), 0);
	assert_non_null(strstr(text, "Written by nestctl for one run; removed after it."));
	return text;
}

/* The same proof as under xl: two serial ports, a disk that is a copy. */
static void xend_proves_every_level(void **state)
{
	struct place *place = *state;

	xend_starts(place);
	CLEANUP(matrix_cleanup) struct matrix *matrix = run(place);
	CLEANUP(free_cleanup) char *flat = seen(place, "l1");
	CLEANUP(free_cleanup) char *sxp = seen(place, "l1.sxp");
	CLEANUP(free_cleanup) char *xml = seen(place, "l1.xml");

	assert_true(matrix_all_proven(matrix));
	assert_string_equal(matrix->accelerator, "xen");
	assert_non_null(strstr(flat, "run/proof.raw,hda,w\" ]\n"));
	assert_non_null(strstr(flat, "\nserial = [ \"pty\", \"unix:/run/nestctl/l1.sock,"
				     "server,nowait\" ]\n"));
	assert_non_null(strstr(sxp, "(serial (pty unix:/run/nestctl/l1.sock,server,nowait))"));
	assert_non_null(strstr(sxp, "(bridge lo)"));
	assert_non_null(strstr(xml, "<source mode=\"bind\" path=\"/run/nestctl/l1.sock\"/>"));
	CLEANUP(free_cleanup) char *left = path_join(place->root, "etc/xen/vm/l1.sxp");
	assert_false(path_exists(left));
}

static void xend_tells_the_end(void **state)
{
	static const struct {
		const char *scenario, *xl, *reason;
	} ends[] = {
		{ "smap", "", "it reset itself, as after a panic" },
		{ "silent", "crash", "its domain crashed" },
	};

	xend_starts(*state);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		setenv("FAKE_SCENARIO", ends[i].scenario, 1);
		setenv("FAKE_XL", ends[i].xl, 1);
		CLEANUP(matrix_cleanup) struct matrix *matrix = run(*state);

		assert_non_null(strstr(matrix->rows[0].reason, ends[i].reason));
	}
}

/* What another wrote: the flat config and the XML, which xend's own tools keep too. */
static void xend_leaves_configs_of_others_alone(void **state)
{
	struct place *place = *state;
	struct run_options options = options_of(place);
	struct matrix *matrix = NULL;
	CLEANUP(err_clear) struct err err = { 0 };
	CLEANUP(free_cleanup) char *xml = path_join(place->root, "etc/xen/vm/l1.xml");

	xend_starts(place);
	host_file(place, "/etc/xen/vm/l1.xml", "<domain/>\n");
	assert_int_equal(run_stack(&place->fixture.stack, &options, &matrix, &err), -EEXIST);
	assert_non_null(strstr(err.text, "/etc/xen/vm/l1.xml: is another guest's config"));
	assert_true(path_exists(xml));
}

/* What the profile asks of xl is not dropped without a word. */
static void xend_has_no_lines_of_xl(void **state)
{
	static char line[] = "viridian = 1", file[] = "stack.yaml";
	char *lines[] = { line };
	struct place *place = *state;
	struct layer *l1 = &place->fixture.layers[0];

	l1->guest_config_lines = (struct strv){ lines, 1 };
	l1->mark = (struct mark){ file, 3, 5 };
	struct run_options options = options_of(place);
	assert_int_equal(run_check(&place->fixture.stack, &options, NULL), 0);
	xend_starts(place);
	assert_refused(
		place, -EINVAL,
		"l1: 1 error:\nstack.yaml:3:5: guest_config: found lines for xl; allowed for an "
		"xm config is none");
}

static void the_toolstack_in_charge(void **state)
{
	struct place *place = *state;

	assert_string_equal(toolstack_here()->program, "xl");
	host_file(place, "/var/run/xend.pid", "999999999\n"); /* it is gone */
	assert_string_equal(toolstack_here()->program, "xl");
	xend_starts(place);
	assert_string_equal(toolstack_here()->program, "xm");
	host_file(place, "/var/run/xend.pid", "");
	host_file(place, "/var/lock/subsys/xend", "");
	assert_string_equal(toolstack_here()->program, "xm");
}

static void a_path_that_xm_would_split(void **state)
{
	struct place *place = *state;
	CLEANUP(free_cleanup) char *folder = path_join(place->root, "a,b");
	struct run_options options = options_of(place);
	struct matrix *matrix = NULL;
	CLEANUP(err_clear) struct err err = { 0 };

	xend_starts(place);
	assert_int_equal(rename(place->folder, folder), 0);
	options.folder = folder;
	assert_int_equal(run_stack(&place->fixture.stack, &options, &matrix, &err), -EINVAL);
	assert_non_null(strstr(err.text, "a,b/run/proof.raw: a guest config cannot hold this path "
					 "(no quotes, commas and backslashes in --out and in "
					 "install.medium)"));
}

/* --- starts that fail ------------------------------------------------------------------------ */

static void assert_start_fails(struct place *place, const char *message)
{
	struct run_options options = options_of(place);
	struct matrix *matrix = NULL;
	CLEANUP(err_clear) struct err err = { 0 };

	assert_true(run_stack(&place->fixture.stack, &options, &matrix, &err) < 0);
	assert_string_equal(err.text, message);
	assert_nothing_left(place);
}

static void what_xl_refuses_is_quoted(void **state)
{
	setenv("FAKE_XL", "refuses", 1);
	CLEANUP(free_cleanup)
	char *message = str_format("starting l1: create %s: xl exited with status 1:\n"
				   "libxl: error: libxl_create.c:1249: Nested virt not supported "
				   "without HAP\n",
				   ((struct place *)*state)->config);
	assert_start_fails(*state, message);
}

static void ports_that_never_come_are_told(void **state)
{
	struct place *place = *state;
	struct run_options options = options_of(place);
	struct matrix *matrix = NULL;
	CLEANUP(err_clear) struct err err = { 0 };

	setenv("FAKE_XL", "mute", 1);
	place->fixture.layers[0].boot_timeout_seconds = 2;
	assert_int_equal(run_stack(&place->fixture.stack, &options, &matrix, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.text, "starting l1: its serial ports could not be reached "
					 "within 2 s: "));
	assert_non_null(strstr(err.text, "l1.sock: cannot be reached: No such file"));
	assert_nothing_left(place);
}

static void a_config_of_another_is_left_alone(void **state)
{
	struct place *place = *state;
	struct run_options options = options_of(place);
	struct matrix *matrix = NULL;
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(err_clear) struct err err = { 0 };

	host_file(place, "/etc/xen/vm/l1", "name = \"l1\"\n");
	assert_int_equal(run_stack(&place->fixture.stack, &options, &matrix, &err), -EEXIST);
	assert_non_null(strstr(err.text, "/etc/xen/vm/l1: is another guest's config, not of "
					 "nestctl's making (move it away, or give the layer "
					 "another name)"));
	assert_int_equal(file_read(place->config, 4096, &text, NULL, NULL), 0);
	assert_string_equal(text, "name = \"l1\"\n");
}

static void a_path_that_no_config_can_hold(void **state)
{
	struct place *place = *state;
	CLEANUP(free_cleanup) char *folder = path_join(place->root, "it's");
	struct run_options options = options_of(place);
	struct matrix *matrix = NULL;
	CLEANUP(err_clear) struct err err = { 0 };

	assert_int_equal(rename(place->folder, folder), 0);
	options.folder = folder;
	assert_int_equal(run_stack(&place->fixture.stack, &options, &matrix, &err), -EINVAL);
	assert_non_null(strstr(err.text,
			       "it's/run/proof.qcow2: a guest config cannot hold this "
			       "path (no quotes and backslashes in --out and in install.medium)"));
	assert_false(path_exists(place->config));
}

/* --- what ends from outside ------------------------------------------------------------------ */

static pid_t child_start(struct place *place)
{
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct run_options options = options_of(place);
		struct matrix *matrix = NULL;

		_exit(run_stack(&place->fixture.stack, &options, &matrix, NULL) == -EINTR ? 42 : 1);
	}
	return child;
}

static void the_guard_outlives_kill_9(void **state)
{
	struct place *place = *state;

	setenv("FAKE_SCENARIO", "silent", 1);
	pid_t child = child_start(place);
	UNTIL(domain_lives());
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	UNTIL(!domain_lives());
	setenv("FAKE_SCENARIO", "proven", 1);
	CLEANUP(matrix_cleanup) struct matrix *matrix = run(place); /* over what was left */
	assert_true(matrix_all_proven(matrix));
}

static void a_signal_ends_it_cleanly(void **state)
{
	CLEANUP(free_cleanup)
	char *state_file = path_join(((struct place *)*state)->folder, "run/state.json");
	int status = 0;

	setenv("FAKE_SCENARIO", "silent", 1);
	pid_t child = child_start(*state);
	UNTIL(path_exists(state_file));
	assert_true(domain_lives());
	kill(child, SIGINT);
	waitpid(child, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 42);
	assert_nothing_left(*state);
}

static void a_signal_ends_a_create_that_hangs(void **state)
{
	double start = clock_seconds();
	int status = 0;

	setenv("FAKE_XL", "hangs", 1);
	pid_t child = child_start(*state);
	UNTIL(domain_lives());
	kill(child, SIGTERM);
	waitpid(child, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 42);
	assert_nothing_left(*state);
	assert_true(clock_seconds() - start < 250); /* it would take 300 */
}

static void what_cannot_be_destroyed_is_told(void **state)
{
	struct place *place = *state;
	CLEANUP(free_cleanup) char *said = path_join(place->root, "stderr");
	CLEANUP(free_cleanup) char *text = NULL;

	setenv("FAKE_SCENARIO", "silent", 1);
	setenv("FAKE_XL", "stays", 1);
	place->fixture.layers[0].boot_timeout_seconds = 1;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct run_options options = options_of(place);
		struct matrix *matrix = NULL;
		int fd = open(said, O_WRONLY | O_CREAT, 0600);

		CLEANUP(err_clear) struct err err = { 0 };

		dup2(fd, STDERR_FILENO);
		if (run_stack(&place->fixture.stack, &options, &matrix, &err) < 0)
			fprintf(stderr, "%s", err.text);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	assert_int_equal(file_read(said, 65536, &text, NULL, NULL), 0);
	if (!strstr(text, "the domain l1 could not be destroyed (xl destroy l1)"))
		fail_msg("%s", text);
	setenv("FAKE_XL", "", 1);
	assert_true(domain_lives());
	const char *const argv[] = { "xl", "destroy", "1", NULL };
	const struct spawn_options destroy = { .argv = argv };
	assert_int_equal(spawn_run(&destroy, NULL, NULL), 0);
}

/* --- looking before -------------------------------------------------------------------------- */

static void a_machine_that_is_no_dom0(void **state)
{
	host_file(*state, "/proc/xen/capabilities", "");
	assert_refused(
		*state, -ENODEV,
		"--l0 xen: this is no dom0 of a Xen host: /proc/xen/capabilities does not "
		"say control_d (boot the Xen entry of its menu, or leave --l0 out: then QEMU "
		"runs the stack)");
}

static void without_its_programs(void **state)
{
	CLEANUP(free_cleanup) char *path = str_copy(getenv("PATH"));
	CLEANUP(free_cleanup) char *bin = path_join(((struct place *)*state)->root, "bin");
	CLEANUP(free_cleanup) char *only_xl = path_join(bin, "xl");

	assert_int_equal(mkdir(bin, 0755), 0);
	setenv("PATH", bin, 1);
	assert_refused(*state, -ENOENT,
		       "--l0 xen: xl is not installed (apt-get install xen-utils-common)");
	assert_int_equal(symlink("/bin/true", only_xl), 0);
	assert_refused(*state, -ENOENT,
		       "--l0 xen: xenstore-read is not installed (apt-get install xenstore-utils)");
	setenv("PATH", path, 1);
}

static void an_xl_that_does_not_answer(void **state)
{
	setenv("FAKE_XL", "no-answer", 1);
	assert_refused(
		*state, -ECHILD,
		"--l0 xen: xl does not answer (is this root, and xenstored up?): asking Xen "
		"what it is: xl exited with status 1:\nxc: error: Could not obtain handle on "
		"privileged command interface\n");
}

static void too_little_memory(void **state)
{
	setenv("FAKE_XL", "small", 1);
	assert_refused(*state, -ENOMEM,
		       "l1: this Xen host has 32 MiB free, 88 MiB are needed (end other guests, "
		       "lower dom0_mem= of the hypervisor, or machine.memory in the profile)");
}

static void no_hvm(void **state)
{
	setenv("FAKE_XL", "pv-only", 1);
	assert_refused(*state, -ENODEV,
		       "l1: this Xen host runs no fully virtualized guests: xl info does not name "
		       "hvm in virt_caps (switch VT-x or AMD-V on in the firmware, or nested "
		       "virtualization in the level around it)");
}

static void a_domain_of_that_name(void **state)
{
	struct place *place = *state;

	host_file(place, "/domains/l1", "");
	CLEANUP(free_cleanup) char *path = path_join(place->root, "domains/l1");
	CLEANUP(free_cleanup) char *text = str_format("7 %d", (int)getpid());
	assert_int_equal(file_write(path, text, strlen(text), 0644, NULL), 0);
	assert_refused(
		place, -EEXIST,
		"a domain l1 runs on this Xen host already: it is left alone (xl destroy l1, "
		"or another name for the layer)");
}

static void profiles_that_xen_cannot_run(void **state)
{
	struct place *place = *state;
	uint64_t extra = 1 << 30;

	place->fixture.layers[0].boot_loader = BOOT_GRUB2_EFI;
	assert_refused(
		place, -EINVAL,
		"l1: boot.loader grub2-efi: --l0 xen starts machines with a BIOS (grub2-bios "
		"or grub-legacy)");
	place->fixture.layers[0].boot_loader = BOOT_GRUB2_BIOS;
	place->fixture.layers[0].disk.extra = (struct sizes){ &extra, 1 };
	assert_refused(place, -EINVAL,
		       "l1: disk.extra: --l0 xen gives L1 its one disk (leave it out, or let QEMU "
		       "run the stack)");
}

static bool finds(const struct preflight *preflight, const char *what)
{
	for (size_t i = 0; i < preflight->count; i++)
		if (str_equal(preflight->findings[i].what, what))
			return true;
	return false;
}

/* dom0's own memory and QEMU do not matter, for an installer neither. */
static void the_preflight_leaves_qemu_out(void **state)
{
	static char none[] = "", medium[] = "/dvd.iso";
	struct place *place = *state;

	for (int installed = 0; installed < 2; installed++) {
		CLEANUP(preflight_done) struct preflight preflight = { 0 };
		const struct preflight_request request = { .stack = &place->fixture.stack,
							   .on_xen = true };

		for (size_t i = 0; i < 3; i++)
			place->fixture.layers[i].install.medium = none;
		if (installed)
			place->fixture.layers[1].install.medium = medium;
		assert_int_equal(preflight_check(&request, &preflight, NULL), 0);
		assert_false(finds(&preflight, "qemu-system-x86_64"));
		assert_false(finds(&preflight, "free memory"));
		assert_false(finds(&preflight, "accelerator"));
		assert_true(finds(&preflight, "qemu-img"));
	}
}

/* What is there needs no room, and a build without installers no machine's memory. */
static void the_preflight_asks_for_no_room_that_nobody_needs(void **state)
{
	static char none[] = "", medium[] = "/dvd.iso";
	struct place *place = *state;

	for (int there = 0; there < 2; there++)
		for (int installed = 0; installed < 2; installed++) {
			CLEANUP(preflight_done) struct preflight preflight = { 0 };
			const struct preflight_request request = {
				.stack = &place->fixture.stack,
				.store_has_all = there,
				.out_has_all = there,
				.build_only = true,
			};

			for (size_t i = 0; i < 3; i++)
				place->fixture.layers[i].install.medium = none;
			if (installed)
				place->fixture.layers[1].install.medium = medium;
			assert_int_equal(preflight_check(&request, &preflight, NULL), 0);
			assert_int_equal(finds(&preflight, "disk for the cache"), !there);
			assert_int_equal(finds(&preflight, "free memory"), installed);
		}
}

static void an_accelerator_is_none(void **state)
{
	struct place *place = *state;
	struct run_options options = options_of(place);
	CLEANUP(err_clear) struct err err = { 0 };

	options.accel = "kvm";
	assert_int_equal(run_check(&place->fixture.stack, &options, &err), -EINVAL);
	assert_string_equal(err.text, "--accel kvm: L0 is a Xen host, there is none to choose "
				      "(leave --accel out)");
}

/* --- the bridge ------------------------------------------------------------------------------ */

static void bridges(void **state)
{
	struct place *place = *state;
	CLEANUP(free_cleanup) char *lo = path_join(place->root, "sys/class/net/lo");
	struct l0_network network;
	CLEANUP(err_clear) struct err err = { 0 };

	/* One without an address stands first and is passed over. */
	host_file(place, "/sys/class/net/br0/bridge/stp_state", "0\n");
	host_file(place, "/sys/class/net/eth7/mtu", "1500\n");
	assert_int_equal(xen_host_network(NULL, &network, &err), 0);
	assert_string_equal(network.bridge, "lo");
	assert_string_equal(network.listen, "127.0.0.1");
	assert_string_equal(network.guests, "127.0.0.1");
	assert_int_equal(xen_host_network("lo", &network, &err), 0);
	assert_int_equal(xen_host_network("br0", &network, &err), -ENODEV);
	assert_string_equal(err.text, "--bridge: br0 has no IPv4 address: the layers could not "
				      "reach this machine to prove their network (give it one)");
	assert_int_equal(xen_host_network("eth7", &network, &err), -ENODEV);
	assert_string_equal(err.text, "--bridge: \"eth7\" is no bridge of this machine (ip link "
				      "show type bridge)");
	assert_int_equal(xen_host_network("../lo", &network, &err), -ENODEV);
	assert_int_equal(tree_remove(lo, NULL), 0);
	assert_int_equal(xen_host_network(NULL, &network, &err), -ENODEV);
	assert_string_equal(err.text,
			    "--l0 xen: this machine has no bridge with an IPv4 address for L1 to "
			    "hang on (make one over its network card, or name one: --bridge)");
}

static void an_echo_server_wants_an_address_of_ours(void **state)
{
	struct echo_server *server = NULL;
	CLEANUP(err_clear) struct err err = { 0 };

	(void)state;
	assert_int_equal(echo_start("192.0.2.1", "0", &server, &err), -EADDRNOTAVAIL);
	assert_string_equal(err.text, "the echo server cannot listen on 192.0.2.1: Cannot assign "
				      "requested address");
}

static void a_driver_has_a_name(void **state)
{
	const struct l0_driver *driver = NULL;
	CLEANUP(err_clear) struct err err = { 0 };

	(void)state;
	assert_int_equal(l0_driver_find("xen", &driver, &err), 0);
	assert_ptr_equal(driver, &xen_driver);
	assert_int_equal(l0_driver_find(NULL, &driver, &err), 0);
	assert_ptr_equal(driver, l0_driver_default());
	assert_int_equal(l0_driver_find("vmware", &driver, &err), -EINVAL);
	assert_string_equal(err.text, "--l0: \"vmware\" is none of qemu, xen");
}

static void qemu_takes_no_bridge(void **state)
{
	struct l0_network network;
	CLEANUP(err_clear) struct err err = { 0 };

	(void)state;
	assert_int_equal(l0_driver_default()->network("br0", &network, &err), -EINVAL);
	assert_string_equal(err.text,
			    "--bridge: QEMU's own network has none (only --l0 xen takes one)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, place_make, place_remove)
		CASE(proves_every_level),
		CASE(a_reset_is_a_verdict_at_once),
		CASE(a_crash_is_told),
		CASE(a_silent_l1_is_destroyed),
		CASE(an_undying_stack_is_destroyed),
		CASE(xend_proves_every_level),
		CASE(xend_tells_the_end),
		CASE(xend_leaves_configs_of_others_alone),
		CASE(xend_has_no_lines_of_xl),
		CASE(the_toolstack_in_charge),
		CASE(a_path_that_xm_would_split),
		CASE(what_xl_refuses_is_quoted),
		CASE(ports_that_never_come_are_told),
		CASE(a_config_of_another_is_left_alone),
		CASE(a_path_that_no_config_can_hold),
		CASE(the_guard_outlives_kill_9),
		CASE(a_signal_ends_it_cleanly),
		CASE(a_signal_ends_a_create_that_hangs),
		CASE(what_cannot_be_destroyed_is_told),
		CASE(a_machine_that_is_no_dom0),
		CASE(without_its_programs),
		CASE(an_xl_that_does_not_answer),
		CASE(too_little_memory),
		CASE(no_hvm),
		CASE(a_domain_of_that_name),
		CASE(profiles_that_xen_cannot_run),
		CASE(the_preflight_leaves_qemu_out),
		CASE(the_preflight_asks_for_no_room_that_nobody_needs),
		CASE(an_accelerator_is_none),
		CASE(bridges),
		CASE(an_echo_server_wants_an_address_of_ours),
		CASE(a_driver_has_a_name),
		CASE(qemu_takes_no_bridge),
	};
	CLEANUP(free_cleanup) char *here = realpath("tests/run/fake", NULL);
	CLEANUP(free_cleanup) char *path = str_format("%s:%s", here, getenv("PATH"));

	log_set_level(LOG_QUIET);
	signal(SIGPIPE, SIG_IGN);
	setenv("PATH", path, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
