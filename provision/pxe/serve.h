/* `nestctl pxe serve`: everything a lab needs on one interface, until every machine is proven. One
 * poll loop beside the web server's threads. What it knows is in the ledger: a server that was
 * killed and is started again goes on.
 */
#pragma once
#include "pxe/lab.h"
#include "store/store.h"

struct serve_request {
	const struct lab *lab;
	struct store *store;
	const char *out;   /* the lab's folder; the machines' are below it */
	const char *accel; /* as in build_options */
	bool offline;
	bool keep; /* goes on after the last machine was proven, until a signal */
};

/* 0: every machine is proven; -EINTR: a signal came before. -EADDRINUSE, -EPERM, -ENODEV: what it
 * cannot listen on, and what to do. -EEXIST: another DHCP server is there. Nothing of ours listens
 * or runs afterwards. */
int pxe_serve(const struct serve_request *request, struct err *err);
