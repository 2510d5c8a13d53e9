#include "profile/address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "profile/valid.h"

static char *ip_text(uint32_t address)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr in = { htonl(address) };

	return str_copy(inet_ntop(AF_INET, &in, text, sizeof text));
}

static char *netmask_text(unsigned bits)
{
	return ip_text(UINT32_MAX << (32 - bits));
}

unsigned address_bits(const struct network_spec *network)
{
	uint32_t address = 0;
	unsigned bits = 1;

	cidr_parse(network->address, &address, &bits);
	return bits;
}

char *address_ip(const struct network_spec *network)
{
	return str_format("%.*s", (int)strcspn(network->address, "/"), network->address);
}

char *address_netmask(const struct network_spec *network)
{
	return netmask_text(address_bits(network));
}

struct route route_parse(const char *text)
{
	int length = (int)strcspn(text, " ");
	struct route route = { .cidr = str_format("%.*s", length, text),
			       .gateway = str_copy(text + length + strlen(" via ")) };
	uint32_t address = 0;
	unsigned bits = 1;

	cidr_parse(route.cidr, &address, &bits);
	route.network = ip_text(address);
	route.netmask = netmask_text(bits);
	return route;
}

void route_done(struct route *route)
{
	free(route->network);
	free(route->netmask);
	free(route->gateway);
	free(route->cidr);
}

const char *address_interface(const struct layer *layer)
{
	return layer->role == ROLE_HOST ? layer->network.bridge : "eth0";
}
