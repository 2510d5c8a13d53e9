/* Where dnsmasq's files are in the lab's folder.
 */
#pragma once

struct dhcp_paths {
	char *folder, *tftp, *config, *leases, *log;
	char *root; /* stays empty: what dnsmasq sees is mounted there, for itself alone */
};

/* Absolute, where the folder is there already. dhcp_paths_done. */
void dhcp_paths_of(const char *folder, struct dhcp_paths *ret_paths);
void dhcp_paths_done(struct dhcp_paths *paths);
