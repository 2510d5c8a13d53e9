#include "run/preflight.h"

#include <errno.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "base/memory_folder.h"
#include "base/spawn.h"
#include "bootloader/bootloader.h"
#include "run/kvm_probe.h"
#include "run/preflight_report.h"

#define KVM_LIMIT_SECONDS 1.5
#define STORE_NEED_BYTES                                                                           \
	((uint64_t)3 << 30) /* base tree, package cache, one image in the making                   \
			     */
#define TREE_BYTES	     ((uint64_t)1 << 30)
#define INSTALLED_BYTES	     ((uint64_t)4 << 30) /* what a vendor's installer makes of a host */
#define MEMORY_DEFAULT_BYTES ((uint64_t)4 << 30)
#define MEMORY_MARGIN_BYTES  ((uint64_t)256 << 20) /* QEMU itself and its translated code */

/* What a stack must have for a program to matter. */
enum need { NEED_ALWAYS, NEED_QEMU, NEED_UEFI, NEED_SUSE };

/* Programs and data files with the Debian package that brings each. */
static const struct program {
	const char *name; /* a path: looked up as it is */
	const char *package;
	enum need need;
} programs[] = {
	{ "qemu-system-x86_64", "qemu-system-x86", NEED_QEMU },
	{ "qemu-img", "qemu-utils", NEED_ALWAYS },
	{ "mmdebstrap", "mmdebstrap", NEED_ALWAYS },
	{ "apt-get", "apt", NEED_ALWAYS },
	{ "dpkg-deb", "dpkg", NEED_ALWAYS },
	{ "grub-mkimage", "grub-common", NEED_ALWAYS },
	{ "/usr/lib/grub/i386-pc/boot.img", "grub-pc-bin", NEED_ALWAYS },
	{ "/usr/lib/grub/x86_64-efi/kernel.img", "grub-efi-amd64-bin", NEED_UEFI },
	{ "/usr/share/OVMF/OVMF_CODE_4M.fd", "ovmf", NEED_UEFI },
	{ "/usr/sbin/mkfs.vfat", "dosfstools", NEED_UEFI },
	{ "mcopy", "mtools", NEED_UEFI },
	{ "zypper", "zypper", NEED_SUSE },
	{ "rpm", "rpm", NEED_SUSE },
	{ "depmod", "kmod", NEED_SUSE },
};

static bool layer_needs(const struct layer *layer, enum need need)
{
	switch (need) {
	case NEED_QEMU:
		return false; /* what runs L1 and the installers decides */
	case NEED_UEFI:
		return bootloader_of(layer->boot_loader)->uefi;
	case NEED_SUSE:
		return layer->os_family == OS_SUSE && !layer_is_installed(layer);
	default:
		return true;
	}
}

static bool needs(const struct preflight_request *request, enum need need)
{
	const struct stack *stack = request->stack;

	for (size_t i = 0; stack && i < stack->layer_count; i++)
		if (layer_needs(stack->layers[i], need))
			return true;
	return need == NEED_ALWAYS || (need == NEED_QEMU && !request->on_xen);
}

/* A program in PATH, or data at a path of its own. NULL: it is not there. The caller frees. */
static char *program_path(const char *name)
{
	if (name[0] != '/')
		return program_find(name);
	return path_exists(name) ? str_copy(name) : NULL;
}

static void check_program(struct preflight *preflight, const struct program *program, bool needed)
{
	static const char *const lacks[] = {
		[NEED_QEMU] = "is not installed; machines outside of Xen run under it",
		[NEED_UEFI] = "is not installed; UEFI layers need it",
		[NEED_SUSE] = "is not installed; SUSE layers made from packages need it",
	};
	CLEANUP(free_cleanup) char *found = program_path(program->name);
	CLEANUP(free_cleanup) char *cure = str_format("apt-get install %s", program->package);

	if (found)
		preflight_add(preflight, FINDING_OK, program->name, found, NULL, program->package);
	else
		preflight_add(preflight, needed ? FINDING_MISSING : FINDING_NOTE, program->name,
			      needed ? "is not installed" : lacks[program->need], cure,
			      program->package);
}

/* Without a stack all are looked for. */
static void check_programs(struct preflight *preflight, const struct preflight_request *request)
{
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		bool needed = needs(request, programs[i].need);

		if (needed || !request->stack)
			check_program(preflight, &programs[i], needed);
	}
}

