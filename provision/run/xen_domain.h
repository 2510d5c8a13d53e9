/* One domain on this Xen host, and the process that guards it: it has the domain made, watches it,
 * and destroys it when it is told to or when whoever started it is gone, however that happened.
 * Touches no domain but the one that it made. */
#pragma once
#include <sys/types.h>

#include "run/xen_host.h"

struct xen_domain_request {
	const struct toolstack *toolstack;
	const char *name;
	const char *config; /* path of its guest config */
};

struct xen_domain;

/* -EEXIST: a domain has that name already. */
int xen_domain_check(const struct toolstack *toolstack, const char *name, struct err *err);

/* Waits until the domain runs. ret_pid is the guard, which ends when the domain has ended
 * (xen_domain_end). On failure nothing is left. -EINTR: a signal came meanwhile. */
int xen_domain_start(const struct xen_domain_request *request, struct xen_domain **ret_domain,
		     pid_t *ret_pid, struct err *err);
int xen_domain_id(const struct xen_domain *domain);

/* The guard destroys the domain, now; returns at once. */
void xen_domain_quit(struct xen_domain *domain);
void xen_domain_free(struct xen_domain *domain); /* NULL is allowed; quits */

/* From the guard's wait status. */
enum l0_end xen_domain_end(int wait_status);
/* The guard could not destroy it. */
bool xen_domain_is_left(int wait_status);
