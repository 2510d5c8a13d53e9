#include "verify/stage.h"

#include <stddef.h>
#include <string.h>

/* The furthest first. Texts of SeaBIOS, GRUB, Xen, Linux, systemd and sysvinit. */
static const struct {
	const char *text;
	enum stage stage;
} marks[] = {
	{ "systemd[1]: ", STAGE_USER_SPACE },
	{ " login: ", STAGE_USER_SPACE },
	{ "INIT: version", STAGE_USER_SPACE },
	{ "Run /init as init process", STAGE_USER_SPACE },
	{ "Run /sbin/init as init process", STAGE_USER_SPACE },
	{ "Loading, please wait...", STAGE_USER_SPACE },
	{ "Linux version ", STAGE_KERNEL },
	/* A quiet dom0 kernel has these alone: its own decompression, printed through Xen. */
	{ "mapping kernel into physical memory", STAGE_KERNEL },
	{ "about to get started...", STAGE_KERNEL },
	{ "Xen version ", STAGE_XEN },
	{ "(XEN) ", STAGE_XEN },
	{ "Loading Xen", STAGE_XEN },
	{ "GRUB", STAGE_BOOT_LOADER },
	{ "Booting `", STAGE_BOOT_LOADER },
	{ "Booting from ", STAGE_FIRMWARE },
	{ "SeaBIOS", STAGE_FIRMWARE },
};

enum stage stage_seen(const char *console)
{
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (strstr(console, marks[i].text))
			return marks[i].stage;
	return STAGE_SILENT;
}

const char *stage_name(enum stage stage)
{
	switch (stage) {
	case STAGE_FIRMWARE:
		return "in the firmware";
	case STAGE_BOOT_LOADER:
		return "in the boot loader";
	case STAGE_XEN:
		return "in Xen's start";
	case STAGE_KERNEL:
		return "in the kernel's start";
	case STAGE_USER_SPACE:
		return "in user space";
	case STAGE_SILENT:
		break;
	}
	return "before the first word on the console";
}