/* Really tries: the kernel may forbid it by sysctl, AppArmor or seccomp. */
static int user_namespace_try(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ? (errno & 127) : 0);
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static bool subid_has(const char *path, const char *user, uid_t uid)
{
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(free_cleanup) char *by_name = str_format("\n%s:", user);
	CLEANUP(free_cleanup) char *by_number = str_format("\n%u:", (unsigned)uid);

	if (file_read(path, (size_t)1024 * 1024, &text, NULL, NULL) < 0)
		return false;
	CLEANUP(free_cleanup) char *lines = str_format("\n%s", text);
	return strstr(lines, by_name) || strstr(lines, by_number);
}

static void check_subids(struct preflight *preflight)
{
	static const char *const files[] = { "/etc/subuid", "/etc/subgid" };
	CLEANUP(free_cleanup) char *helper = program_find("newuidmap");
	const struct passwd *entry = getpwuid(getuid());
	const char *user = entry ? entry->pw_name : NULL;
	CLEANUP(free_cleanup)
	char *cure = str_format(
		"as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s",
		user ? user : "USER");

	preflight_add(preflight, helper ? FINDING_OK : FINDING_MISSING, "newuidmap",
		      helper ? helper : "is not installed",
		      helper ? NULL : "apt-get install uidmap", "uidmap");
	for (size_t i = 0; i < 2; i++) {
		bool has = subid_has(files[i], user ? user : "", getuid());

		preflight_add(preflight, has ? FINDING_OK : FINDING_MISSING, files[i],
			      has ? "has a range for this user" : "has no range for this user",
			      has ? NULL : cure, NULL);
	}
}

static void check_namespaces(struct preflight *preflight)
{
	int r;

	if (geteuid() == 0) {
		preflight_add(preflight, FINDING_OK, "user namespaces", "not needed: this is root",
			      NULL, NULL);
		return;
	}
	r = user_namespace_try();
	preflight_add(
		preflight, r == 0 ? FINDING_OK : FINDING_MISSING, "user namespaces",
		r == 0 ? "work" : strerror(-r),
		r == 0 ? NULL
		       : "as root: sysctl kernel.unprivileged_userns_clone=1, or build as root",
		NULL);
	check_subids(preflight);
}

/* The folder that path is or will be in; the caller frees. */
static char *folder_there(const char *path)
{
	char *at = str_copy(path);

	while (!path_exists(at)) {
		char *up = path_folder(at);

		free(at);
		at = up;
	}
	return at;
}

/* An upper bound of what a stack writes: its images are sparse, and hold their layers' trees. */
static uint64_t stack_need_bytes(const struct stack *stack)
{
	uint64_t need = 0;

	for (size_t i = 0; stack && i < stack->layer_count; i++) {
		const struct layer *layer = stack->layers[i];
		uint64_t system = layer_is_installed(layer) ? INSTALLED_BYTES : TREE_BYTES;
		uint64_t own = layer->disk.size_bytes < system ? layer->disk.size_bytes : system;

		need += own * layer->depth; /* a copy in each image around it */
	}
	return need ? need : STORE_NEED_BYTES;
}

static void check_disk(struct preflight *preflight, const char *what, const char *path,
		       uint64_t need_bytes)
{
	CLEANUP(free_cleanup) char *folder = folder_there(path);
	struct statvfs status = { 0 };
	uint64_t available =
		statvfs(folder, &status) < 0 ? 0 : (uint64_t)status.f_bavail * status.f_frsize;
	bool enough = available >= need_bytes;
	CLEANUP(free_cleanup)
	char *detail =
		str_format("%.1f GiB free in %s, about %.1f GiB needed",
			   (double)available / (1 << 30), path, (double)need_bytes / (1 << 30));

	preflight_add(preflight, enough ? FINDING_OK : FINDING_MISSING, what, detail,
		      enough ? NULL : "make room, or choose another folder", NULL);
}

/* The cache is another matter: one that cannot be written may hold all that is needed. */
static void check_out(struct preflight *preflight, const char *path, uint64_t need_bytes)
{
	CLEANUP(free_cleanup) char *folder = folder_there(path);

	check_disk(preflight, "disk for the stack", path, need_bytes);
	if (access(folder, W_OK | X_OK) == 0)
		return;
	CLEANUP(free_cleanup)
	char *detail = str_format("%s: cannot be written: %s", folder, strerror(errno));
	preflight_add(preflight, FINDING_MISSING, "folder for the stack", detail,
		      "choose another one with --out", NULL);
}

