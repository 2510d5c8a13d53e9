/* ESXi: ks.cfg of VMware's installer, a kickstart of its own. Source: "Installation and Setup" of
 * vSphere 6.0, 7.0 and 8.0, "About Installation Scripts". Its system is no Linux and its root file
 * system is made anew at each start: what is not in its own configuration cannot be told to it. */
#include "answers/escape.h"
#include "answers/formats.h"
#include "answers/values.h"

static const struct answers_release releases[] = {
	{ "6", "ESXi 6", "1 5 6", .major = "6", .xen = false },
	{ "7", "ESXi 7", "1 5 6", .major = "7", .xen = false },
	{ "8", "ESXi 8", "5 6", .major = "8", .xen = false },
};

static const struct answers_limit limits[] = {
	APPLIANCE_LIMITS,
	{ "os.mirror", NULL, NONE_OF_PACKAGES },
	{ "disk.extra", NULL, "none: its installer takes whichever disk it finds first" },
	{ "boot.dom0_memory", NULL, "none: it has no dom0" },
	{ "locale", NULL, "none: it knows no locales" },
	{ "time_zone", "UTC", "UTC: it knows no other" },
	{ "network.bridge", "vSwitch0", "vSwitch0, the one that it makes" },
	{ "services", NULL, "none" },
	{ "files", NULL, "none: its root file system is made anew at each start" },
	{ 0 },
};

static const struct answers_release *release_at(size_t index)
{
	return index < sizeof releases / sizeof *releases ? &releases[index] : NULL;
}

static const char *keyboard(const char *keymap)
{
	return keyboard_name(keymap, KEYBOARD_ESXI);
}

static void word(struct buf *text, const char *option, const char *value)
{
	buf_text(text, option);
	escape_kickstart(value, text);
}

static void network(const struct layer *layer, struct buf *text)
{
	const struct network_spec *spec = &layer->network;
	CLEANUP(free_cleanup) char *name = full_host_name(layer);
	CLEANUP(free_cleanup) char *dns = strv_join(&spec->dns, ",");

	buf_format(text, "network --device=vmnic0 --bootproto=%s",
		   spec->mode == ADDRESS_STATIC ? "static" : "dhcp");
	if (spec->mode == ADDRESS_STATIC) {
		CLEANUP(free_cleanup) char *ip = address_ip(spec);
		CLEANUP(free_cleanup) char *netmask = address_netmask(spec);

		buf_format(text, " --ip=%s --netmask=%s", ip, netmask);
	}
	if (*spec->gateway)
		buf_format(text, " --gateway=%s", spec->gateway);
	if (*dns && spec->mode == ADDRESS_STATIC)
		buf_format(text, " --nameserver=%s", dns);
	word(text, " --hostname=", name);
	buf_text(text, " --addvmportgroup=1\n");
}

/* Runs at the first start, in ESXi's busybox. */
static void first_start(const struct layer *layer, struct buf *text)
{
	const struct network_spec *spec = &layer->network;

	buf_text(text, "\n%firstboot --interpreter=busybox\n"
		       "vim-cmd hostsvc/enable_ssh\nvim-cmd hostsvc/start_ssh\n");
	/* Nested machines have other addresses than their card's. */
	buf_text(
		text,
		"esxcli network vswitch standard policy security set -v vSwitch0 "
		"--allow-promiscuous=true --allow-forged-transmits=true --allow-mac-change=true\n");
	for (size_t i = 0; spec->mode == ADDRESS_DHCP && i < spec->dns.count; i++)
		buf_format(text, "esxcli network ip dns server add --server=%s\n",
			   spec->dns.items[i]);
	for (size_t i = 0; i < spec->routes.count; i++) {
		CLEANUP(route_done) struct route route = route_parse(spec->routes.items[i]);

		buf_format(text, "esxcli network ip route ipv4 add --network=%s --gateway=%s\n",
			   route.cidr, route.gateway);
	}
	for (size_t i = 0; i < layer->ssh_keys.count; i++) {
		buf_text(text, "printf '%s\\n' ");
		buf_shell(text, layer->ssh_keys.items[i]);
		buf_text(text, " >> /etc/ssh/keys-root/authorized_keys\n");
	}
	if (layer->ssh_keys.count > 0)
		buf_text(text, "auto-backup.sh\n");
}

/* Runs at the end of the installation, in the installer. */
static void tell_done(const struct answers_network *network, struct buf *text)
{
	buf_format(text,
		   "\n%%post --interpreter=busybox\n"
		   "# Tells the server of the lab that this disk is complete.\n"
		   "tell() {\n\twget -q -O /dev/null %s &\n\t" SHELL_WAIT "\n}\n"
		   "tries=0\nuntil tell; do\n"
		   "\ttries=$((tries + 1))\n\t[ \"$tries\" -lt 30 ] || break\n\tsleep 10\ndone\n",
		   network->done);
}

static int esxi_emit(const struct answers_request *request, char **ret_text, struct err *err)
{
	const struct layer *layer = request->layer;
	const struct answers_release *release = NULL;
	CLEANUP(buf_done) struct buf text = { 0 };
	int r = answers_begin(&esxi_format, layer, &release, err);

	if (r < 0)
		return r;
	buf_format(&text, "# Written by nestctl, for %s.\nvmaccepteula\n", release->title);
	word(&text, "keyboard ", keyboard(layer->keymap));
	word(&text, "\nrootpw --iscrypted ", layer->root_password_hash);
	buf_text(&text, "\nclearpart --firstdisk --overwritevmfs\n"
			"install --firstdisk --overwritevmfs\n");
	network(layer, &text);
	buf_text(&text, "reboot --noeject\n");
	if (request->network)
		tell_done(request->network, &text);
	first_start(layer, &text);
	*ret_text = str_copy(buf_str(&text));
	return 0;
}

const struct answers_format esxi_format = {
	.name = "esxi",
	.family = OS_ESXI,
	.file_name = "KS.CFG",
	.on_medium = true,
	.limits = limits,
	.release = release_at,
	.keyboard = keyboard,
	.emit = esxi_emit,
};
