#include "cmd/pxe.h"

#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "pxe/install.h"
#include "pxe/netboot.h"

static const struct option_row options[] = {
	{ "command-line", 0, "FILE",
	  "install: the kernel's command line (default: /proc/cmdline)" },
	{ "ca", 0, "FILE", "certificate of the lab (install: default /etc/nestctl/ca.pem)" },
	{ "sys", 0, "DIR", "install: where the kernel tells of its disks (default: /sys)" },
	{ "dev", 0, "DIR", "install: where these disks are (default: /dev)" },
	{ NULL, 0, NULL, NULL },
};

static const char *or_else(const char *value, const char *otherwise)
{
	return value ? value : otherwise;
}

static int run_install(const struct arguments *arguments, struct err *err)
{
	const struct install_request request = {
		.command_line = or_else(argument(arguments, "command-line"), "/proc/cmdline"),
		.ca_path = or_else(argument(arguments, "ca"), "/etc/nestctl/ca.pem"),
		.sys = or_else(argument(arguments, "sys"), "/sys"),
		.dev = or_else(argument(arguments, "dev"), "/dev"),
	};

	if (arguments->rest_count > 1)
		return err_set(err, -EINVAL, "pxe install: takes no operands");
	return netboot_install(&request, err);
}

#define CA_MAX_BYTES (64u << 10)

static int run_netboot(const struct arguments *arguments, struct err *err)
{
	CLEANUP(free_cleanup) char *ca = NULL;

	if (arguments->rest_count != 3 || !argument(arguments, "ca"))
		return err_set(err, -EINVAL,
			       "pxe netboot: name a base tree, a folder for kernel and initrd, and "
			       "the certificate with --ca");
	int r = file_read(argument(arguments, "ca"), CA_MAX_BYTES, &ca, NULL, err);
	return r < 0 ? r : netboot_make(arguments->rest[1], ca, arguments->rest[2], err);
}

static const struct operation {
	const char *name;
	int (*run)(const struct arguments *arguments, struct err *err);
} operations[] = {
	{ "install", run_install },
	{ "netboot", run_netboot },
};

static int pxe_run(const struct arguments *arguments, struct err *err)
{
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		if (strcmp(operations[i].name, arguments->rest[0]) == 0)
			return operations[i].run(arguments, err);
	return err_set(err, -EINVAL, "pxe: \"%s\" is none of install, netboot", arguments->rest[0]);
}

const struct command pxe_command = {
	.name = "pxe",
	.synopsis = "install|netboot [TREE DIR] [OPTIONS]",
	.summary = "The system that machines boot from the network, and the installer in it",
	.options = options,
	.min_rest = 1,
	.max_rest = -1,
	.run = pxe_run,
};
