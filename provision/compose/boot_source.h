/* What a kernel and its initramfs are made from, read out of a base tree. */
#pragma once
#include "image/fsys.h"
#include "image/members.h"
#include "pattern/pattern.h"

struct boot_source {
	char *kernel_version;	/* "6.1.0-56-amd64", the newest in the tree */
	char *hypervisor_file;	/* "xen-4.17-amd64.gz", NULL for guests */
	struct members files;	/* of boot/, busybox, modules.dep; uncompressed */
	struct members modules; /* the drivers asked for and what they need, uncompressed */
	struct strv order;	/* the modules' file names ("ahci.ko") in the order of loading */
};

/* From the file system that the tree was unpacked into, which is read fastest, or (root NULL) from
 * its archive, which the messages name. -EBADMSG if the tree has no kernel or no busybox. A driver
 * that the kernel lacks as a module is left out: it is built in. boot_source_done it, also after a
 * failure. */
int boot_source_read(const char *tar_path, struct fsys *root, const struct pattern *pattern,
		     struct boot_source *ret_source, struct err *err);
void boot_source_done(struct boot_source *source);

/* Adds the paths, below the kernel's folder of modules, of what a driver needs and its own, in the
 * order of loading, each once. dependencies: a modules.dep; what it does not name adds nothing. */
void driver_paths(const char *dependencies, const char *driver, struct strv *paths);

/* The kernel and busybox: never NULL after boot_source_read. They belong to the source. */
const struct member *boot_source_kernel(const struct boot_source *source);
const struct member *boot_source_busybox(const struct boot_source *source);
/* The hypervisor as an EFI program, NULL if the tree has none. */
const struct member *boot_source_hypervisor_efi(const struct boot_source *source);
/* Its modules.dep, never NULL. */
const char *boot_source_dependencies(const struct boot_source *source);
/* The module of a file name in order; never NULL for names from there. */
const struct member *boot_source_module(const struct boot_source *source, const char *file_name);
