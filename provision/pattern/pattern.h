/* Patterns: the packages, services and arguments that make an OS a hypervisor host, or a guest.
 * Data only; who installs them and where the arguments go is not known here. */
#pragma once
#include "profile/stack.h"

enum initramfs_kind {
	INITRAMFS_ROOT, /* loads the drivers of the disk, mounts the root file system, hands over */
	INITRAMFS_AGENT, /* the whole guest: busybox, modules, the agent as process 1 */
};

struct pattern_packages {
	enum os_family_id family;
	const char *release;	     /* NULL: every release of the family */
	const char *const *packages; /* NULL at the end */
};

struct pattern {
	const char *name;
	const char *summary;
	enum role role;
	enum hypervisor hypervisor;
	enum initramfs_kind initramfs;
	const struct pattern_packages *packages; /* one a family and release; ends with NULL list */
	const char *const *initramfs_modules; /* drivers for the disks and NICs that a layer sees */
	const char *const
		*excluded_paths;	 /* of packages, not unpacked: no layer has use for them */
	const char *const *masked_units; /* systemd units that slow a start and serve nothing */
	const char *const *masked_generators; /* systemd generators, likewise */
	const char *hypervisor_args;
	const char *kernel_args;
};

/* NULL if there is none of that name. */
const struct pattern *pattern_find(const char *name);
/* The table's names, "a, b, c", for messages; the caller frees. */
char *pattern_names(void);
/* Likewise those for one role. */
char *pattern_names_for(enum role role);
/* Likewise the releases of a family that the pattern has packages for. */
char *pattern_releases(const struct pattern *pattern, enum os_family_id family);
/* The i-th pattern, NULL after the last. */
const struct pattern *pattern_at(size_t index);
/* Packages for a family and release, NULL if the pattern lacks them. */
const char *const *pattern_packages(const struct pattern *pattern, enum os_family_id family,
				    const char *release);

/* Package groups (file-server, web-server, development) in the family's own names: packages,
 * "pattern:NAME" on SUSE, "@NAME" for a group on Red Hat. NULL if unknown to the family. */
const char *const *package_group(const char *name, enum os_family_id family, const char *release);
char *package_group_names(void); /* the caller frees */
