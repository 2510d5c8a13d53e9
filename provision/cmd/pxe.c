#include "cmd/pxe.h"

#include <errno.h>
#include <string.h>

#include "pxe/install.h"

static const struct option_row options[] = {
	{ "command-line", 0, "FILE",
	  "install: the kernel's command line (default: /proc/cmdline)" },
	{ "ca", 0, "FILE", "install: the lab's certificate (default: /etc/nestctl/ca.pem)" },
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

static const struct operation {
	const char *name;
	int (*run)(const struct arguments *arguments, struct err *err);
} operations[] = {
	{ "install", run_install },
};

static int pxe_run(const struct arguments *arguments, struct err *err)
{
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		if (strcmp(operations[i].name, arguments->rest[0]) == 0)
			return operations[i].run(arguments, err);
	return err_set(err, -EINVAL, "pxe: \"%s\" is not install", arguments->rest[0]);
}

const struct command pxe_command = {
	.name = "pxe",
	.synopsis = "install [OPTIONS]",
	.summary = "Installs this machine from a lab's server: for the netboot system alone",
	.options = options,
	.min_rest = 1,
	.max_rest = -1,
	.run = pxe_run,
};
