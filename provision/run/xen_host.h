/* This machine as a Xen host: whether it is one, whether its toolstack answers, what it has to give
 * and which bridge guests hang on. Looks only: starts no domain, changes nothing. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "run/driver.h"
#include "run/toolstack.h"

struct xen_host {      /* xen_host_done frees */
	char *version; /* "4.17.7" */
	bool hvm;      /* the processor runs fully virtualized guests */
	uint64_t free_mib;
	bool dom0_is_fixed; /* dom0 does not give up memory for a guest */
};

/* -ENODEV: this is no dom0; -ENOENT: a program is missing; else the toolstack's own failure. */
int xen_host_look(const struct toolstack *toolstack, struct xen_host *ret_host, struct err *err);
void xen_host_done(struct xen_host *host);

/* The bridge with its address: the one that is wanted, else xenbr0, br0, or the first by name that
 * has an address. -ENODEV: there is none. */
int xen_host_network(const char *wanted, struct l0_network *ret_network, struct err *err);
