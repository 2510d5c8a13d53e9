#include "install/phase_one.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "answers/answers.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "install/disk_check.h"
#include "install/disk_guard.h"
#include "install/screens.h"
#include "run/console.h"
#include "run/driver.h"

#define ROUND_MS       1000
#define SCREEN_SECONDS 60.0
#define FIRST_SCREEN   10.0
#define STATUS_COLUMNS 60
#define TAIL_LINES     12
#define END_GRACE_MS   3000
#define QUIT_SECONDS   10.0
#define DRAIN_BYTES    16384

/* A kernel that says this does nothing more; waiting for the time limit helps nobody. */
#define PANIC "Kernel panic - not syncing"

struct phase_one {
	const struct install_request *request;
	const char *disk;
	struct l0_network network;
	struct l0_machine machine;
	struct console console;
	struct console second; /* serial port: an installer may be told to log there */
	struct screens screens;
	double start, next_screen;
	bool ended;
	enum l0_end end;
	double halted; /* seconds; the machine is there, but does nothing more; 0: it works */
};

static double seconds_of(const struct phase_one *phase)
{
	return clock_seconds() - phase->start;
}

/* ---- the end ---- */

/* r with what went wrong, and what the person needs to see why. */
static int failed(struct phase_one *phase, int r, const char *what, struct err *err)
{
	const struct install_request *request = phase->request;
	CLEANUP(strv_done) struct strv lines = { 0 };
	CLEANUP(free_cleanup) char *screen = screens_newest(&phase->screens);

	console_tail(&phase->console, TAIL_LINES, &lines);
	CLEANUP(free_cleanup) char *tail = strv_join(&lines, "\n  ");
	return err_set(err, r,
		       "%s %s after %.0f s; the end of its console:\n  %s\nconsole: "
		       "%s/%s-install.log%s%s",
		       request->layer->name, what, seconds_of(phase),
		       lines.count ? tail : "(nothing was written to it)", request->logs,
		       request->layer->name, screen ? "\nscreen: " : "", screen ? screen : "");
}

/* Some installers power off after a failure too. */
static int result_check(struct phase_one *phase, struct err *err)
{
	CLEANUP(err_clear) struct err found = { 0 };
	int r = disk_guard_end(phase->disk, err);

	if (r < 0)
		return r;
	r = disk_check(phase->disk, phase->request->layer, &found);
	if (r == 0)
		return 0;
	CLEANUP(free_cleanup)
	char *what = str_format("powered off, but its installer left no installed system (%s)",
				found.text);
	return failed(phase, r, what, err);
}

static int verdict(struct phase_one *phase, struct err *err)
{
	bool may_reset = !answers_format_of(phase->request->layer->os_family)->powers_off;
	const char *how = l0_end_text(phase->end);

	if (phase->end == L0_END_POWER_OFF || (may_reset && phase->end == L0_END_RESET))
		return result_check(phase, err);
	if (phase->end == L0_END_RESET)
		return failed(phase, -EIO,
			      "reset itself instead of powering off: its installer failed", err);
	CLEANUP(free_cleanup)
	char *what =
		how ? str_format("did not power off: %s", how)
		    : str_format("did not power off: %s ended", phase->request->driver->program);
	return failed(phase, -EIO, what, err);
}

/* ---- while it runs ---- */

static void stream_drain(int *fd, struct console *console)
{
	char chunk[DRAIN_BYTES];
	ssize_t got = 1;

	while (*fd >= 0 && (got = read(*fd, chunk, sizeof chunk)) > 0)
		console_add(console, chunk, (size_t)got);
	if (*fd >= 0 && (got == 0 || errno != EAGAIN)) {
		fd_cleanup(fd);
		*fd = -1;
	}
}

/* What it said last is still in the streams. */
static void machine_end(struct phase_one *phase)
{
	const struct l0_driver *driver = phase->request->driver;
	int status = 0;

	phase->ended = true;
	if (!driver->end || waitpid(phase->machine.pid, &status, 0) != phase->machine.pid)
		return;
	phase->machine.pid = 0;
	phase->end = driver->end(&phase->machine, status);
}

/* Xen's toolstacks give no connection to their device model: no screenshots there. */
static void screen_take(struct phase_one *phase)
{
	if (phase->machine.control)
		screens_take(&phase->screens, phase->machine.control);
}

/* QEMU keeps an installer's machine that has halted: its last screen may say why. */
static void halt_look(struct phase_one *phase)
{
	bool halted = phase->end != L0_END_UNKNOWN;

	phase->end = l0_end_of_events(phase->machine.control, phase->end);
	if (halted || phase->end == L0_END_UNKNOWN)
		return;
	screen_take(phase);
	phase->halted = seconds_of(phase);
	phase->request->driver->quit(&phase->machine);
}

static void progress_show(const struct phase_one *phase)
{
	CLEANUP(free_cleanup) char *line = console_last(&phase->console, STATUS_COLUMNS);

	str_tame(line);
	log_status("%s: %.0f s: %s", phase->request->label, seconds_of(phase), line);
}

