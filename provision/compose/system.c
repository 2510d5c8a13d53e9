#include "compose/system.h"

#include <string.h>

#include "base/data.h"
#include "base/fs.h"
#include "compose/names.h"
#include "guest/xl.h"
#include "pattern/pattern.h"
#include "profile/address.h"

#define UNIT_FOLDER  "/etc/systemd/system"
#define WANTS_FOLDER UNIT_FOLDER "/multi-user.target.wants"

static int rendered(const char *name, const char *path, uint32_t mode,
		    const struct template_value *values, struct overlay *overlay, struct err *err)
{
	CLEANUP(free_cleanup) char *text = NULL;
	int r = template_render(name, values, &text, err);

	if (r < 0)
		return r;
	overlay_file(overlay, path, text, strlen(text), mode);
	return 0;
}

static void unit_enable(struct overlay *overlay, const char *unit, const char *target_folder)
{
	CLEANUP(free_cleanup) char *link = str_format("%s/%s", WANTS_FOLDER, unit);
	CLEANUP(free_cleanup) char *target = str_format("%s/%s", target_folder, unit);

	overlay_link(overlay, link, target);
}

/* systemd takes a link to /dev/null for "not this one". */
static void mask(struct overlay *overlay, const char *folder, const char *name)
{
	CLEANUP(free_cleanup) char *link = path_join(folder, name);

	overlay_link(overlay, link, "/dev/null");
}

/* ---- identity ---- */

static void fstab(const char *stack_name, const struct layer *layer, struct overlay *overlay)
{
	CLEANUP(buf_done) struct buf text = { 0 };

	for (size_t i = 0; i < layer->disk.partition_count; i++) {
		const struct partition_spec *partition = &layer->disk.partitions[i];
		CLEANUP(free_cleanup) char *part = compose_partition_part(&layer->disk, i);
		CLEANUP(free_cleanup) char *uuid = compose_uuid_text(stack_name, layer, part);
		uint8_t bytes[16];
		char fat_id[9];

		compose_uuid(stack_name, layer, part, bytes);
		snprintf(fat_id, sizeof fat_id, "%08X", compose_fat_id(bytes));
		if (partition->filesystem == FILESYSTEM_VFAT)
			/* The firmware's: the running system needs it for updates alone. */
			buf_format(&text, "UUID=%.4s-%.4s %s vfat noauto,umask=0077 0 0\n", fat_id,
				   fat_id + 4, partition->mount_point);
		else if (partition->filesystem == FILESYSTEM_SWAP)
			buf_format(&text, "UUID=%s none swap sw 0 0\n", uuid);
		else if (*partition->mount_point)
			/* Pass 0: the journal is replayed at the mount; a check of every start
			 * costs seconds on an emulated CPU. */
			buf_format(&text, "UUID=%s %s %s relatime,errors=remount-ro 0 0\n", uuid,
				   partition->mount_point,
				   filesystem_kind_name(partition->filesystem));
	}
	overlay_text(overlay, "/etc/fstab", 0644, "%s", buf_str(&text));
}

static void identity(const char *stack_name, const struct layer *layer, struct overlay *overlay)
{
	CLEANUP(free_cleanup) char *machine = compose_uuid_text(stack_name, layer, "machine");
	CLEANUP(buf_done) struct buf machine_id = { 0 };

	for (const char *c = machine; *c; c++)
		if (*c != '-')
			buf_add(&machine_id, c, 1);
	overlay_text(overlay, "/etc/machine-id", 0444, "%s\n", buf_str(&machine_id));
	overlay_text(overlay, "/etc/hostname", 0644, "%s\n", layer->host_name);
	overlay_text(overlay, "/etc/hosts", 0644,
		     "127.0.0.1 localhost\n127.0.1.1 %s%s%s%s%s\n::1 localhost ip6-localhost\n",
		     *layer->domain ? layer->host_name : "", *layer->domain ? "." : "",
		     layer->domain, *layer->domain ? " " : "", layer->host_name);
	overlay_text(overlay, "/etc/default/locale", 0644, "LANG=%s\n", layer->locale);
	overlay_text(overlay, "/etc/timezone", 0644, "%s\n", layer->time_zone);
	CLEANUP(free_cleanup) char *zone = str_format("/usr/share/zoneinfo/%s", layer->time_zone);
	overlay_link(overlay, "/etc/localtime", zone);
	overlay_text(overlay, "/etc/default/keyboard", 0644, "XKBLAYOUT=\"%s\"\n", layer->keymap);
	fstab(stack_name, layer, overlay);
}

/* Where the layer's own apt looks: the profile's mirrors, never this machine's, of which the layer
 * and its bytes know nothing. */
static void apt_sources(const struct layer *layer, struct overlay *overlay)
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

void ssh_keys_overlay(const struct layer *layer, struct overlay *overlay)
{
	if (layer->ssh_keys.count == 0)
		return;
	CLEANUP(free_cleanup) char *lines = strv_join(&layer->ssh_keys, "\n");
	overlay_text(overlay, "/root/.ssh/authorized_keys", 0600, "%s\n", lines);
}

/* ---- network ---- */

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
	return rendered(is_static ? "system/static.network" : "system/dhcp.network",
			"/etc/systemd/network/30-address.network", 0644, values, overlay, err);
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
		r = rendered("system/br0.netdev", "/etc/systemd/network/10-bridge.netdev", 0644,
			     values, overlay, err);
	if (r == 0 && bridged)
		r = rendered("system/port.network", "/etc/systemd/network/20-port.network", 0644,
			     values, overlay, err);
	if (r == 0)
		r = address_file(layer, bridged ? layer->network.bridge : "eth0", overlay, err);
	unit_enable(overlay, "systemd-networkd.service", "/lib/systemd/system");
	unit_enable(overlay, "systemd-resolved.service", "/lib/systemd/system");
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

