/* Addresses and routes of a layer, taken apart. Pure; what is returned is the caller's. */
#pragma once
#include "profile/stack.h"

struct route {
	char *network, *netmask, *gateway; /* dotted */
	char *cidr;			   /* "10.1.0.0/16" */
};

/* "10.0.2.10", 24 and "255.255.255.0" of a static address "10.0.2.10/24". */
char *address_ip(const struct network_spec *network);
unsigned address_bits(const struct network_spec *network);
char *address_netmask(const struct network_spec *network);

/* Of "10.1.0.0/16 via 10.0.2.3", which was checked. */
struct route route_parse(const char *text);
void route_done(struct route *route);

/* The network interface that holds the layer's address: its bridge, or eth0. */
const char *address_interface(const struct layer *layer);
