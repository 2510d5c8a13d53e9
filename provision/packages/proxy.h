/* The proxies of apt's own configuration, for transfers that are not apt's. */
#pragma once
#include "packages/sources.h"

/* Gives each source the proxy that apt would take, from what "apt-config dump" says: lines of
 * "Acquire::http::Proxy::HOST URL", the host being optional, as apt.conf(5) and
 * apt-transport-http(1) have it. A source that none is meant for keeps NULL. */
void proxies_apply(const char *dump, struct package_sources *sources);
/* The same, from this machine's configuration. */
int proxies_find(struct package_sources *sources, struct err *err);
