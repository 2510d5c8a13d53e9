#include "pxe/interface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fs.h"

static void addresses_cleanup(struct ifaddrs **list)
{
	if (*list)
		freeifaddrs(*list);
}

static bool address_fits(const struct ifaddrs *entry, const char *name, const char *wanted,
			 char ret_address[INET_ADDRSTRLEN])
{
	if (!str_equal(entry->ifa_name, name) || !entry->ifa_addr ||
	    entry->ifa_addr->sa_family != AF_INET)
		return false;
	const struct sockaddr_in *address = (const struct sockaddr_in *)(void *)entry->ifa_addr;

	inet_ntop(AF_INET, &address->sin_addr, ret_address, INET_ADDRSTRLEN);
	return !*wanted || str_equal(wanted, ret_address);
}

int interface_address(const char *name, const char *wanted, char ret_address[INET_ADDRSTRLEN],
		      struct err *err)
{
	CLEANUP(addresses_cleanup) struct ifaddrs *list = NULL;
	char found[INET_ADDRSTRLEN];

	if (if_nametoindex(name) == 0)
		return err_set(err, -ENODEV,
			       "network.interface: this machine has no \"%s\" (ip link lists what "
			       "there is)",
			       name);
	if (getifaddrs(&list) < 0)
		return err_errno(err, errno, "the addresses of %s cannot be read", name);
	for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
		if (!address_fits(entry, name, wanted, found))
			continue;
		if (!(entry->ifa_flags & IFF_UP))
			return err_set(err, -EADDRNOTAVAIL,
				       "network.interface: %s is down (ip link set %s up)", name,
				       name);
		memcpy(ret_address, found, sizeof found);
		return 0;
	}
	return err_set(err, -EADDRNOTAVAIL,
		       "network.interface: %s has %s%s (ip address add ADDRESS/BITS dev %s)", name,
		       *wanted ? "no address " : "no IPv4 address", wanted, name);
}

int interface_bind(int socket, const char *name, struct err *err)
{
	if (if_nametoindex(name) == 0 ||
	    setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name) + 1) == 0)
		return 0;
	return err_errno(err, errno, "a socket cannot be bound to the interface %s", name);
}

int interface_port_check(const char *address, unsigned port, const char *name, struct err *err)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	CLEANUP(fd_cleanup) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int yes = 1;

	inet_pton(AF_INET, address, &at.sin_addr);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
	    bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 1) == 0)
		return 0;
	return err_errno(err, errno, "ports.%s: %s:%u cannot be listened on", name, address, port);
}

static struct in_addr ip_of(const struct sockaddr *address)
{
	return ((const struct sockaddr_in *)(const void *)address)->sin_addr;
}

bool interface_reaches(const char *name, const char *own, const char *other)
{
	CLEANUP(addresses_cleanup) struct ifaddrs *list = NULL;
	char found[INET_ADDRSTRLEN];
	struct in_addr there;

	if (getifaddrs(&list) < 0 || inet_pton(AF_INET, other, &there) != 1)
		return false;
	for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next)
		if (address_fits(entry, name, own, found) && entry->ifa_netmask &&
		    ((ip_of(entry->ifa_addr).s_addr ^ there.s_addr) &
		     ip_of(entry->ifa_netmask).s_addr) == 0)
			return true;
	return false;
}
