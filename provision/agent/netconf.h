/* The network set-up of a small guest whose process 1 we are: loopback, the interface, and an
 * address by DHCP (busybox udhcpc) or from agent.conf. */
#pragma once
#include "conf.h"
#include "loop.h"
#include "outward.h"
#include "proc.h"

struct netconf {
	struct loop *loop;
	const struct conf *conf;
	struct outward *outward;
	struct timer look;
	double began;
	struct proc dhcp;
	bool told; /* that DHCP fails: once is enough */
};

/* Address, prefix and gateway of conf onto its interface. 0, or a negative errno and in ret_what
 * the part that failed. */
int netconf_address_set(const struct conf *conf, const char **ret_what);

/* Begins; the rest happens in the loop. */
void netconf_start(struct netconf *netconf, struct loop *loop, const struct conf *conf,
		   struct outward *outward);
