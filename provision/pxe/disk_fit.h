/* What is on the disk learns which disk it is on, and whom it belongs to. */
#pragma once
#include "pxe/machine_disk.h"
#include "pxe/report.h"

struct disk_fit {
	const char *path;	    /* to the disk here */
	const char *name;	    /* by which the installed system will know it: "/dev/sda" */
	const struct strv *drivers; /* modules that it needs */
	const struct ticket *ticket;
	bool uefi; /* the machine's firmware is */
};

/* Boot menu, fstab, device.map, agent.conf, host name. What is odd but does no harm is said. */
int disk_fit(const struct disk_fit *fit, struct report *report, struct err *err);
