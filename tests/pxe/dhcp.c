/* dhcp.h on its own, for tests that need no lab file:
 *   dhcp serve FOLDER INTERFACE ADDRESS proxy|full|none BOOT-PORT [FIRST LAST]
 *     prints "serving PID", and lives until it is ended or dnsmasq is
 *   dhcp probe INTERFACE MILLISECONDS
 *     prints a line a server */
#include "pxe/dhcp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/str.h"

static int serve(char **argv, struct err *err)
{
	static const char *const modes[] = {
		[LAB_DHCP_PROXY] = "proxy",
		[LAB_DHCP_FULL] = "full",
		[LAB_DHCP_NONE] = "none",
	};
	struct lab lab = {
		.interface = argv[1],
		.lease_seconds = 600,
		.gateway = (char[]){ "" },
		.ports = { .boot = (unsigned)atoi(argv[4]) },
	};
	const struct dhcp_request request = { .lab = &lab, .address = argv[2], .folder = argv[0] };
	pid_t pid = 0;
	int status = 0;

	while (strcmp(modes[lab.dhcp], argv[3]) != 0)
		lab.dhcp++;
	if (lab.dhcp == LAB_DHCP_FULL) {
		lab.range_first = argv[5];
		lab.range_last = argv[6];
	}
	int r = dhcp_files(&request, err);
	if (r == 0)
		r = dhcp_start(&request, &pid, err);
	if (r < 0)
		return r;
	printf("serving %d\n", (int)pid);
	fflush(stdout);
	waitpid(pid, &status, 0);
	return err_set(err, -ECHILD, "dnsmasq ended: status %d", status);
}

static int probe(char **argv, struct err *err)
{
	CLEANUP(strv_done) struct strv servers = { 0 };
	int r = dhcp_probe(argv[0], (unsigned)atoi(argv[1]), &servers, err);

	for (size_t i = 0; i < servers.count; i++)
		puts(servers.items[i]);
	return r;
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	int r = -EINVAL;

	if (argc >= 7 && str_equal(argv[1], "serve"))
		r = serve(argv + 2, &err);
	else if (argc == 4 && str_equal(argv[1], "probe"))
		r = probe(argv + 2, &err);
	if (r < 0)
		fprintf(stderr, "dhcp: %s\n", err.text ? err.text : "wrong usage");
	err_clear(&err);
	return r < 0;
}