static int xen_units(const struct boot_names *names, struct overlay *overlay, struct err *err)
{
	static const char *const units[] = { "proc-xen.mount", "xenstored.service",
					     "xenconsoled.service" };
	CLEANUP(free_cleanup) char *programs = xen_programs(names->hypervisor_file);
	const struct template_value values[] = { { "XEN_BIN", programs }, { NULL, NULL } };

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		CLEANUP(free_cleanup) char *source = str_format("xen-host/%s", units[i]);
		CLEANUP(free_cleanup) char *path = str_format("%s/%s", UNIT_FOLDER, units[i]);
		int r = rendered(source, path, 0644, values, overlay, err);

		if (r < 0)
			return r;
		unit_enable(overlay, units[i], UNIT_FOLDER);
	}
	mask(overlay, UNIT_FOLDER, "xen.service");
	mask(overlay, UNIT_FOLDER, "xendomains.service");
	return 0;
}

#define AGENT_UNIT "nestctl-agent.service"

int agent_unit_overlay(struct overlay *overlay, struct err *err)
{
	const struct template_value none[] = { { NULL, NULL } };

	unit_enable(overlay, AGENT_UNIT, UNIT_FOLDER);
	return rendered("agent/" AGENT_UNIT, UNIT_FOLDER "/" AGENT_UNIT, 0644, none, overlay, err);
}

/* Files of every system, as they are in templates/. */
static const struct {
	const char *name, *path;
} fixed_files[] = {
	{ "system/ssh-keys.conf", UNIT_FOLDER "/ssh@.service.d/keys.conf" },
	{ "system/ssh-keys.conf", UNIT_FOLDER "/ssh.service.d/keys.conf" },
	{ "system/udev-trigger.conf", UNIT_FOLDER "/systemd-udev-trigger.service.d/nestctl.conf" },
	{ "system/background.conf", UNIT_FOLDER "/systemd-logind.service.d/nestctl.conf" },
	{ "system/background.conf", UNIT_FOLDER "/systemd-resolved.service.d/nestctl.conf" },
	{ "system/modprobe.conf", "/etc/modprobe.d/nestctl.conf" },
};

static int units(const struct layer *layer, const struct boot_names *names, struct overlay *overlay,
		 struct err *err)
{
	const struct template_value none[] = { { NULL, NULL } };
	int r = agent_unit_overlay(overlay, err);

	for (size_t i = 0; r == 0 && i < sizeof fixed_files / sizeof *fixed_files; i++)
		r = rendered(fixed_files[i].name, fixed_files[i].path, 0644, none, overlay, err);
	for (size_t i = 0; i < layer->services.count; i++) {
		const char *name = layer->services.items[i];
		CLEANUP(free_cleanup)
		char *unit = str_format("%s%s", name, strchr(name, '.') ? "" : ".service");

		unit_enable(overlay, unit, "/lib/systemd/system");
	}
	for (const char *const *unit = layer->pattern->masked_units; unit && *unit; unit++)
		mask(overlay, UNIT_FOLDER, *unit);
	for (const char *const *name = layer->pattern->masked_generators; name && *name; name++)
		mask(overlay, "/etc/systemd/system-generators", *name);
	/* The agent speaks there; a login prompt would hang up on it. */
	if (layer->machine.type != MACHINE_HVM)
		mask(overlay, UNIT_FOLDER, "serial-getty@hvc0.service");
	return r == 0 && names->hypervisor_file ? xen_units(names, overlay, err) : r;
}

/* ---- the machines inside ---- */

void guests_overlay(const char *stack_name, const struct layer *layer, struct overlay *overlay)
{
	for (size_t i = 0; i < layer->inner_count; i++) {
		const struct layer *guest = layer->inner[i];
		CLEANUP(free_cleanup) char *args = direct_boot_arguments(stack_name, guest);
		CLEANUP(free_cleanup) char *config = guest_xl_config(guest, args);
		CLEANUP(free_cleanup)
		char *path = str_format("%s/%s", GUEST_CONFIG_FOLDER, guest->name);
		CLEANUP(free_cleanup)
		char *link = str_format("%s/%s", GUEST_AUTO_FOLDER, guest->name);
		CLEANUP(free_cleanup) char *target = str_format("../vm/%s", guest->name);

		overlay_text(overlay, path, 0600, "%s", config);
		overlay_link(overlay, link, target);
	}
}

void layer_files_overlay(const struct layer *layer, struct overlay *overlay)
{
	for (size_t i = 0; i < layer->file_count; i++)
		overlay_file(overlay, layer->files[i].path, layer->files[i].content,
			     layer->files[i].content_length, layer->files[i].mode);
}

int system_overlay(const char *stack_name, const struct layer *layer,
		   const struct boot_names *names, struct overlay *overlay, struct err *err)
{
	int r;

	identity(stack_name, layer, overlay);
	apt_sources(layer, overlay);
	ssh_keys_overlay(layer, overlay);
	r = network(layer, overlay, err);
	if (r == 0)
		r = units(layer, names, overlay, err);
	if (r == 0)
		r = agent_overlay(layer, NULL, AGENT_PATH, overlay, err);
	if (r == 0 && layer->boot_loader != BOOT_DIRECT)
		r = menu_overlay(stack_name, layer, names, overlay, err);
	if (r < 0)
		return r;
	guests_overlay(stack_name, layer, overlay);
	layer_files_overlay(layer, overlay);
	return 0;
}
