/* The guest config that a Xen host's xl reads to start an inner machine. Source of the keys:
 * xl.cfg(5), xl-disk-configuration(5), xl-network-configuration(5), Xen 4.17. */
#pragma once
#include "profile/stack.h"

#define GUEST_IMAGES_FOLDER "/var/lib/xen/images"
#define GUEST_CONFIG_FOLDER "/etc/xen/vm"
#define GUEST_AUTO_FOLDER   "/etc/xen/auto"
#define GUEST_SOCKET_FOLDER "/run/nestctl"
/* In every config that a run writes and removes. */
#define GUEST_CONFIG_MARK "Written by nestctl for one run; removed after it."

/* An installer that runs in the place of what is on the disk. Absolute paths. */
struct guest_installer {
	const char *medium;	 /* the CD-ROM; NULL: none */
	const char *answer_disk; /* a second disk; or NULL */
	/* NULL kernel: the medium boots by itself. */
	const char *kernel, *initrd, *arguments;
};

/* Where the outermost layer stands: on a Xen host that no profile describes. Borrowed; the paths
 * are absolute, without quotes, backslashes or newlines. */
struct guest_place {
	const char *disk;
	const char *disk_format; /* "raw", "qcow2" */
	const char *bridge;
	const struct guest_installer *installer; /* NULL: the disk boots */
};

/* The config of the outermost layer, which is an HVM machine with a disk. It ends where it would
 * reset itself or has crashed: what is proven is one boot. For an installer it is a plain emulated
 * machine, as QEMU's is: its disks have the names that the answer files give them, and lines of the
 * profile are left out. The caller frees. */
char *guest_xl_config_outermost(const struct layer *layer, const struct guest_place *place);

/* The config of a layer that runs on a Xen host. kernel_args is the command line of a machine that
 * its host boots directly (PV, PVH; unused for HVM). Raw lines of the profile replace the lines of
 * the same key, or are added. The caller frees. */
char *guest_xl_config(const struct layer *layer, const char *kernel_args);

/* A string in quotes, with the escapes that xl's lexer and Python read. The caller frees. */
char *guest_quoted(const char *value);

/* Of its second serial port, the agent's channel. The caller frees. */
char *guest_socket(const struct layer *layer);

/* Puts the profile's own lines into a flat config: each replaces the line of its key, or is added.
 */
void guest_lines_merge(struct strv *lines, const struct strv *raw);
