/* Proxmox VE: answer.toml of its automated installation, with the keys of 8.4 and later. Source:
 * Proxmox' wiki, "Automated Installation". `proxmox-auto-install-assistant prepare-iso` puts the
 * file on a medium, or it lies on a disk with the label PROXMOX-AIS. */
#include <string.h>

#include "answers/escape.h"
#include "answers/formats.h"
#include "answers/values.h"

#define NONE_OF_SCRIPTS "none: its answer file holds no scripts"

static const struct answers_release releases[] = {
	{ "8", "Proxmox VE 8", "1 5 6 y", .major = "8", .xen = false },
};

static const struct answers_limit limits[] = {
	APPLIANCE_LIMITS,
	{ "os.mirror", NULL, NONE_OF_PACKAGES },
	{ "boot.dom0_memory", NULL, "none: it has no dom0" },
	{ "locale", "en_US.UTF-8", "en_US.UTF-8: it has no other" },
	{ "network.bridge", "vmbr0", "vmbr0, the one that it makes" },
	{ "network.routes", NULL, NONE_OF_SCRIPTS },
	{ "services", NULL, NONE_OF_SCRIPTS },
	{ "files", NULL, NONE_OF_SCRIPTS },
	{ 0 },
};

static const struct answers_release *release_at(size_t index)
{
	return index < sizeof releases / sizeof *releases ? &releases[index] : NULL;
}

static const char *keyboard(const char *keymap)
{
	return keyboard_name(keymap, KEYBOARD_PROXMOX);
}

static void check(const struct answers_check *check)
{
	const struct layer *layer = check->layer;
	const struct network_spec *network = &layer->network;
	bool is_static = network->mode == ADDRESS_STATIC;

	if (!*layer->domain)
		answers_wrong(check, "domain", "found nothing; allowed with %s is a DNS domain",
			      check->release->title);
	if (is_static && !*network->gateway)
		answers_wrong(check, "network.gateway",
			      "found nothing; allowed with %s and a static address is the "
			      "address of a gateway",
			      check->release->title);
	if (network->dns.count != is_static)
		answers_wrong(check, "network.dns",
			      "found %zu name servers; allowed with %s is one with a static "
			      "address, and none with dhcp",
			      network->dns.count, check->release->title);
}

static void value(struct buf *text, const char *key, const char *what)
{
	buf_format(text, "%s = ", key);
	escape_toml(what, text);
	buf_text(text, "\n");
}

static void global(const struct layer *layer, struct buf *text)
{
	CLEANUP(free_cleanup) char *name = full_host_name(layer);
	CLEANUP(free_cleanup) char *mail = str_format("root@%s", name);

	buf_text(text, "[global]\n");
	value(text, "keyboard", keyboard(layer->keymap));
	value(text, "country", "us");
	value(text, "fqdn", name);
	value(text, "mailto", mail);
	value(text, "timezone", layer->time_zone);
	value(text, "root-password-hashed", layer->root_password_hash);
	buf_text(text, "root-ssh-keys = [");
	for (size_t i = 0; i < layer->ssh_keys.count; i++) {
		buf_text(text, i ? ", " : "");
		escape_toml(layer->ssh_keys.items[i], text);
	}
	buf_text(text, "]\n");
	value(text, "reboot-mode", "power-off");
}

/* "*00163e1e73af": udev's name of a card by its MAC address. */
static void filter(const char *mac, struct buf *text)
{
	CLEANUP(buf_done) struct buf pattern = { 0 };

	buf_text(&pattern, "*");
	for (; *mac; mac++)
		if (*mac != ':')
			buf_add(&pattern, mac, 1);
	value(text, "filter.ID_NET_NAME_MAC", buf_str(&pattern));
}

static void network(const struct layer *layer, struct buf *text)
{
	const struct network_spec *spec = &layer->network;

	buf_text(text, "\n[network]\n");
	if (spec->mode == ADDRESS_DHCP) {
		value(text, "source", "from-dhcp");
		return;
	}
	value(text, "source", "from-answer");
	value(text, "cidr", spec->address);
	value(text, "gateway", spec->gateway);
	value(text, "dns", spec->dns.items[0]);
	filter(layer->machine.mac, text);
}

static int proxmox_emit(const struct answers_request *request, char **ret_text, struct err *err)
{
	const struct answers_release *release = NULL;
	CLEANUP(buf_done) struct buf text = { 0 };
	int r = answers_begin(&proxmox_format, request->layer, &release, err);

	if (r < 0)
		return r;
	buf_format(&text, "# Written by nestctl, for %s.\n", release->title);
	global(request->layer, &text);
	network(request->layer, &text);
	buf_text(&text, "\n[disk-setup]\n");
	value(&text, "filesystem", "ext4");
	buf_text(&text, "disk-list = [\"sda\"]\n");
	*ret_text = str_copy(buf_str(&text));
	return 0;
}

const struct answers_format proxmox_format = {
	.name = "proxmox",
	.family = OS_PROXMOX,
	.file_name = "answer.toml",
	.volume_label = "PROXMOX-AIS",
	.powers_off = true,
	.limits = limits,
	.release = release_at,
	.keyboard = keyboard,
	.check = check,
	.emit = proxmox_emit,
};
