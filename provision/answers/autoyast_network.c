/* AutoYaST: addresses, bridge, routes, name servers. */
#include "answers/autoyast.h"
#include "answers/values.h"

static void interface_address(struct xml *xml, const struct network_spec *network)
{
	CLEANUP(free_cleanup) char *ip = address_ip(network);
	CLEANUP(free_cleanup) char *bits = str_format("%u", address_bits(network));

	if (network->mode == ADDRESS_DHCP) {
		xml_text(xml, "bootproto", NULL, "dhcp");
		return;
	}
	xml_text(xml, "bootproto", NULL, "static");
	xml_text(xml, "ipaddr", NULL, ip);
	xml_text(xml, "prefixlen", NULL, bits);
}

static void interfaces(struct xml *xml, const struct layer *layer)
{
	xml_open(xml, "interfaces", LIST);
	if (layer->role == ROLE_HOST) {
		xml_open(xml, "interface", NULL);
		interface_address(xml, &layer->network);
		xml_text(xml, "bridge", NULL, "yes");
		xml_text(xml, "bridge_forwarddelay", NULL, "0");
		xml_text(xml, "bridge_ports", NULL, "eth0");
		xml_text(xml, "bridge_stp", NULL, "off");
		xml_text(xml, "device", NULL, layer->network.bridge);
		xml_text(xml, "startmode", NULL, "auto");
		xml_close(xml);
	}
	xml_open(xml, "interface", NULL);
	if (layer->role == ROLE_HOST)
		xml_text(xml, "bootproto", NULL, "none");
	else
		interface_address(xml, &layer->network);
	xml_text(xml, "device", NULL, "eth0");
	xml_text(xml, "startmode", NULL, "auto");
	xml_close(xml);
	xml_close(xml);
}

static void one_route(struct xml *xml, const char *destination, const char *gateway,
		      const char *netmask)
{
	xml_open(xml, "route", NULL);
	xml_text(xml, "destination", NULL, destination);
	xml_text(xml, "device", NULL, "-");
	xml_text(xml, "gateway", NULL, gateway);
	xml_text(xml, "netmask", NULL, netmask);
	xml_close(xml);
}

static void routing(struct xml *xml, const struct network_spec *network)
{
	if (!*network->gateway && network->routes.count == 0)
		return;
	xml_open(xml, "routing", NULL);
	xml_open(xml, "routes", LIST);
	if (*network->gateway)
		one_route(xml, "default", network->gateway, "-");
	for (size_t i = 0; i < network->routes.count; i++) {
		CLEANUP(route_done) struct route route = route_parse(network->routes.items[i]);

		one_route(xml, route.network, route.gateway, route.netmask);
	}
	xml_close(xml);
	xml_close(xml);
}

void yast_networking(struct xml *xml, const struct layer *layer)
{
	const struct network_spec *network = &layer->network;

	xml_open(xml, "networking", NULL);
	xml_open(xml, "dns", NULL);
	yast_flag(xml, "dhcp_hostname", false);
	if (*layer->domain)
		xml_text(xml, "domain", NULL, layer->domain);
	xml_text(xml, "hostname", NULL, layer->host_name);
	if (network->dns.count > 0)
		yast_words(xml, "nameservers", "nameserver",
			   (const char *const *)network->dns.items);
	if (*layer->domain)
		yast_words(xml, "searchlist", "search", WORDS(layer->domain));
	xml_close(xml);
	interfaces(xml, layer);
	yast_flag(xml, "keep_install_network", false);
	/* The one card is eth0 whatever the kernel calls it. */
	xml_open(xml, "net-udev", LIST);
	xml_open(xml, "rule", NULL);
	xml_text(xml, "name", NULL, "eth0");
	xml_text(xml, "rule", NULL, "ATTR{address}");
	xml_text(xml, "value", NULL, layer->machine.mac);
	xml_close(xml);
	xml_close(xml);
	routing(xml, network);
	xml_close(xml);
	xml_open(xml, "firewall", NULL);
	yast_flag(xml, "enable_firewall", false);
	yast_flag(xml, "start_firewall", false);
	xml_close(xml);
}
