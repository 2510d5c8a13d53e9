/* SUSE's: wicked's network, /etc/sysconfig, the units of its own Xen packages. */
#include <string.h>

#include "base/data.h"
#include "base/fs.h"
#include "compose/family.h"
#include "compose/units.h"
#include "pattern/pattern.h"
#include "profile/address.h"

#define SYSTEM_UNITS   "/usr/lib/systemd/system"
#define NETWORK_FOLDER "/etc/sysconfig/network"

static char *title(const struct layer *layer)
{
	static const struct {
		const char *release, *title;
	} titles[] = {
		{ "sles12", "SUSE Linux Enterprise Server 12" },
		{ "sles15", "SUSE Linux Enterprise Server 15" },
		{ "leap15", "openSUSE Leap 15" },
		{ "tumbleweed", "openSUSE Tumbleweed" },
	};

	for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
		if (str_equal(layer->release, titles[i].release))
			return str_copy(titles[i].title);
	return str_copy("SUSE Linux");
}

/* SLES 12 has the locale in sysconfig, all later ones where systemd reads it. */
static void settings(const struct layer *layer, struct overlay *overlay)
{
	overlay_text(overlay, "/etc/locale.conf", 0644, "LANG=%s\n", layer->locale);
	overlay_text(overlay, "/etc/sysconfig/language", 0644,
		     "RC_LANG=\"%s\"\nROOT_USES_LANG=\"yes\"\n", layer->locale);
	time_zone_overlay(layer, overlay);
	overlay_text(overlay, "/etc/vconsole.conf", 0644, "KEYMAP=%s\n", layer->keymap);
}

/* Folders of the machine that builds are none of the layer's. */
static void sources(const struct layer *layer, struct overlay *overlay)
{
	CLEANUP(free_cleanup) char *urls = str_copy(layer->mirror);
	char *rest = NULL;
	unsigned number = 0;

	for (char *url = strtok_r(urls, " ", &rest); url; url = strtok_r(NULL, " ", &rest)) {
		CLEANUP(free_cleanup)
		char *path = str_format("/etc/zypp/repos.d/nestctl-%u.repo", ++number);

		if (str_starts(url, "http"))
			overlay_text(overlay, path, 0644,
				     "[nestctl-%u]\nname=nestctl-%u\nenabled=1\nautorefresh=1\n"
				     "baseurl=%s\ngpgcheck=1\n",
				     number, number, url);
	}
}

/* ---- network: ifcfg(5), routes(5) ---- */

static void address_lines(const struct network_spec *network, struct buf *text)
{
	if (network->mode == ADDRESS_STATIC)
		buf_format(text, "BOOTPROTO='static'\nIPADDR='%s'\n", network->address);
	else
		buf_text(text, "BOOTPROTO='dhcp4'\nDHCLIENT_SET_HOSTNAME='no'\n");
}

static void routes(const struct network_spec *network, struct overlay *overlay)
{
	CLEANUP(buf_done) struct buf text = { 0 };

	if (*network->gateway)
		buf_format(&text, "default %s - -\n", network->gateway);
	for (size_t i = 0; i < network->routes.count; i++) {
		CLEANUP(route_done) struct route route = route_parse(network->routes.items[i]);

		buf_format(&text, "%s %s - -\n", route.cidr, route.gateway);
	}
	if (text.length > 0)
		overlay_text(overlay, NETWORK_FOLDER "/routes", 0644, "%s", buf_str(&text));
}

/* netconfig(8) writes /etc/resolv.conf. */
static int name_servers(const struct layer *layer, struct overlay *overlay, struct err *err)
{
	CLEANUP(free_cleanup) char *servers = strv_join(&layer->network.dns, " ");
	const struct template_value values[] = { { "SERVERS", servers },
						 { "DOMAIN", layer->domain },
						 { NULL, NULL } };

	if (layer->network.dns.count == 0)
		return 0;
	return overlay_rendered(overlay, "suse/network-config", NETWORK_FOLDER "/config", 0644,
				values, err);
}

