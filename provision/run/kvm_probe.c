#include "run/kvm_probe.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"

/* A boot sector: SeaBIOS must have run through protected mode to get here, then
 *     mov dx, 0x501; mov al, 0x2a; out dx, al; 1: hlt; jmp 1b
 * QEMU's isa-debug-exit ends with status (value << 1) | 1. */
static const uint8_t boot_code[] = { 0xba, 0x01, 0x05, 0xb0, 0x2a, 0xee, 0xf4, 0xeb, 0xfd };

#define EXIT_STATUS  ((0x2a << 1) | 1)
#define NOT_FOUND    127 /* spawn_start's child: there is no such program */
#define SECTOR_BYTES 512
#define DISK_BYTES   (64 * SECTOR_BYTES)

/* In memory: nothing is left behind, however this process ends. A descriptor or a negative errno.
 */
static int image_make(void)
{
	uint8_t disk[DISK_BYTES] = { 0 };
	CLEANUP(fd_cleanup) int fd = memfd_create("nestctl-kvm", MFD_CLOEXEC);

	memcpy(disk, boot_code, sizeof boot_code);
	disk[SECTOR_BYTES - 2] = 0x55;
	disk[SECTOR_BYTES - 1] = 0xaa;
	int r = fd < 0 ? -errno : fd_write_all(fd, disk, sizeof disk);
	return r < 0 ? r : fd_take(&fd);
}

/* Without VMX or SVM something else stands behind /dev/kvm: it runs small guests, then hangs in the
 * first instructions of a kernel. Source: CPUID leaves 1 and 0x80000001. */
static bool hardware_virtualization(void)
{
	unsigned eax, ebx, ecx, edx;

	if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & (1u << 5)))
		return true;
	return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && (ecx & (1u << 2));
}

struct kvm_host kvm_host_find(void)
{
	return (struct kvm_host){ .device = "/dev/kvm", .hardware = hardware_virtualization() };
}

void kvm_probe_start(struct kvm_probe *probe, const struct kvm_host *host)
{
	struct err err = { 0 };

	*probe = (struct kvm_probe){ .started = clock_seconds() };
	int refused = access(host->device, R_OK | W_OK) < 0 ? errno : 0;

	if (refused == EACCES && host->hardware) {
		probe->verdict = str_format("%s: %s; who is in the group kvm may use it (as root: "
					    "usermod --append --groups kvm USER, then log in anew)",
					    host->device, strerror(refused));
		return;
	}
	if (refused && refused != EACCES) {
		probe->verdict = str_format("%s: %s", host->device, strerror(refused));
		return;
	}
	if (!host->hardware) {
		probe->verdict = str_format(
			"%s is there, but the processor has neither VMX nor SVM", host->device);
		return;
	}
	CLEANUP(fd_cleanup) int image = image_make();
	if (image < 0) {
		probe->verdict = str_format("no room for a probe: %s", strerror(-image));
		return;
	}
	CLEANUP(free_cleanup)
	char *drive = str_format("file=/proc/self/fd/%d,format=raw,if=ide,snapshot=off", image);
	const char *argv[] = { "qemu-system-x86_64",
			       "-no-user-config",
			       "-nodefaults",
			       "-display",
			       "none",
			       "-machine",
			       "pc",
			       "-accel",
			       "kvm",
			       "-cpu",
			       "host",
			       "-m",
			       "32M",
			       "-net",
			       "none",
			       "-drive",
			       drive,
			       "-device",
			       "isa-debug-exit,iobase=0x501,iosize=1",
			       NULL };
	struct spawn_options options = { .argv = argv, .purpose = "probing KVM" };
	fcntl(image, F_SETFD, 0); /* for QEMU */
	if (spawn_start(&options, false, &probe->pid, &err) < 0)
		probe->verdict = str_copy(err.text);
	err_clear(&err);
}

/* False: it still runs when the time is up, or a signal asked us to stop. */
static bool wait_until(pid_t pid, double until, int *ret_status)
{
	do {
		pid_t got = waitpid(pid, ret_status, WNOHANG);

		if (got == pid)
			return true;
		if (got < 0 && errno != EINTR)
			return false;
		poll(NULL, 0, 5);
	} while (clock_seconds() < until && !spawn_stop_signal());
	return false;
}

bool kvm_probe_finish(struct kvm_probe *probe, double seconds, char **ret_why)
{
	bool works = false;
	int status = 0;

	if (probe->pid > 0 && !wait_until(probe->pid, probe->started + seconds, &status)) {
		spawn_end(probe->pid, 0);
		*ret_why = str_format(
			"/dev/kvm is there, but a guest on it did nothing within %.1f s", seconds);
	} else if (probe->pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_STATUS) {
		*ret_why = str_copy("a guest ran on /dev/kvm");
		works = true;
	} else if (probe->pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND) {
		*ret_why = str_copy("/dev/kvm is there, but no QEMU to try it");
	} else if (probe->pid > 0) {
		CLEANUP(free_cleanup) char *how = spawn_status_text(status);

		*ret_why = str_format("/dev/kvm is there, but QEMU %s on it", how);
	} else {
		*ret_why = str_copy(probe->verdict ? probe->verdict : "no probe was made");
	}
	free(probe->verdict);
	*probe = (struct kvm_probe){ 0 };
	return works;
}
