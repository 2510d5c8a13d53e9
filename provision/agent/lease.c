#include "lease.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "netconf.h"

#define RESOLV_CONF "/etc/resolv.conf"

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

/* The first of a list of addresses; 0 where there is none. */
static uint32_t first_address(const char *list)
{
	char text[INET_ADDRSTRLEN];
	uint32_t address;
	size_t length = strcspn(list, " ");

	if (length >= sizeof text)
		return 0;
	memcpy(text, list, length);
	text[length] = '\0';
	return inet_pton(AF_INET, text, &address) == 1 ? address : 0;
}

static void servers_write(const char *servers)
{
	FILE *file = *servers ? fopen(RESOLV_CONF, "we") : NULL;
	size_t length;

	if (!file)
		return;
	for (; *servers; servers += length + (servers[length] == ' ')) {
		length = strcspn(servers, " ");
		fprintf(file, "nameserver %.*s\n", (int)length, servers);
	}
	fclose(file);
}

int lease_apply(const char *event)
{
	struct conf conf = { .address = first_address(variable("ip")),
			     .gateway = first_address(variable("router")) };
	unsigned long prefix_length = strtoul(variable("mask"), NULL, 10);
	const char *what;
	int r;

	if (strcmp(event, "bound") != 0 && strcmp(event, "renew") != 0)
		return 0;
	text_copy(conf.interface, sizeof conf.interface, variable("interface"));
	conf.prefix_length =
		prefix_length >= 1 && prefix_length <= 32 ? (unsigned)prefix_length : 24;
	servers_write(variable("dns"));
	r = netconf_address_set(&conf, &what);
	if (r < 0)
		fprintf(stderr, "%s: %s: %s\n", conf.interface, what, strerror(-r));
	return r < 0;
}
