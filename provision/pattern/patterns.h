/* The patterns, one file each. */
#pragma once
#include "pattern/pattern.h"

extern const struct pattern xen_host_pattern;
extern const struct pattern guest_pattern;
extern const struct pattern leaf_pattern;

/* What a whole Debian is made of, a host or not. */
#define DEBIAN_SYSTEM                                                                              \
	"systemd-sysv", "systemd-resolved", "udev", "dbus", "kmod", "linux-image-amd64",           \
		"initramfs-tools", "zstd", "busybox-static", "iproute2", "openssh-server",         \
		"e2fsprogs", "login", "tzdata"

/* What a SUSE system is made of, a host or not. By the names of its packages: no SUSE repository
 * could be had to try them on. busybox-static is for the initramfs. */
#define SUSE_SYSTEM                                                                                \
	"aaa_base", "systemd", "systemd-sysvinit", "udev", "dbus-1", "kmod", "kernel-default",     \
		"busybox-static", "iproute2", "openssh", "wicked", "e2fsprogs", "shadow",          \
		"timezone", "glibc-locale", "zypper"

/* What the initramfs of a whole system needs to find its root, on any of the buses and NICs. */
extern const char *const system_modules[];
/* Drivers of hardware that no machine of a lab has: 150 MiB in every layer. Globs. */
extern const char *const no_such_hardware[];
/* Units that a machine of a lab has no use for, each a second or more of an emulated CPU. */
extern const char *const idle_units[];
/* systemd generators for set-ups that no layer has. */
extern const char *const idle_generators[];
