#include "run/xen_host.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/fs.h"
#include "base/spawn.h"
#include "profile/valid.h"

#define CAPABILITIES "/proc/xen/capabilities"
#define INTERFACES   "/sys/class/net"
#define INFO_SECONDS 30 /* a dom0 that is emulated itself takes some */

void xen_host_done(struct xen_host *host)
{
	free(host->version);
	*host = (struct xen_host){ 0 };
}

/* ---- what the toolstack says ---- */

/* The value behind "KEY : " in the output of info; "" if there is no such line. The caller frees.
 */
static char *info_value(const char *info, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = info; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		size_t blank = strspn(line + (str_starts(line, key) ? length : 0), " \t");
		const char *colon = line + length + blank;

		if (str_starts(line, key) && *colon == ':') {
			const char *value = colon + 1 + strspn(colon + 1, " \t");

			return str_format("%.*s", (int)strcspn(value, "\n"), value);
		}
	}
	return str_copy("");
}

static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		if ((at == text || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

static void info_read(const char *info, struct xen_host *ret_host)
{
	CLEANUP(free_cleanup) char *major = info_value(info, "xen_major");
	CLEANUP(free_cleanup) char *minor = info_value(info, "xen_minor");
	CLEANUP(free_cleanup) char *extra = info_value(info, "xen_extra");
	CLEANUP(free_cleanup) char *free_memory = info_value(info, "free_memory");
	CLEANUP(free_cleanup) char *capabilities = info_value(info, "virt_caps");
	CLEANUP(free_cleanup) char *guests = info_value(info, "xen_caps");
	CLEANUP(free_cleanup) char *arguments = info_value(info, "xen_commandline");

	*ret_host = (struct xen_host){
		.version = str_format("%s.%s%s", major, minor, extra),
		/* "hvm-3.0-x86_64": all that xend's Xen before 4.0 says of it. */
		.hvm = has_word(capabilities, "hvm") || strstr(guests, "hvm-"),
		.free_mib = strtoull(free_memory, NULL, 10),
		.dom0_is_fixed = strstr(arguments, "dom0_mem=") != NULL,
	};
}

/* ---- is this a Xen host? ---- */

static bool is_dom0(void)
{
	CLEANUP(free_cleanup) char *path = xen_host_path(CAPABILITIES);
	CLEANUP(free_cleanup) char *text = NULL;

	return file_read(path, 4096, &text, NULL, NULL) == 0 && strstr(text, "control_d");
}

static int program_check(const char *program, const char *package, struct err *err)
{
	CLEANUP(free_cleanup) char *found = program_find(program);

	return found ? 0
		     : err_set(err, -ENOENT, "--l0 xen: %s is not installed (apt-get install %s)",
			       program, package);
}

int xen_host_look(const struct toolstack *toolstack, struct xen_host *ret_host, struct err *err)
{
	const char *argv[] = { toolstack->program, "info", NULL };
	struct spawn_options options = { .argv = argv,
					 .purpose = "asking Xen what it is",
					 .timeout_seconds = INFO_SECONDS };
	CLEANUP(free_cleanup) char *info = NULL;

	if (!is_dom0())
		return err_set(err, -ENODEV,
			       "--l0 xen: this is no dom0 of a Xen host: " CAPABILITIES
			       " does not say control_d (boot the Xen entry of its menu, or leave "
			       "--l0 out: then QEMU runs the stack)");
	int r = program_check(toolstack->program, toolstack->package, err);
	if (r == 0)
		r = program_check("xenstore-read", "xenstore-utils", err);
	if (r < 0)
		return r;
	r = spawn_run(&options, &info, err);
	if (r < 0)
		return err_wrap(err, r, "--l0 xen: %s does not answer (is this root, and %s up?)",
				toolstack->program, toolstack->daemon);
	info_read(info, ret_host);
	return 0;
}

/* ---- the bridge ---- */

static bool is_bridge(const char *interface)
{
	CLEANUP(free_cleanup) char *path = str_format(INTERFACES "/%s/bridge", interface);
	CLEANUP(free_cleanup) char *where = xen_host_path(path);

	return path_exists(where);
}

static bool address_of(const char *interface, char ret_address[INET_ADDRSTRLEN])
{
	CLEANUP(fd_cleanup) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };
	struct sockaddr_in address;

	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface);
	if (fd < 0 || ioctl(fd, SIOCGIFADDR, &request) < 0)
		return false;
	memcpy(&address, &request.ifr_addr, sizeof address);
	return inet_ntop(AF_INET, &address.sin_addr, ret_address, INET_ADDRSTRLEN) != NULL;
}

static void bridges_find(struct strv *ret_bridges)
{
	CLEANUP(free_cleanup) char *folder = xen_host_path(INTERFACES);
	DIR *interfaces = opendir(folder);
	struct dirent *entry;

	while (interfaces && (entry = readdir(interfaces)))
		if (valid_interface(entry->d_name) && is_bridge(entry->d_name))
			strv_add(ret_bridges, entry->d_name);
	if (interfaces)
		closedir(interfaces);
	strv_sort(ret_bridges);
}

static bool network_take(const char *bridge, struct l0_network *ret_network)
{
	*ret_network = (struct l0_network){ 0 };
	if (!address_of(bridge, ret_network->listen))
		return false;
	memcpy(ret_network->guests, ret_network->listen, sizeof ret_network->guests);
	snprintf(ret_network->bridge, sizeof ret_network->bridge, "%s", bridge);
	return true;
}

static int network_of(const char *wanted, struct l0_network *ret_network, struct err *err)
{
	if (!valid_interface(wanted) || !is_bridge(wanted))
		return err_set(err, -ENODEV,
			       "--bridge: \"%s\" is no bridge of this machine (ip link show type "
			       "bridge)",
			       wanted);
	if (!network_take(wanted, ret_network))
		return err_set(err, -ENODEV,
			       "--bridge: %s has no IPv4 address: the layers could not reach this "
			       "machine to prove their network (give it one)",
			       wanted);
	return 0;
}

int xen_host_network(const char *wanted, struct l0_network *ret_network, struct err *err)
{
	static const char *const usual[] = { "xenbr0", "br0" };
	CLEANUP(strv_done) struct strv bridges = { 0 };

	if (wanted)
		return network_of(wanted, ret_network, err);
	bridges_find(&bridges);
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (strv_has(&bridges, usual[i]) && network_take(usual[i], ret_network))
			return 0;
	for (size_t i = 0; i < bridges.count; i++)
		if (network_take(bridges.items[i], ret_network))
			return 0;
	return err_set(
		err, -ENODEV,
		"--l0 xen: this machine has no bridge with an IPv4 address for L1 to hang on "
		"(make one over its network card, or name one: --bridge)");
}