/* `systemctl enable wicked` makes these links. */
static void wicked_enable(struct overlay *overlay)
{
	static const struct {
		const char *alias, *unit;
	} aliases[] = {
		{ "network.service", SYSTEM_UNITS "/wicked.service" },
		{ "dbus-org.opensuse.Network.AUTO4.service",
		  SYSTEM_UNITS "/wickedd-auto4.service" },
		{ "dbus-org.opensuse.Network.DHCP4.service",
		  SYSTEM_UNITS "/wickedd-dhcp4.service" },
		{ "dbus-org.opensuse.Network.DHCP6.service",
		  SYSTEM_UNITS "/wickedd-dhcp6.service" },
		{ "dbus-org.opensuse.Network.Nanny.service",
		  SYSTEM_UNITS "/wickedd-nanny.service" },
	};

	unit_enable(overlay, "wicked.service", SYSTEM_UNITS);
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		unit_alias(overlay, aliases[i].alias, aliases[i].unit);
}

static int network(const struct layer *layer, struct overlay *overlay, struct err *err)
{
	const char *bridge = layer->role == ROLE_HOST ? layer->network.bridge : NULL;
	const char *interface = bridge ? bridge : "eth0";
	CLEANUP(free_cleanup) char *path = str_format(NETWORK_FOLDER "/ifcfg-%s", interface);
	CLEANUP(buf_done) struct buf text = { 0 };

	buf_text(&text, "STARTMODE='auto'\n");
	address_lines(&layer->network, &text);
	/* STP would keep the bridge silent for half a minute. */
	if (bridge)
		buf_text(&text, "BRIDGE='yes'\nBRIDGE_PORTS='eth0'\nBRIDGE_STP='off'\n"
				"BRIDGE_FORWARDDELAY='0'\n");
	overlay_text(overlay, path, 0644, "%s", buf_str(&text));
	if (bridge)
		overlay_text(overlay, NETWORK_FOLDER "/ifcfg-eth0", 0644,
			     "STARTMODE='auto'\nBOOTPROTO='none'\n");
	routes(&layer->network, overlay);
	wicked_enable(overlay);
	return name_servers(layer, overlay, err);
}

/* ---- services ---- */

/* A kernel that is installed in the layer later gets the same drivers. */
static void dracut(const struct layer *layer, struct overlay *overlay)
{
	CLEANUP(buf_done) struct buf drivers = { 0 };

	for (const char *const *name = layer->pattern->initramfs_modules; name && *name; name++)
		buf_format(&drivers, "%s ", *name);
	overlay_text(overlay, "/etc/dracut.conf.d/10-nestctl.conf", 0644, "add_drivers+=\" %s\"\n",
		     buf_str(&drivers));
}

static void services(const struct layer *layer, struct overlay *overlay)
{
	unit_enable(overlay, "sshd.service", SYSTEM_UNITS);
	dracut(layer, overlay);
}

/* xen-tools' own, which know where its programs lie. */
static int xen(const struct boot_names *names, struct overlay *overlay, struct err *err)
{
	static const char *const units[] = { "xenstored.service", "xenconsoled.service",
					     "xen-init-dom0.service" };

	(void)names, (void)err;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		unit_enable(overlay, units[i], SYSTEM_UNITS);
	/* The agent starts the guests. */
	unit_mask(overlay, UNIT_FOLDER, "xendomains.service");
	return 0;
}

const struct family_files suse_files = {
	.id = OS_SUSE,
	.unit_folder = SYSTEM_UNITS,
	.ssh_unit = "sshd",
	.initrd_prefix = "initrd-",
	.grub2_folder = "/boot/grub2",
	.title = title,
	.settings = settings,
	.sources = sources,
	.network = network,
	.services = services,
	.xen = xen,
};
