/* A layer's values as several formats need them. Pure; what is returned is the caller's. */
#pragma once
#include "profile/stack.h"

struct route {
	char *network, *netmask, *gateway; /* dotted */
	char *cidr;			   /* "10.1.0.0/16" */
};

enum keyboard_system { KEYBOARD_SUSE, KEYBOARD_ESXI, KEYBOARD_CONSOLE, KEYBOARD_PROXMOX };

/* "10.0.2.10" and 24 of "10.0.2.10/24". */
char *address_ip(const struct network_spec *network);
unsigned address_bits(const struct network_spec *network);
char *address_netmask(const struct network_spec *network);

/* "10.1.0.0/16 via 10.0.2.3", taken apart. */
struct route route_parse(const char *text);
void route_done(struct route *route);

/* "host.domain", or the host's name alone. */
char *full_host_name(const struct layer *layer);
/* A locale that every distribution has: en_US.UTF-8 stands for C and POSIX. */
const char *installed_locale(const struct layer *layer);
/* What a system calls the keyboard layout of that name, NULL if it is not known here. */
const char *keyboard_name(const char *keymap, enum keyboard_system system);
/* The network interface that holds the layer's address: its bridge, or eth0. */
const char *address_interface(const struct layer *layer);
/* Packages of its own names, its groups' and its profile's; the caller strv_done()s. */
struct strv layer_packages(const struct layer *layer, const char *const *base);
