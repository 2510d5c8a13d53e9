/* <networking>: interfaces, routes and name servers, for the host tree's systemd-networkd. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linuxrc.h"

#define FOLDER TARGET "/etc/systemd/network"

static int netmask_bits(const char *netmask)
{
	struct in_addr address;
	int bits = 0;

	if (inet_pton(AF_INET, netmask, &address) != 1)
		fail("<netmask>%s</netmask>: is none", netmask);
	for (uint32_t mask = ntohl(address.s_addr); mask & 0x80000000; mask <<= 1)
		bits++;
	return bits;
}

static char *static_lines(const struct node *profile, const struct node *interface)
{
	const char *address = value_at(interface, "ipaddr");
	const char *prefix = value_at(interface, "prefixlen");
	const char *netmask = value_at(interface, "netmask");
	const struct node *routes = node_at(profile, "networking/routing/routes");
	const struct node *servers = node_at(profile, "networking/dns/nameservers");
	int bits = *prefix ? atoi(prefix) : netmask_bits(netmask);
	char *lines = text("Address=%s/%d\n", address, bits);

	say("%s: %s/%d", value_at(interface, "device"), address, bits);
	for (const struct node *node = servers ? servers->first : NULL; node; node = node->next)
		lines = text("%sDNS=%s\n", lines, node->content);
	for (const struct node *route = routes ? routes->first : NULL; route; route = route->next) {
		const char *to = value_at(route, "destination");
		const char *mask = value_at(route, "netmask");
		const char *by = value_at(route, "gateway");

		say("route to %s by %s", to, by);
		if (strcmp(to, "default") == 0)
			lines = text("%sGateway=%s\n", lines, by);
		else
			lines = text("%s\n[Route]\nDestination=%s%s\nGateway=%s\n", lines, to,
				     strchr(to, '/') || !*mask || strcmp(mask, "-") == 0
					     ? ""
					     : text("/%d", netmask_bits(mask)),
				     by);
	}
	return lines;
}

static void interface_set(const struct node *profile, const struct node *interface, int number)
{
	const char *device = value_at(interface, "device");
	const char *mode = value_at(interface, "bootproto");
	const char *bridge = value_at(interface, "bridge");
	char *lines = text("%s", "");

	if (strcmp(mode, "static") == 0 || (!*mode && *value_at(interface, "ipaddr")))
		lines = static_lines(profile, interface);
	else if (strncmp(mode, "dhcp", 4) == 0)
		lines = text("DHCP=ipv4\n\n[DHCPv4]\nClientIdentifier=mac\nUseHostname=no\n");
	else if (*mode && strcmp(mode, "none") != 0)
		fail("%s: <bootproto>%s</bootproto>: is not known", device, mode);
	if (strcmp(bridge, "yes") == 0) {
		const char *ports = value_at(interface, "bridge_ports");
		const char *stp = value_at(interface, "bridge_stp");

		say("bridge %s over %s", device, ports);
		put_file(text("%s/10-%s.netdev", FOLDER, device), 0644,
			 text("[NetDev]\nName=%s\nKind=bridge\nMACAddress=none\n\n[Bridge]\n"
			      "STP=%s\nForwardDelaySec=0\n",
			      device, strcmp(stp, "on") == 0 ? "yes" : "no"));
		put_file(text("%s/20-%s-ports.network", FOLDER, device), 0644,
			 text("[Match]\nName=%s\n\n[Network]\nBridge=%s\n"
			      "LinkLocalAddressing=no\nIPv6AcceptRA=no\n",
			      ports, device));
	}
	/* A port has no address of its own: the file of its bridge, found first, decides. */
	put_file(text("%s/3%d-%s.network", FOLDER, number, device), 0644,
		 text("[Match]\nName=%s\n\n[Network]\nLinkLocalAddressing=no\n"
		      "IPv6AcceptRA=no\n%s",
		      device, lines));
}

void network_set(const struct node *profile)
{
	const struct node *interfaces = node_at(profile, "networking/interfaces");
	int number = 0;

	if (!interfaces || !interfaces->first)
		fail("<networking><interfaces>: is missing or empty");
	for (const struct node *node = interfaces->first; node; node = node->next)
		interface_set(profile, node, number++);
	/* The names of the kernel, as SLES 11 has them. */
	RUN("ln", "-sfn", "/dev/null", FOLDER "/99-default.link");
	RUN("ln", "-sfn", "/run/systemd/resolve/stub-resolv.conf", TARGET "/etc/resolv.conf");
	RUN("chroot", TARGET, "systemctl", "--quiet", "enable", "systemd-networkd.service",
	    "systemd-resolved.service");
}
