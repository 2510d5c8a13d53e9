/* How far a boot got, read off the console: firmware, boot loader, Xen, kernel, user space.
 * For people who watch and for verdicts; never a proof. */
#pragma once

enum stage {
	STAGE_SILENT,
	STAGE_FIRMWARE,
	STAGE_BOOT_LOADER,
	STAGE_XEN,
	STAGE_KERNEL,
	STAGE_USER_SPACE,
};

/* The furthest stage that the text shows. */
enum stage stage_seen(const char *console);
/* "in the boot loader", "in Xen's start", ...; never NULL. */
const char *stage_name(enum stage stage);