/* The stack, or an installer. */
static bool runs_machines(const struct preflight_request *request)
{
	const struct stack *stack = request->stack;

	for (size_t i = 0; stack && i < stack->layer_count; i++)
		if (layer_is_installed(stack->layers[i]))
			return true;
	return !request->build_only;
}

static void check_memory(struct preflight *preflight, const struct stack *stack)
{
	uint64_t need = MEMORY_MARGIN_BYTES + (stack && stack->layer_count
						       ? stack->layers[0]->machine.memory_bytes
						       : MEMORY_DEFAULT_BYTES);
	uint64_t available = memory_available_bytes();
	bool enough = available >= need;
	CLEANUP(free_cleanup)
	char *detail = str_format("%.1f GiB available, %.1f GiB needed for L1",
				  (double)available / (1 << 30), (double)need / (1 << 30));

	preflight_add(preflight, enough ? FINDING_OK : FINDING_MISSING, "free memory", detail,
		      enough ? NULL : "end other programs, or give L1 less memory in the profile",
		      NULL);
}

static void check_accelerator(struct preflight *preflight, struct kvm_probe *probe)
{
	CLEANUP(free_cleanup) char *why = NULL;

	preflight->kvm = kvm_probe_finish(probe, KVM_LIMIT_SECONDS, &why);
	CLEANUP(free_cleanup)
	char *detail = str_format("%s: %s", preflight->kvm ? "KVM" : "TCG is used", why);
	preflight_add(preflight, preflight->kvm ? FINDING_OK : FINDING_NOTE, "accelerator", detail,
		      NULL, NULL);
}

/* Releases whose Xen is 4.19 or later. It wants LBRV, NRIPS, FlushByASID and DecodeAssists of SVM
 * for guests with nestedhvm, which TCG does not offer. */
static bool xen_is_choosy(const struct layer *host)
{
	return (host->os_family == OS_DEBIAN && str_equal(host->release, "trixie")) ||
	       (host->os_family == OS_SUSE && str_equal(host->release, "tumbleweed"));
}

/* Known before minutes of work; the run itself would tell it of a guest that did not start. */
static void check_nested_guests(struct preflight *preflight, const struct stack *stack)
{
	for (size_t i = 0; stack && i < stack->layer_count; i++) {
		const struct layer *layer = stack->layers[i];

		if (!layer->outer || layer->machine.type != MACHINE_HVM || !layer->machine.nested ||
		    !xen_is_choosy(layer->outer))
			continue;
		CLEANUP(free_cleanup)
		char *detail = str_format("%s will not start: under TCG the Xen of %s (%s) refuses "
					  "guests that may nest",
					  layer->name, layer->outer->name, layer->outer->release);
		CLEANUP(free_cleanup)
		char *cure = str_format("machine.nested: false for %s, if it holds no fully "
					"virtualized guest; an older release for %s; or KVM",
					layer->name, layer->outer->name);
		preflight_add(preflight, FINDING_NOTE, "nested guests", detail, cure, NULL);
	}
}

int preflight_check(const struct preflight_request *request, struct preflight *ret_preflight,
		    struct err *err)
{
	const struct stack *stack = request->stack;
	const struct kvm_host kvm_host = kvm_host_find();
	struct kvm_probe probe;
	bool qemu = needs(request, NEED_QEMU);

	(void)err; /* so far nothing can keep it from looking */
	*ret_preflight = (struct preflight){ 0 };
	if (!request->build_only && qemu)
		kvm_probe_start(&probe, &kvm_host); /* runs while the rest is looked at */
	check_programs(ret_preflight, request);
	check_namespaces(ret_preflight);
	if (!request->store_has_all)
		check_disk(ret_preflight, "disk for the cache",
			   request->store ? request->store : ".", STORE_NEED_BYTES);
	check_out(ret_preflight, request->out ? request->out : ".",
		  request->out_has_all ? 0 : stack_need_bytes(stack));
	if (qemu && runs_machines(request))
		check_memory(ret_preflight, stack);
	if (!request->build_only && qemu)
		check_accelerator(ret_preflight, &probe);
	if (!request->build_only && qemu && !ret_preflight->kvm)
		check_nested_guests(ret_preflight, stack);
	return 0;
}
