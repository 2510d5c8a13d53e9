/* A Xen host: hypervisor, dom0 kernel, toolstack, device model, bridge. */
#include "pattern/patterns.h"

#define DEBIAN DEBIAN_SYSTEM, "xen-system-amd64", "qemu-system-xen"
#define SUSE   SUSE_SYSTEM, "pattern:xen_server", "xen", "xen-tools", "qemu-x86"

const struct pattern xen_host_pattern = {
	.name = "xen-host",
	.summary = "Xen hypervisor, toolstack and device model; a bridge for the guests",
	.role = ROLE_HOST,
	.hypervisor = HYPERVISOR_XEN,
	.initramfs = INITRAMFS_ROOT,
	.packages =
		(const struct pattern_packages[]){
			{ OS_DEBIAN, "bookworm", (const char *const[]){ DEBIAN, NULL } },
			{ OS_DEBIAN, "trixie", (const char *const[]){ DEBIAN, NULL } },
			{ OS_SUSE, "sles12", (const char *const[]){ SUSE, "bridge-utils", NULL } },
			{ OS_SUSE, "sles15", (const char *const[]){ SUSE, NULL } },
			{ OS_SUSE, "leap15", (const char *const[]){ SUSE, NULL } },
			{ OS_SUSE, "tumbleweed", (const char *const[]){ SUSE, NULL } },
			{ 0 },
		},
	.initramfs_modules = system_modules,
	.excluded_paths = no_such_hardware,
	.masked_units = idle_units,
	.masked_generators = idle_generators,
	/* smap: QEMU before 9.1 treats a ring-3 IRET wrongly, dom0 dies at once. The serial line
	 * costs a millisecond a byte two levels down: both ends say only what went wrong. */
	.hypervisor_args = "smap=0 bootscrub=0 spec-ctrl=no loglvl=error guest_loglvl=error",
	.kernel_args = "quiet mitigations=off cryptomgr.notests audit=0",
};
