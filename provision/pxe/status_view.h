/* `nestctl pxe status`: what the page shows, in a terminal. Asks a server that runs, over HTTP.
 */
#pragma once
#include <jansson.h>
#include <stdio.h>

#include "pxe/lab.h"

struct pxe_status_options {
	const struct lab *lab; /* where its status port is; NULL: url says it */
	const char *url;       /* "http://127.0.0.1:8088"; NULL: the lab's */
	bool json;	       /* as the API gives it */
	bool watch;	       /* until every machine is proven, or a signal comes */
};

/* Prints to stdout. 0: every machine is proven, 1: not so (yet), or a negative errno: -ETIMEDOUT,
 * -EIO: nobody answers; -EBADMSG: no lab's server; -EINVAL: no server's URL. */
int pxe_status(const struct pxe_status_options *options, struct err *err);

/* The table of what /api/lab gave, columns wide at most (0: no limit). */
void pxe_status_print(const json_t *lab, size_t columns, FILE *out);
bool pxe_status_proven(const json_t *lab);
