#include "pxe/dhcp_paths.h"

#include <stdlib.h>

#include "base/fs.h"

void dhcp_paths_of(const char *folder, struct dhcp_paths *ret_paths)
{
	CLEANUP(free_cleanup) char *here = realpath(folder, NULL);

	*ret_paths = (struct dhcp_paths){ .folder = str_copy(here ? here : folder) };
	ret_paths->tftp = path_join(ret_paths->folder, "tftp");
	ret_paths->config = path_join(ret_paths->folder, "dnsmasq.conf");
	ret_paths->leases = path_join(ret_paths->folder, "dnsmasq.leases");
	ret_paths->log = path_join(ret_paths->folder, "dnsmasq.log");
	ret_paths->root = path_join(ret_paths->folder, "dnsmasq.root");
}

void dhcp_paths_done(struct dhcp_paths *paths)
{
	free(paths->folder);
	free(paths->tftp);
	free(paths->config);
	free(paths->leases);
	free(paths->log);
	free(paths->root);
	*paths = (struct dhcp_paths){ 0 };
}
