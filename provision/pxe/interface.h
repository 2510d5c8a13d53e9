/* The network interface that the lab is served on. */
#pragma once
#include <stdbool.h>
#include <netinet/in.h>

#include "base/err.h"

/* Its first IPv4 address, or wanted (dotted, "" for none) if it has that one. -ENODEV: there is no
 * such interface; -EADDRNOTAVAIL: it is down, or has no such address; the message says what to do.
 */
int interface_address(const char *name, const char *wanted, char ret_address[INET_ADDRSTRLEN],
		      struct err *err);

/* From now on the socket hears what comes in by that interface alone: without it, Linux takes
 * packets for one of its addresses from all. An interface that is not there is left out. */
int interface_bind(int socket, const char *name, struct err *err);

/* Whether the TCP port could be listened on, at that address: -EADDRINUSE, -EADDRNOTAVAIL, ... with
 * name, the port's in the lab file. */
int interface_port_check(const char *address, unsigned port, const char *name, struct err *err);

/* Is another address (dotted) in the same network as the interface's own? */
bool interface_reaches(const char *name, const char *own, const char *other);
