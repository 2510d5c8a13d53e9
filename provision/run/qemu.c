#include "run/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "bootloader/bootloader.h"
#include "run/core.h"
#include "run/kvm_probe.h"

#define PROGRAM		 "qemu-system-x86_64"
#define UEFI_CODE	 "/usr/share/OVMF/OVMF_CODE_4M.fd"
#define UEFI_VARIABLES	 "/usr/share/OVMF/OVMF_VARS_4M.fd"
#define AHCI_PORTS	 6
#define PROBE_SECONDS	 5.0
#define GREETING_SECONDS 30.0
#define QUIT_SECONDS	 2.0
#define LOG_TAIL_BYTES	 1200

static int qemu_probe(const char *wanted, bool *ret_kvm, char **ret_why, struct err *err)
{
	const struct kvm_host kvm_host = kvm_host_find();
	struct kvm_probe probe;

	if (str_equal(wanted, "tcg")) {
		*ret_kvm = false;
		*ret_why = str_copy("asked for");
		return 0;
	}
	if (!str_equal(wanted, "auto") && !str_equal(wanted, "kvm"))
		return err_set(err, -EINVAL, "--accel: \"%s\" is none of auto, tcg, kvm", wanted);
	kvm_probe_start(&probe, &kvm_host);
	CLEANUP(free_cleanup) char *why = NULL;
	*ret_kvm = kvm_probe_finish(&probe, PROBE_SECONDS, &why);
	if (!*ret_kvm && str_equal(wanted, "kvm"))
		return err_set(err, -ENODEV, "--accel kvm: %s (--accel tcg works everywhere)", why);
	*ret_why = take(&why);
	return 0;
}

static int qemu_network(const char *bridge, struct l0_network *ret_network, struct err *err)
{
	if (bridge)
		return err_set(err, -EINVAL,
			       "--bridge: QEMU's own network has none (only --l0 xen takes one)");
	/* Its user network shows 127.0.0.1 of L0 as the other. */
	*ret_network = (struct l0_network){ .listen = "127.0.0.1", .guests = "10.0.2.2" };
	return 0;
}

/* QEMU's option syntax: a comma in a value is doubled. The caller frees. */
static char *escaped(const char *text)
{
	struct buf out = { 0 };

	for (; *text; text++)
		buf_add(&out, *text == ',' ? ",," : text, *text == ',' ? 2 : 1);
	return out.data ? out.data : str_copy("");
}

static void pair_add(struct strv *argv, const char *option, const char *value)
{
	strv_add(argv, option);
	strv_add(argv, value);
}

/* UEFI keeps its variables in a copy of the run's own: nothing has to be kept in them. */
static void firmware_add(const struct l0_request *request, struct strv *argv)
{
	bool uefi = bootloader_of(request->layer->boot_loader)->uefi;

	pair_add(argv, "-machine", uefi ? "q35" : "pc");
	if (!uefi)
		return;
	pair_add(argv, "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" UEFI_CODE);
	pair_add(argv, "-drive", "if=pflash,unit=1,format=raw,snapshot=on,file=" UEFI_VARIABLES);
}

static void disk_add(const struct l0_request *request, struct strv *argv)
{
	const struct l0_install *install = request->install;
	bool is_ide = request->layer->machine.disk_bus == DISK_BUS_IDE;
	CLEANUP(free_cleanup) char *file = escaped(install ? install->disk : request->overlay);

	/* unsafe: flushes are left out, right for a disk that is thrown away after the run, or one
	 * that is synced as a whole when its installer is done. */
	strv_add(argv, "-drive");
	strv_format(argv, "file=%s,format=%s,if=none,id=disk,cache=%s,discard=unmap", file,
		    install ? "raw" : "qcow2", request->throw_away ? "unsafe" : "writeback");
	if (!is_ide)
		pair_add(argv, "-device", "ahci,id=ahci");
	strv_add(argv, "-device");
	/* An installer's kernel has 0, its medium 1. */
	strv_format(argv, "ide-hd,drive=disk,bus=%s,bootindex=%d", is_ide ? "ide.0" : "ahci.0",
		    install ? 2 : 0);
}

/* Empty at every start: no file of ours to keep, what is written goes to one that QEMU unlinks. The
 * controllers are "ahci", "ahci1", ...: "%.0zu" prints no 0. */
