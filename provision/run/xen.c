#include "run/xen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "bootloader/bootloader.h"
#include "run/socket.h"
#include "run/xen_config.h"
#include "run/xen_domain.h"
#include "run/xen_host.h"

#define CONNECT_SECONDS 30.0 /* no longer than the machine has for its boot */
#define CONNECT_MS	200
#define STORE_SECONDS	30
#define STOP_SECONDS	130.0 /* the guard's own limits, and some */
#define TTY_BYTES	128
/* Of a fully virtualized guest besides its own memory: page tables, video, the device model's. */
#define OVERHEAD_MIB(mib) (24 + (mib) / 100)

static const char *xen_disk_format(void)
{
	return toolstack_here()->disk_format;
}

static int xen_probe(const char *wanted, bool *ret_kvm, char **ret_why, struct err *err)
{
	const struct toolstack *toolstack = toolstack_here();
	CLEANUP(xen_host_done) struct xen_host host = { 0 };

	if (!str_equal(wanted, "auto"))
		return err_set(err, -EINVAL,
			       "--accel %s: L0 is a Xen host, there is none to choose (leave "
			       "--accel out)",
			       wanted);
	int r = xen_host_look(toolstack, &host, err);
	if (r < 0)
		return r;
	*ret_kvm = false;
	*ret_why = str_format("%s, Xen %s", toolstack->program, host.version);
	return 0;
}

/* ---- can L1 run here? ---- */

static int profile_check(const struct layer *layer, struct err *err)
{
	if (bootloader_of(layer->boot_loader)->uefi)
		return err_set(err, -EINVAL,
			       "%s: boot.loader %s: --l0 xen starts machines with a BIOS "
			       "(grub2-bios or grub-legacy)",
			       layer->name, boot_loader_name(layer->boot_loader));
	if (layer->disk.extra.count)
		return err_set(err, -EINVAL,
			       "%s: disk.extra: --l0 xen gives L1 its one disk (leave it out, or "
			       "let QEMU run the stack)",
			       layer->name);
	return 0;
}

static int memory_check(const struct layer *layer, const struct xen_host *host, struct err *err)
{
	uint64_t mib = layer->machine.memory_bytes >> 20;
	uint64_t need_mib = mib + OVERHEAD_MIB(mib);

	if (host->free_mib >= need_mib || !host->dom0_is_fixed)
		return 0; /* or dom0 gives it up when the domain is made */
	return err_set(
		err, -ENOMEM,
		"%s: this Xen host has %llu MiB free, %llu MiB are needed (end other guests, "
		"lower dom0_mem= of the hypervisor, or machine.memory in the profile)",
		layer->name, (unsigned long long)host->free_mib, (unsigned long long)need_mib);
}

static int xen_check(const struct layer *layer, struct err *err)
{
	const struct toolstack *toolstack = toolstack_here();
	CLEANUP(xen_host_done) struct xen_host host = { 0 };
	int r = profile_check(layer, err);

	/* Lines of a layer inside are for the host that it runs on, not for its installer. */
	if (r == 0 && !layer->outer)
		r = guest_format_check(toolstack->format, layer, err);
	if (r == 0)
		r = xen_host_look(toolstack, &host, err);
	if (r < 0)
		return r;
	if (!host.hvm)
		return err_set(
			err, -ENODEV,
			"%s: this Xen host runs no fully virtualized guests: %s info does "
			"not name hvm in virt_caps (switch VT-x or AMD-V on in the firmware, "
			"or nested virtualization in the level around it)",
			layer->name, toolstack->program);
	r = memory_check(layer, &host, err);
	if (r == 0)
		r = xen_domain_check(toolstack, layer->name, err);
	return r;
}

/* ---- its two serial ports ---- */

/* The pty of the first one, as libxl tells it; "" while it does not. */
static int tty_path(int domain, char ret_path[TTY_BYTES], struct err *err)
{
	CLEANUP(free_cleanup) char *key = str_format("/local/domain/%d/serial/0/tty", domain);
	CLEANUP(free_cleanup) char *text = NULL;
	const char *argv[] = { "xenstore-read", key, NULL };
	struct spawn_options options = { .argv = argv,
					 .purpose = "looking for the console's terminal",
					 .timeout_seconds = STORE_SECONDS };
	int r = spawn_run(&options, &text, err);

	if (r == 0)
		snprintf(ret_path, TTY_BYTES, "%.*s", (int)strcspn(text, "\n"), text);
	return r;
}

static int tty_open(const char *path, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios modes;

	if (fd < 0 || tcgetattr(fd, &modes) < 0)
		return err_errno(err, errno, "%s: the console's terminal", path);
	cfmakeraw(&modes); /* no echo of the guest's own words to the guest */
	tcsetattr(fd, TCSANOW, &modes);
	return fd_take(&fd);
}

