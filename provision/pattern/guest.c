/* A whole Debian as a guest: systemd, SSH, the agent as a unit. */
#include "pattern/patterns.h"

#define COMMON                                                                                     \
	"systemd-sysv", "systemd-resolved", "udev", "dbus", "kmod", "linux-image-amd64",           \
		"initramfs-tools", "zstd", "busybox-static", "iproute2", "openssh-server",         \
		"e2fsprogs", "login", "tzdata"

const struct pattern guest_pattern = {
	.name = "guest",
	.summary = "A whole system: systemd, SSH, the distribution's packages",
	.role = ROLE_GUEST,
	.initramfs = INITRAMFS_ROOT,
	.packages =
		(const struct pattern_packages[]){
			{ OS_DEBIAN, "bookworm", (const char *const[]){ COMMON, NULL } },
			{ OS_DEBIAN, "trixie", (const char *const[]){ COMMON, NULL } },
			{ OS_SUSE, "sles12", (const char *const[]){ SUSE_SYSTEM, NULL } },
			{ OS_SUSE, "sles15", (const char *const[]){ SUSE_SYSTEM, NULL } },
			{ OS_SUSE, "leap15", (const char *const[]){ SUSE_SYSTEM, NULL } },
			{ OS_SUSE, "tumbleweed", (const char *const[]){ SUSE_SYSTEM, NULL } },
			{ 0 },
		},
	.initramfs_modules = (const char *const[]){ "ahci", "ata_piix", "sd_mod", "xen-blkfront",
						    "crc32c_generic", "ext4", "xen-netfront",
						    "e1000", "8139cp", "bridge", NULL },
	.excluded_paths = no_such_hardware,
	.masked_units = idle_units,
	.masked_generators = idle_generators,
	.kernel_args = "quiet mitigations=off cryptomgr.notests audit=0",
};
