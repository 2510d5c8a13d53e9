/* DHCP, proxy DHCP and TFTP by a dnsmasq of our own: its configuration, its life. Never the
 * system's.
 */
#pragma once
#include <sys/types.h>

#include "pxe/lab.h"

struct dhcp_request {
	const struct lab *lab;
	const char *address; /* of this server on the lab's interface */
	const char *folder;  /* configuration, leases, log, and tftp/ below it */
};

/* folder/tftp with the boot programs: iPXE and GRUB for BIOS and UEFI. */
int dhcp_files(const struct dhcp_request *request, struct err *err);
/* The configuration as text, for `pxe render` too; the caller frees. */
int dhcp_config(const struct dhcp_request *request, char **ret_text, struct err *err);
/* Whether it could be started: -EPERM: not root; -EADDRINUSE: a port is taken, even if its owner
 * would share it; -EINVAL: the range or the gateway is in another network. */
int dhcp_check(const struct dhcp_request *request, struct err *err);
/* Starts it, after such a check; it dies with our thread. LAB_DHCP_NONE: TFTP alone. */
int dhcp_start(const struct dhcp_request *request, pid_t *ret_pid, struct err *err);
/* Now and then: strangers' questions must not fill the disk. */
void dhcp_log_limit(const struct dhcp_request *request);

/* Asks the network for other DHCP servers: their addresses, "" elements never; none within the
 * time: an empty list. Root or CAP_NET_RAW. */
int dhcp_probe(const char *interface, unsigned milliseconds, struct strv *ret_servers,
	       struct err *err);