static int channel_open(const char *name, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = xen_host_path(GUEST_SOCKET_FOLDER);
	CLEANUP(free_cleanup) char *file = str_format("%s.sock", name);
	int fd = socket_connect(folder, file, err);

	if (fd >= 0)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static int connect_try(const char *name, struct l0_machine *machine, struct err *err)
{
	char path[TTY_BYTES] = "";
	int r = 0;

	if (machine->console < 0) {
		r = tty_path(xen_domain_id(machine->domain), path, err);
		machine->console = r < 0 ? -1 : tty_open(path, err);
	}
	if (machine->console >= 0 && machine->channel < 0)
		machine->channel = channel_open(name, err);
	return machine->console >= 0 && machine->channel >= 0 ? 0 : -EAGAIN;
}

/* The device model makes both; it may take its time. */
static int machine_connect(const struct layer *layer, struct l0_machine *machine, struct err *err)
{
	unsigned boot = layer->boot_timeout_seconds;
	double limit = boot && boot < CONNECT_SECONDS ? boot : CONNECT_SECONDS;
	double until = clock_seconds() + limit;
	CLEANUP(err_clear) struct err last = { 0 };

	while (connect_try(layer->name, machine, &last) < 0) {
		struct pollfd fds[] = { { .fd = machine->pidfd, .events = POLLIN },
					{ .fd = spawn_stop_fd(), .events = POLLIN } };

		poll(fds, 2, CONNECT_MS);
		if (fds[1].revents & POLLIN && spawn_stop_signal())
			return err_set(err, -EINTR, "stopped by a signal");
		if (fds[0].revents)
			return err_set(err, -ECHILD, "its domain ended at once");
		if (clock_seconds() > until)
			return err_set(err, -ETIMEDOUT,
				       "its serial ports could not be reached within %.0f s: %s",
				       limit, last.text);
	}
	return 0;
}

/* ---- start and end ---- */

static void xen_stop(struct l0_machine *machine, unsigned grace_ms);

static int domain_start(const struct l0_request *request, const struct toolstack *toolstack,
			struct l0_machine *machine, struct err *err)
{
	CLEANUP(free_cleanup) char *sockets = xen_host_path(GUEST_SOCKET_FOLDER);
	CLEANUP(free_cleanup) char *config = xen_config_path(request->layer->name);
	const struct xen_domain_request domain = { toolstack, request->layer->name, config };
	int r = dir_make(sockets, 0700, err);

	if (r == 0)
		r = xen_domain_start(&domain, &machine->domain, &machine->pid, err);
	if (r < 0)
		return r;
	machine->pidfd = (int)syscall(SYS_pidfd_open, machine->pid, 0);
	if (machine->pidfd < 0)
		return err_errno(err, errno, "the domain's guard cannot be watched");
	return machine_connect(request->layer, machine, err);
}

static int xen_start(const struct l0_request *request, struct l0_machine *ret_machine,
		     struct err *err)
{
	const struct toolstack *toolstack = toolstack_here();
	struct l0_machine machine = L0_MACHINE_INIT;
	int r = xen_config_write(toolstack, request, err);

	if (r < 0)
		return r;
	machine.name = request->layer->name;
	r = domain_start(request, toolstack, &machine, err);
	if (r < 0) {
		xen_stop(&machine, 0);
		return r;
	}
	*ret_machine = machine;
	return 0;
}

static void xen_quit(struct l0_machine *machine)
{
	if (machine->domain)
		xen_domain_quit(machine->domain);
}

static enum l0_end xen_end(const struct l0_machine *machine, int wait_status)
{
	if (xen_domain_is_left(wait_status))
		log_warn("the domain %s could not be destroyed (%s destroy %s)", machine->name,
			 toolstack_here()->program, machine->name);
	return xen_domain_end(wait_status);
}

/* The guard ends when the domain is gone, or has said that it cannot be destroyed. */
static void guard_wait(struct l0_machine *machine)
{
	struct pollfd guard = { .fd = machine->pidfd, .events = POLLIN };
	int status = 0;

	if (poll(&guard, 1, (int)(STOP_SECONDS * 1000)) <= 0) {
		spawn_end(machine->pid, 0);
		log_warn("the domain %s may be left (%s list)", machine->name,
			 toolstack_here()->program);
	} else if (waitpid(machine->pid, &status, 0) == machine->pid) {
		xen_end(machine, status);
	}
}

static void xen_stop(struct l0_machine *machine, unsigned grace_ms)
{
	(void)grace_ms; /* a domain takes the time that it takes */
	xen_domain_free(machine->domain);
	if (machine->pid > 0)
		guard_wait(machine);
	if (machine->name)
		xen_config_remove(toolstack_here(), machine->name);
	fd_cleanup(&machine->pidfd);
	fd_cleanup(&machine->console);
	fd_cleanup(&machine->channel);
	*machine = (struct l0_machine)L0_MACHINE_INIT;
}

const struct l0_driver xen_driver = {
	.name = "xen",
	.program = "the guard",
	.is_xen = true,
	.probe = xen_probe,
	.disk_format = xen_disk_format,
	.network = xen_host_network,
	.check = xen_check,
	.start = xen_start,
	.quit = xen_quit,
	.stop = xen_stop,
	.end = xen_end,
};