static void extra_disks_add(const struct layer *layer, struct strv *argv)
{
	const struct sizes *extra = &layer->disk.extra;

	for (size_t i = 0; i < extra->count; i++) {
		size_t port = i + 1;

		/* The machine's own disk has port 0 of "ahci", which an IDE machine lacks. */
		if (port % AHCI_PORTS == 0 || (i == 0 && layer->machine.disk_bus == DISK_BUS_IDE)) {
			strv_add(argv, "-device");
			strv_format(argv, "ahci,id=ahci%.0zu", port / AHCI_PORTS);
		}
		strv_add(argv, "-drive");
		strv_format(argv,
			    "driver=null-co,size=%llu,read-zeroes=on,if=none,id=extra%zu,"
			    "snapshot=on",
			    (unsigned long long)extra->bytes[i], port);
		strv_add(argv, "-device");
		strv_format(argv, "ide-hd,drive=extra%zu,bus=ahci%.0zu.%zu", port,
			    port / AHCI_PORTS, port % AHCI_PORTS);
	}
}

/* What an installer has besides the machine that it installs: its medium, its answers, a screen. */
static void installer_add(const struct guest_installer *install, struct strv *argv)
{
	CLEANUP(free_cleanup) char *medium = escaped(install->medium ? install->medium : "");
	CLEANUP(free_cleanup)
	char *answers = escaped(install->answer_disk ? install->answer_disk : "");

	pair_add(argv, "-device", "VGA");
	if (install->medium) {
		strv_add(argv, "-drive");
		strv_format(argv, "file=%s,format=raw,if=none,id=cd,media=cdrom,readonly=on",
			    medium);
		pair_add(argv, "-device", "ide-cd,drive=cd,bus=ide.1,bootindex=1");
	}
	if (install->answer_disk) {
		strv_add(argv, "-drive");
		strv_format(argv, "file=%s,format=raw,if=none,id=answers,readonly=on", answers);
		pair_add(argv, "-device", "qemu-xhci,id=xhci");
		pair_add(argv, "-device", "usb-storage,drive=answers,bus=xhci.0");
	}
	if (install->kernel) {
		pair_add(argv, "-kernel", install->kernel);
		pair_add(argv, "-initrd", install->initrd);
		pair_add(argv, "-append", install->arguments);
	}
}

static void network_add(const struct layer *layer, struct strv *argv)
{
	const char *model = layer->machine.nic == NIC_RTL8139 ? "rtl8139" : "e1000";

	pair_add(argv, "-netdev", "user,id=net");
	strv_add(argv, "-device");
	/* romfile= empty: the machine never boots from the network. */
	strv_format(argv, "%s,netdev=net,mac=%s,romfile=", model, layer->machine.mac);
}

static void serial_add(const struct l0_request *request, const struct qemu_ends *ends,
		       struct strv *argv)
{
	CLEANUP(free_cleanup)
	char *log = str_format("%s/%s%s.log", request->log_folder, request->layer->name,
			       request->install ? "-install" : "");
	CLEANUP(free_cleanup) char *log_escaped = escaped(log);

	strv_add(argv, "-chardev");
	strv_format(argv, "socket,id=console,fd=%d,logfile=%s,logappend=off", ends->console,
		    log_escaped);
	pair_add(argv, "-device", "isa-serial,chardev=console,index=0");
	strv_add(argv, "-chardev");
	strv_format(argv, "socket,id=channel,fd=%d", ends->channel);
	pair_add(argv, "-device", "isa-serial,chardev=channel,index=1");
	strv_add(argv, "-chardev");
	strv_format(argv, "socket,id=control,fd=%d", ends->control);
	pair_add(argv, "-mon", "chardev=control,mode=control");
}

void qemu_argv(const struct l0_request *request, const struct qemu_ends *ends, struct strv *argv)
{
	const struct machine_spec *machine = &request->layer->machine;
	CLEANUP(free_cleanup) char *cpu = core_cpu(request->kvm);
	CLEANUP(free_cleanup) char *name = escaped(request->layer->name);

	strv_add(argv, PROGRAM);
	pair_add(argv, "-name", name);
	strv_add(argv, "-no-user-config");
	strv_add(argv, "-nodefaults");
	pair_add(argv, "-display", "none");
	pair_add(argv, "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny");
	firmware_add(request, argv);
	pair_add(argv, "-accel", core_accel(request->kvm));
	pair_add(argv, "-cpu", cpu);
	strv_add(argv, "-smp");
	strv_format(argv, "%u", machine->vcpus ? machine->vcpus : 1);
	strv_add(argv, "-m");
	strv_format(argv, "%lluk", (unsigned long long)(machine->memory_bytes >> 10));
	disk_add(request, argv);
	extra_disks_add(request->layer, argv);
	network_add(request->layer, argv);
	serial_add(request, ends, argv);
	if (request->install)
		installer_add(&request->install->installer, argv);
	/* A panic that resets the machine ends it: a verdict at once instead of a second try. */
	strv_add(argv, "-no-reboot");
	/* An installer's stays, halted, for a look at its last screen. */
	if (request->install)
		strv_add(argv, "-no-shutdown");
}

