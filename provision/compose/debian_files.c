/* Debian's: systemd-networkd, /etc/default, Xen's programs in a folder of their version. */
#include <string.h>

#include "base/data.h"
#include "base/fs.h"
#include "compose/family.h"
#include "compose/units.h"
#include "profile/address.h"

#define SYSTEM_UNITS "/lib/systemd/system"

static char *title(const struct layer *layer)
{
	(void)layer;
	return str_copy("Debian GNU/Linux");
}

static void settings(const struct layer *layer, struct overlay *overlay)
{
	overlay_text(overlay, "/etc/default/locale", 0644, "LANG=%s\n", layer->locale);
	overlay_text(overlay, "/etc/timezone", 0644, "%s\n", layer->time_zone);
	time_zone_overlay(layer, overlay);
	overlay_text(overlay, "/etc/default/keyboard", 0644, "XKBLAYOUT=\"%s\"\n", layer->keymap);
}

/* Where the layer's own apt looks: the profile's mirrors, never this machine's, of which the layer
 * and its bytes know nothing. */
static void sources(const struct layer *layer, struct overlay *overlay)
{
	CLEANUP(free_cleanup) char *mirrors = str_copy(layer->mirror);
	CLEANUP(buf_done) struct buf text = { 0 };
	char *rest = NULL;

	for (char *mirror = strtok_r(mirrors, " ", &rest); mirror;
	     mirror = strtok_r(NULL, " ", &rest))
		buf_format(&text, "deb %s %s main\n", mirror, layer->release);
	if (text.length == 0)
		buf_text(&text, "# The profile names no mirror (os.mirror).\n");
	overlay_text(overlay, "/etc/apt/sources.list", 0644, "%s", buf_str(&text));
}

/* ---- network: systemd-networkd ---- */

static int address_file(const struct layer *layer, const char *interface, struct overlay *overlay,
			struct err *err)
{
	CLEANUP(buf_done) struct buf dns = { 0 };
	CLEANUP(buf_done) struct buf more = { 0 };
	CLEANUP(free_cleanup) char *gateway = str_format("Gateway=%s", layer->network.gateway);
	bool is_static = layer->network.mode == ADDRESS_STATIC;

	for (size_t i = 0; i < layer->network.dns.count; i++)
		buf_format(&dns, "%sDNS=%s", i ? "\n" : "", layer->network.dns.items[i]);
	if (!is_static && dns.length > 0)
		buf_format(&more, "\n[Network]\n%s\n", buf_str(&dns));
	for (size_t i = 0; i < layer->network.routes.count; i++) {
		CLEANUP(route_done)
		struct route route = route_parse(layer->network.routes.items[i]);

		buf_format(&more, "\n[Route]\nDestination=%s\nGateway=%s\n", route.cidr,
			   route.gateway);
	}
	const struct template_value values[] = {
		{ "INTERFACE", interface },
		{ "ADDRESS", is_static ? layer->network.address : "" },
		{ "GATEWAY_LINE", *layer->network.gateway ? gateway : "" },
		{ "DNS_LINES", buf_str(&dns) },
		{ "MORE", buf_str(&more) },
		{ NULL, NULL },
	};
	return overlay_rendered(overlay,
				is_static ? "system/static.network" : "system/dhcp.network",
				"/etc/systemd/network/30-address.network", 0644, values, err);
}

static int network(const struct layer *layer, struct overlay *overlay, struct err *err)
{
	bool bridged = layer->role == ROLE_HOST;
	const struct template_value values[] = {
		{ "BRIDGE", layer->network.bridge },
		{ "MAC", layer->machine.mac },
		{ NULL, NULL },
	};
	int r = 0;

	if (bridged)
		r = overlay_rendered(overlay, "system/br0.netdev",
				     "/etc/systemd/network/10-bridge.netdev", 0644, values, err);
	if (r == 0 && bridged)
		r = overlay_rendered(overlay, "system/port.network",
				     "/etc/systemd/network/20-port.network", 0644, values, err);
	if (r == 0)
		r = address_file(layer, bridged ? layer->network.bridge : "eth0", overlay, err);
	unit_enable(overlay, "systemd-networkd.service", SYSTEM_UNITS);
	unit_enable(overlay, "systemd-resolved.service", SYSTEM_UNITS);
	overlay_link(overlay, "/etc/resolv.conf", "/run/systemd/resolve/stub-resolv.conf");
	return r;
}

/* ---- services ---- */

/* xen-4.17-amd64.gz -> /usr/lib/xen-4.17/bin; the caller frees. */
static char *xen_programs(const char *hypervisor_file)
{
	const char *version = hypervisor_file + strlen("xen-");

	return str_format("/usr/lib/xen-%.*s/bin", (int)strcspn(version, "-"), version);
}

static int xen(const struct boot_names *names, struct overlay *overlay, struct err *err)
{
	static const char *const units[] = { "proc-xen.mount", "xenstored.service",
					     "xenconsoled.service" };
	CLEANUP(free_cleanup) char *programs = xen_programs(names->hypervisor_file);
	const struct template_value values[] = { { "XEN_BIN", programs }, { NULL, NULL } };

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		CLEANUP(free_cleanup) char *source = str_format("xen-host/%s", units[i]);
		CLEANUP(free_cleanup) char *path = str_format("%s/%s", UNIT_FOLDER, units[i]);
		int r = overlay_rendered(overlay, source, path, 0644, values, err);

		if (r < 0)
			return r;
		unit_enable(overlay, units[i], UNIT_FOLDER);
	}
	unit_mask(overlay, UNIT_FOLDER, "xen.service");
	unit_mask(overlay, UNIT_FOLDER, "xendomains.service");
	return 0;
}

const struct family_files debian_files = {
	.id = OS_DEBIAN,
	.unit_folder = SYSTEM_UNITS,
	.ssh_unit = "ssh",
	.initrd_prefix = "initrd.img-",
	.grub2_folder = "/boot/grub",
	.distributor = "Debian", /* GRUB appends GNU/Linux */
	.title = title,
	.settings = settings,
	.sources = sources,
	.network = network,
	.xen = xen,
};
