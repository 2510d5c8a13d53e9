/* What a machine's boot program is told: an iPXE script or GRUB commands for its decision. Text in,
 * text out.
 */
#pragma once
#include "pxe/ledger.h"

enum boot_language { BOOT_IPXE, BOOT_GRUB };

/* What is started: over the network, or the machine's own disk. */
struct boot_files {
	const char *kernel, *initrd; /* paths below the boot port's root: "/netboot/vmlinuz"; initrd
					NULL: none; kernel NULL: the local disk */
	const char *arguments;	     /* of the kernel; hold the token */
	bool program; /* kernel is a boot program that fetches the rest itself, as ESXi's mboot */
	const char *disk_uuid; /* of a file system on the local disk; where none has it, or "": the
				  first disk */
};

/* server: "10.0.0.1:8080". The caller frees. Values are checked and quoted for the language;
 * -EINVAL: one cannot be expressed. -ENOTSUP: a program that GRUB cannot start. */
int boot_text(enum boot_language language, const char *server, enum firmware firmware,
	      const struct boot_files *files, char **ret_text, struct err *err);
/* text, which says line on the machine's screen first: words of letters, digits and : , . The
 * caller frees. */
char *boot_text_say(enum boot_language language, const char *text, const char *line);