static int pair_make(int *ret_ours, int *ret_theirs, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, errno, "a socket pair cannot be made");
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	*ret_ours = pair[0];
	*ret_theirs = pair[1];
	return 0;
}

/* Inherited connections need no name: no path to be too long, none left behind. */
static int ends_make(struct l0_machine *machine, int *ret_control, struct qemu_ends *ends,
		     struct err *err)
{
	int r = pair_make(&machine->console, &ends->console, err);

	if (r == 0)
		r = pair_make(&machine->channel, &ends->channel, err);
	if (r == 0)
		r = pair_make(ret_control, &ends->control, err);
	return r;
}

static void ends_inherit(const struct qemu_ends *ends, bool inherit)
{
	const int fds[] = { ends->control, ends->console, ends->channel };

	for (size_t i = 0; i < 3; i++)
		fcntl(fds[i], F_SETFD, inherit ? 0 : FD_CLOEXEC);
}

static void ends_close(struct qemu_ends *ends)
{
	fd_cleanup(&ends->control);
	fd_cleanup(&ends->console);
	fd_cleanup(&ends->channel);
}

/* What QEMU said before it gave up. */
static int start_failed(const char *log, int code, struct err *err)
{
	CLEANUP(free_cleanup) char *found = program_find(PROGRAM);
	char *text = NULL;
	size_t length = 0;

	if (file_read(log, (size_t)1024 * 1024, &text, &length, NULL) == 0 && length)
		err_set(err, code, "%s ended at its start:\n%s", PROGRAM,
			text + (length > LOG_TAIL_BYTES ? length - LOG_TAIL_BYTES : 0));
	else if (!found)
		err_set(err, -ENOENT,
			PROGRAM " cannot be started (apt-get install qemu-system-x86)");
	free(text);
	return code;
}

/* Of QEMU's own words; the caller frees. */
static char *program_log(const struct l0_request *request)
{
	return request->install ? str_format("%s/%s-install-qemu.log", request->log_folder,
					     request->layer->name)
				: path_join(request->log_folder, "qemu.log");
}

static int machine_start(const struct l0_request *request, struct l0_machine *machine,
			 const struct qemu_ends *ends, struct err *err)
{
	CLEANUP(strv_done) struct strv argv = { 0 };
	CLEANUP(free_cleanup) char *log = program_log(request);
	struct spawn_options options = { .folder = request->run_folder,
					 .log_path = log,
					 .purpose = request->install ? "starting the installer"
								     : "starting L1" };

	qemu_argv(request, ends, &argv);
	options.argv = (const char *const *)argv.items;
	unlink(log);
	ends_inherit(ends, true);
	int r = spawn_start(&options, false, &machine->pid, err);
	ends_inherit(ends, false);
	if (r < 0)
		return r;
	machine->pidfd = (int)syscall(SYS_pidfd_open, machine->pid, 0);
	if (machine->pidfd < 0)
		return err_errno(err, errno, "QEMU's process cannot be watched");
	return 0;
}

static void qemu_stop(struct l0_machine *machine, unsigned grace_ms);

static int qemu_start(const struct l0_request *request, struct l0_machine *ret_machine,
		      struct err *err)
{
	struct l0_machine machine = L0_MACHINE_INIT;
	struct qemu_ends ends = { -1, -1, -1 };
	CLEANUP(fd_cleanup) int control = -1;
	CLEANUP(free_cleanup) char *log = program_log(request);

	int r = ends_make(&machine, &control, &ends, err);
	if (r == 0)
		r = machine_start(request, &machine, &ends, err);
	ends_close(&ends);
	if (r == 0) {
		r = qmp_open(control, GREETING_SECONDS, &machine.control, err);
		if (r < 0)
			r = start_failed(log, r, err);
		else
			fd_take(&control);
	}
	if (r < 0) {
		qemu_stop(&machine, 0);
		return r;
	}
	*ret_machine = machine;
	return 0;
}

static void qemu_quit(struct l0_machine *machine)
{
	struct err err = { 0 };

	if (machine->control &&
	    qmp_command(machine->control, "quit", NULL, QUIT_SECONDS, NULL, &err) < 0)
		log_debug("%s", err.text);
	err_clear(&err);
}

static void qemu_stop(struct l0_machine *machine, unsigned grace_ms)
{
	qmp_close(machine->control);
	spawn_end(machine->pid, grace_ms);
	fd_cleanup(&machine->pidfd);
	fd_cleanup(&machine->console);
	fd_cleanup(&machine->channel);
	*machine = (struct l0_machine)L0_MACHINE_INIT;
}

const struct l0_driver qemu_driver = {
	.name = "qemu",
	.program = "QEMU",
	.writes_log = true,
	.probe = qemu_probe,
	.network = qemu_network,
	.start = qemu_start,
	.quit = qemu_quit,
	.stop = qemu_stop,
};
