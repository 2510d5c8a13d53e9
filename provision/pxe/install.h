/* The installer of the netboot system: one run makes this machine what its ticket says. */
#pragma once
#include "base/err.h"

struct install_request {
	const char *command_line; /* path of the kernel's, which holds the token */
	const char *ca_path;	  /* of the lab, PEM */
	const char *sys, *dev;	  /* "/sys" and "/dev", or what a test has in their place */
	unsigned settle_seconds;  /* in which no disk may come or go */
};

/* Fetches its ticket, writes the image to the disk, fits it to this machine, and reports. When it
 * has returned the machine may reboot, whatever the outcome. */
int netboot_install(const struct install_request *request, struct err *err);
