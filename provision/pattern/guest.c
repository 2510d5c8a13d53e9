/* A whole system as a guest: systemd, SSH, the agent as a unit. */
#include "pattern/patterns.h"

const struct pattern guest_pattern = {
	.name = "guest",
	.summary = "A whole system: systemd, SSH, the distribution's packages",
	.role = ROLE_GUEST,
	.initramfs = INITRAMFS_ROOT,
	.packages =
		(const struct pattern_packages[]){
			{ OS_DEBIAN, "bookworm", (const char *const[]){ DEBIAN_SYSTEM, NULL } },
			{ OS_DEBIAN, "trixie", (const char *const[]){ DEBIAN_SYSTEM, NULL } },
			{ OS_SUSE, "sles12", (const char *const[]){ SUSE_SYSTEM, NULL } },
			{ OS_SUSE, "sles15", (const char *const[]){ SUSE_SYSTEM, NULL } },
			{ OS_SUSE, "leap15", (const char *const[]){ SUSE_SYSTEM, NULL } },
			{ OS_SUSE, "tumbleweed", (const char *const[]){ SUSE_SYSTEM, NULL } },
			{ 0 },
		},
	.initramfs_modules = system_modules,
	.excluded_paths = no_such_hardware,
	.masked_units = idle_units,
	.masked_generators = idle_generators,
	.kernel_args = "quiet mitigations=off cryptomgr.notests audit=0",
};