static void wait_round(struct phase_one *phase)
{
	struct l0_machine *machine = &phase->machine;
	struct pollfd fds[] = {
		{ .fd = machine->console, .events = POLLIN },
		{ .fd = machine->channel, .events = POLLIN },
		{ .fd = machine->control ? qmp_fd(machine->control) : -1, .events = POLLIN },
		{ .fd = machine->pidfd, .events = POLLIN },
		{ .fd = spawn_stop_fd(), .events = POLLIN },
	};

	poll(fds, sizeof fds / sizeof *fds, ROUND_MS);
	stream_drain(&machine->console, &phase->console);
	stream_drain(&machine->channel, &phase->second);
	if (machine->control)
		halt_look(phase);
	if (fds[3].revents) {
		machine_end(phase);
	} else if (phase->halted > 0 && seconds_of(phase) - phase->halted > QUIT_SECONDS) {
		phase->request->driver->stop(machine, 0);
		phase->ended = true;
	}
}

/* 0: it goes on. */
static int limits_check(struct phase_one *phase, struct err *err)
{
	unsigned limit = phase->request->layer->install.timeout_seconds;

	if (spawn_stop_signal())
		return err_set(err, -EINTR, "stopped by a signal while the installer of %s ran",
			       phase->request->layer->name);
	if (strstr(phase->console.text, PANIC)) {
		screen_take(phase);
		return failed(phase, -EIO, "stopped: its kernel panicked", err);
	}
	if (seconds_of(phase) < limit)
		return 0;
	screen_take(phase);
	return failed(phase, -ETIMEDOUT,
		      "did not power off in time (install.timeout), it was stopped", err);
}

static int watch(struct phase_one *phase, struct err *err)
{
	while (!phase->ended) {
		int r = limits_check(phase, err);

		if (r < 0)
			return r;
		if (seconds_of(phase) >= phase->next_screen) {
			screen_take(phase);
			phase->next_screen = seconds_of(phase) + SCREEN_SECONDS;
		}
		progress_show(phase);
		wait_round(phase);
	}
	return verdict(phase, err);
}

/* ---- start ---- */

/* What the driver finds of this machine. */
static int l0_look(struct phase_one *phase, bool *ret_kvm, char **ret_why, struct err *err)
{
	const struct install_request *request = phase->request;
	const struct l0_driver *driver = request->driver;
	int r = driver->probe(request->accel, ret_kvm, ret_why, err);

	if (r == 0)
		r = driver->network(request->bridge, &phase->network, err);
	if (r == 0 && driver->check)
		r = driver->check(request->layer, err);
	return r;
}

static int machine_start(struct phase_one *phase, const struct boot_files *files, const char *work,
			 struct err *err)
{
	const struct install_request *request = phase->request;
	const struct l0_driver *driver = request->driver;
	const struct l0_install install = {
		.disk = phase->disk,
		.installer = { files->medium, files->answer_disk, files->kernel, files->initrd,
			       files->arguments },
	};
	struct l0_request start = {
		.layer = request->layer,
		.run_folder = work,
		.log_folder = request->logs,
		.install = &install,
		.bridge = phase->network.bridge,
		.throw_away = true,
	};
	CLEANUP(free_cleanup) char *why = NULL;
	int r = l0_look(phase, &start.kvm, &why, err);

	if (r < 0)
		return r;
	if (driver->is_xen)
		log_info("%s: the installer runs on this Xen host (%s), bridge %s", request->label,
			 why, start.bridge);
	else
		log_info("%s: the installer runs on %s with %s (%s)", request->label, driver->name,
			 start.kvm ? "KVM" : "TCG", why);
	phase->start = clock_seconds();
	phase->next_screen = FIRST_SCREEN;
	return driver->start(&start, &phase->machine, err);
}

/* The first serial port's stream, and its log where the driver writes none. */
static int consoles_open(struct phase_one *phase, const char *prefix, struct err *err)
{
	CLEANUP(free_cleanup) char *log = str_format("%s.log", prefix);
	CLEANUP(free_cleanup) char *second_log = str_format("%s-ttyS1.log", prefix);
	int r = console_open(&phase->console, phase->request->driver->writes_log ? NULL : log, err);

	return r < 0 ? r : console_open(&phase->second, second_log, err);
}

int phase_one_run(const struct install_request *request, const struct boot_files *files,
		  const char *work, const char *disk, struct err *err)
{
	struct phase_one phase = { .request = request, .disk = disk, .machine = L0_MACHINE_INIT };
	CLEANUP(free_cleanup)
	char *prefix = str_format("%s/%s-install", request->logs, request->layer->name);

	spawn_stop_fd();
	screens_begin(&phase.screens, prefix);
	int r = consoles_open(&phase, prefix, err);
	/* Only on a Xen host does anyone else know the machine. */
	if (r == 0 && request->driver->is_xen)
		disk_guard_begin(disk);
	if (r == 0)
		r = machine_start(&phase, files, work, err);
	if (r == 0)
		r = watch(&phase, err);
	log_status("%s", "");
	request->driver->stop(&phase.machine, END_GRACE_MS);
	int kept = disk_guard_end(disk, r < 0 ? NULL : err);
	screens_done(&phase.screens);
	console_done(&phase.console);
	console_done(&phase.second);
	return r < 0 ? r : kept;
}
