/* XCP-ng: the answer file of its installer, a child of XenServer's. Source: doc/answerfile.txt of
 * the host installer. It runs scripts from URLs only, so files and agent have no way in. */
#include <string.h>

#include "answers/formats.h"
#include "answers/values.h"
#include "answers/xml.h"

#define NONE_OF_SCRIPTS "none: its answer file can only name scripts on a server"

static const struct answers_release releases[] = {
	{ "8", "XCP-ng 8", "1 5 6", .major = "8", .xen = true },
};

static const struct answers_limit limits[] = {
	APPLIANCE_LIMITS,
	{ "boot.dom0_memory", NULL, "none: its installer reckons it by itself" },
	{ "locale", "en_US.UTF-8", "en_US.UTF-8: it has no other" },
	{ "network.bridge", "xenbr0", "xenbr0, the one that it makes" },
	{ "network.routes", NULL, NONE_OF_SCRIPTS },
	{ "services", NULL, NONE_OF_SCRIPTS },
	{ "ssh_keys", NULL, NONE_OF_SCRIPTS },
	{ "files", NULL, NONE_OF_SCRIPTS },
	{ 0 },
};

static const struct answers_release *release_at(size_t index)
{
	return index < sizeof releases / sizeof *releases ? &releases[index] : NULL;
}

static const char *keyboard(const char *keymap)
{
	return keyboard_name(keymap, KEYBOARD_CONSOLE);
}

static void check(const struct answers_check *check)
{
	const struct layer *layer = check->layer;

	if (layer->hypervisor != HYPERVISOR_XEN)
		answers_wrong(check, "hypervisor", "found \"%s\"; allowed with %s is xen",
			      hypervisor_name(layer->hypervisor), check->release->title);
	if (layer->network.mode == ADDRESS_STATIC && !*layer->network.gateway)
		answers_wrong(check, "network.gateway",
			      "found nothing; allowed with %s and a static address is the "
			      "address of a gateway",
			      check->release->title);
}

static void interface(struct xml *xml, const struct network_spec *network)
{
	CLEANUP(free_cleanup) char *ip = address_ip(network);
	CLEANUP(free_cleanup) char *netmask = NULL;

	if (network->mode == ADDRESS_DHCP) {
		xml_text(xml, "admin-interface", XML_ATTRIBUTES("name", "eth0", "proto", "dhcp"),
			 "");
		return;
	}
	netmask = address_netmask(network);
	xml_open(xml, "admin-interface", XML_ATTRIBUTES("name", "eth0", "proto", "static"));
	xml_text(xml, "ipaddr", NULL, ip);
	xml_text(xml, "subnet", NULL, netmask);
	xml_text(xml, "gateway", NULL, network->gateway);
	xml_close(xml);
}

static void sources(struct xml *xml, const struct layer *layer)
{
	CLEANUP(free_cleanup) char *mirrors = str_copy(layer->mirror);
	char *rest = NULL;

	if (*layer->install.medium || !*mirrors)
		xml_text(xml, "source", XML_ATTRIBUTES("type", "local"), "");
	for (char *mirror = strtok_r(mirrors, " ", &rest); mirror;
	     mirror = strtok_r(NULL, " ", &rest))
		xml_text(xml, "source", XML_ATTRIBUTES("type", "url"), mirror);
}

static int xcp_ng_emit(const struct answers_request *request, char **ret_text, struct err *err)
{
	const struct layer *layer = request->layer;
	const struct answers_release *release = NULL;
	CLEANUP(xml_done) struct xml xml = { 0 };
	CLEANUP(free_cleanup) char *name = full_host_name(layer);
	int r = answers_begin(&xcp_ng_format, layer, &release, err);

	if (r < 0)
		return r;
	xml_begin(&xml, "Written by nestctl.", NULL);
	xml_open(&xml, "installation", XML_ATTRIBUTES("mode", "fresh", "sr-type", "ext"));
	xml_text(&xml, "primary-disk", XML_ATTRIBUTES("guest-storage", "yes"), "sda");
	xml_text(&xml, "keymap", NULL, keyboard(layer->keymap));
	xml_text(&xml, "root-password", XML_ATTRIBUTES("type", "hash"), layer->root_password_hash);
	sources(&xml, layer);
	interface(&xml, &layer->network);
	for (size_t i = 0; i < layer->network.dns.count; i++)
		xml_text(&xml, "name-server", NULL, layer->network.dns.items[i]);
	xml_text(&xml, "hostname", NULL, name);
	xml_text(&xml, "timezone", NULL, layer->time_zone);
	xml_close(&xml);
	*ret_text = str_copy(buf_str(&xml.text));
	return 0;
}

const struct answers_format xcp_ng_format = {
	.name = "xcp-ng",
	.family = OS_XCPNG,
	.file_name = "answerfile.xml",
	.limits = limits,
	.release = release_at,
	.keyboard = keyboard,
	.check = check,
	.emit = xcp_ng_emit,
};
