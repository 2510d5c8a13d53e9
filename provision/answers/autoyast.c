/* AutoYaST: autoinst.xml of SUSE's YaST. Sources: "AutoYaST Guide" of SLES 11 SP4, 12 and 15;
 * yast2-schema. The second stage, which YaST runs at the first start from the disk, stays on: it is
 * what writes network and users on SLES 11. */
#include <string.h>

#include "answers/escape.h"
#include "answers/formats.h"
#include "answers/setup.h"
#include "answers/values.h"
#include "answers/xml.h"
#include "compose/names.h"
#include "pattern/pattern.h"

#define MIB	   (UINT64_C(1) << 20)
#define LIST	   XML_ATTRIBUTES("config:type", "list")
#define BOOLEAN	   XML_ATTRIBUTES("config:type", "boolean")
#define SYMBOL	   XML_ATTRIBUTES("config:type", "symbol")
#define INTEGER	   XML_ATTRIBUTES("config:type", "integer")
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

struct suse_release {
	struct answers_release common;
	const char *product; /* as YaST of 15 must be told it; NULL: the medium has but one */
	bool modules;	     /* the medium has the products as modules, to be added one by one */
	const char *const *base, *const *xen; /* "pattern:NAME" and packages */
	const char *const *services, *const *xen_services;
};

static const struct suse_release releases[] = {
	{
		.common = { "sles11sp4", "SUSE Linux Enterprise Server 11 SP4", "1 2a 2y 5 6",
			    .xen = true, .legacy = true },
		.base = WORDS("pattern:base", "pattern:Minimal", "openssh"),
		.xen = WORDS("pattern:xen_server", "kernel-xen", "bridge-utils"),
		.services = WORDS("sshd"),
		.xen_services = WORDS("xend", "xendomains"),
	},
	{
		.common = { "sles12", "SUSE Linux Enterprise Server 12", "1 2a 2y 5 6", .xen = true,
			    .uefi = true },
		.base = WORDS("pattern:base", "pattern:Minimal", "openssh"),
		.xen = WORDS("pattern:xen_server", "pattern:xen_tools", "bridge-utils"),
		.services = WORDS("sshd"),
		.xen_services = WORDS("xencommons", "xendomains"),
	},
	{
		.common = { "sles15", "SUSE Linux Enterprise Server 15", "1 2a 2y 5 6", .xen = true,
			    .uefi = true },
		.product = "SLES",
		.modules = true,
		.base = WORDS("pattern:base", "pattern:minimal_base", "openssh"),
		.xen = WORDS("pattern:xen_server", "pattern:xen_tools"),
		.services = WORDS("sshd"),
		.xen_services = WORDS("xencommons", "xendomains"),
	},
	{
		.common = { "leap15", "openSUSE Leap 15", "1 2a 2y 5 6", .xen = true,
			    .uefi = true },
		.product = "Leap",
		.base = WORDS("pattern:base", "pattern:minimal_base", "openssh"),
		.xen = WORDS("pattern:xen_server", "pattern:xen_tools"),
		.services = WORDS("sshd"),
		.xen_services = WORDS("xencommons", "xendomains"),
	},
	{
		.common = { "tumbleweed", "openSUSE Tumbleweed", "1 2a 2y 5 6 y", .xen = true,
			    .uefi = true },
		.product = "openSUSE",
		.base = WORDS("pattern:base", "pattern:minimal_base", "openssh"),
		.xen = WORDS("pattern:xen_server", "pattern:xen_tools"),
		.services = WORDS("sshd"),
		.xen_services = WORDS("xencommons", "xendomains"),
	},
};

#define RELEASES (sizeof releases / sizeof *releases)

/* The modules of SLES 15, each on the one before it, and what needs them. */
static const struct {
	const char *folder, *product;
	const char *group; /* NULL: always */
} modules[] = {
	{ "/Module-Basesystem", "sle-module-basesystem", NULL },
	{ "/Module-Server-Applications", "sle-module-server-applications", NULL },
	{ "/Module-Web-Scripting", "sle-module-web-scripting", "web-server" },
	{ "/Module-Desktop-Applications", "sle-module-desktop-applications", "development" },
	{ "/Module-Development-Tools", "sle-module-development-tools", "development" },
};

static const struct answers_release *release_at(size_t index)
{
	return index < RELEASES ? &releases[index].common : NULL;
}

static const char *keyboard(const char *keymap)
{
	return keyboard_name(keymap, KEYBOARD_SUSE);
}

static bool is_xen(const struct layer *layer)
{
	return layer->hypervisor == HYPERVISOR_XEN;
}

/* By what name fstab and the boot menu know a partition: never by a device that has another name
 * under Xen. */
static bool by_label(const struct partition_spec *partition)
{
	return escape_preseed_plain(partition->label);
}

/* GRUB Legacy's menu needs the root device's name before its UUID is known. */
static void check(const struct answers_check *check)
{
	const struct disk_spec *disk = &check->layer->disk;
	size_t root = disk_partition_at(disk, "/");

	if (check->release->legacy && root < disk->partition_count &&
	    !by_label(&disk->partitions[root]))
		diagnostic_add(check->diagnostics, &disk->partitions[root].mark,
			       "disk.partitions[%zu].label: found \"%s\"; allowed for / with %s is "
			       "a label of letters, digits, - _ . and :",
			       root + 1, disk->partitions[root].label, check->release->title);
}

/* ---- sections ---- */

static void flag(struct xml *xml, const char *name, bool value)
{
	xml_text(xml, name, BOOLEAN, value ? "true" : "false");
}

static void number(struct xml *xml, const char *name, unsigned long long value)
{
	CLEANUP(free_cleanup) char *text = str_format("%llu", value);

	xml_text(xml, name, INTEGER, text);
}

static void words(struct xml *xml, const char *list, const char *item, const char *const *names)
{
	xml_open(xml, list, LIST);
	for (; *names; names++)
		xml_text(xml, item, NULL, *names);
	xml_close(xml);
}

static void general(struct xml *xml)
{
	xml_open(xml, "general", NULL);
	xml_open(xml, "mode", NULL);
	flag(xml, "confirm", false);
	flag(xml, "halt", true);
	flag(xml, "second_stage", true);
	flag(xml, "final_halt", false);
	flag(xml, "final_reboot", false);
	flag(xml, "forceboot", false);
	xml_close(xml);
	xml_close(xml);
	/* Nobody is there to press a key; an error stays on the screen for the screenshot. */
	static const char *const reports[] = { "messages", "warnings", "yesno_messages", NULL };
	xml_open(xml, "report", NULL);
	for (const char *const *report = reports; *report; report++) {
		xml_open(xml, *report, NULL);
		flag(xml, "log", true);
		flag(xml, "show", false);
		number(xml, "timeout", 0);
		xml_close(xml);
	}
	xml_close(xml);
}

static void language(struct xml *xml, const struct layer *layer)
{
	const char *locale = installed_locale(layer);
	CLEANUP(free_cleanup) char *name = str_format("%.*s", (int)strcspn(locale, ".@"), locale);

	xml_open(xml, "language", NULL);
	xml_text(xml, "language", NULL, name);
	xml_close(xml);
	xml_open(xml, "keyboard", NULL);
	xml_text(xml, "keymap", NULL, keyboard(layer->keymap));
	xml_close(xml);
	xml_open(xml, "timezone", NULL);
	xml_text(xml, "hwclock", NULL, "UTC");
	xml_text(xml, "timezone", NULL, layer->time_zone);
	xml_close(xml);
}

static void partition(struct xml *xml, const struct partition_spec *spec, unsigned number_)
{
	/* Partition types as YaST numbers them: swap, Linux, EFI system partition. */
	static const unsigned ids[] = { [FILESYSTEM_SWAP] = 130,
					[FILESYSTEM_EXT3] = 131,
					[FILESYSTEM_EXT4] = 131,
					[FILESYSTEM_VFAT] = 259 };
	bool swap = spec->filesystem == FILESYSTEM_SWAP;
	CLEANUP(free_cleanup)
	char *size = str_format("%lluM", (unsigned long long)(spec->size_bytes / MIB));

	xml_open(xml, "partition", NULL);
	flag(xml, "create", true);
	xml_text(xml, "filesystem", SYMBOL, filesystem_kind_name(spec->filesystem));
	flag(xml, "format", true);
	if (*spec->label)
		xml_text(xml, "label", NULL, spec->label);
	if (swap || *spec->mount_point) {
		xml_text(xml, "mount", NULL, swap ? "swap" : spec->mount_point);
		xml_text(xml, "mountby", SYMBOL, by_label(spec) ? "label" : "uuid");
	}
	number(xml, "partition_id", ids[spec->filesystem]);
	number(xml, "partition_nr", number_);
	xml_text(xml, "size", NULL, spec->size_bytes == PARTITION_REST ? "max" : size);
	xml_close(xml);
}

static void partitioning(struct xml *xml, const struct disk_spec *disk)
{
	xml_open(xml, "partitioning", LIST);
	xml_open(xml, "drive", NULL);
	xml_text(xml, "device", NULL, "/dev/sda");
	xml_text(xml, "disklabel", NULL, disk->table == TABLE_GPT ? "gpt" : "msdos");
	flag(xml, "initialize", true);
	xml_open(xml, "partitions", LIST);
	for (size_t i = 0; i < disk->partition_count; i++)
		partition(xml, &disk->partitions[i], (unsigned)i + 1);
	xml_close(xml);
	xml_text(xml, "use", NULL, "all");
	xml_close(xml);
	xml_close(xml);
}

static void legacy_section(struct xml *xml, const struct layer *layer, const char *title, bool xen)
{
	const struct disk_spec *disk = &layer->disk;
	CLEANUP(free_cleanup)
	char *root = str_format("/dev/disk/by-label/%s",
				disk->partitions[disk_partition_at(disk, "/")].label);
	CLEANUP(free_cleanup) char *dom0 = dom0_arguments(layer);
	CLEANUP(free_cleanup) char *linux_ = linux_arguments(layer);
	CLEANUP(free_cleanup) char *hypervisor = hypervisor_arguments(layer);
	/* Xen's line is xvc0 in SUSE's own Xen kernels, hvc0 in others. */
	CLEANUP(free_cleanup) char *xen_dom0 = str_format("xencons=xvc console=xvc0 %s", dom0);

	xml_open(xml, "section", NULL);
	xml_text(xml, "append", NULL, xen ? xen_dom0 : linux_);
	xml_text(xml, "image", NULL, xen ? "/boot/vmlinuz-xen" : "/boot/vmlinuz");
	if (xen == is_xen(layer))
		xml_text(xml, "initial", NULL, "1");
	xml_text(xml, "initrd", NULL, xen ? "/boot/initrd-xen" : "/boot/initrd");
	xml_text(xml, "lines_cache_id", NULL, xen || !is_xen(layer) ? "0" : "1");
	xml_text(xml, "name", NULL, title);
	xml_text(xml, "original_name", NULL, xen ? "xen" : "linux");
	xml_text(xml, "root", NULL, root);
	xml_text(xml, "type", NULL, xen ? "xen" : "image");
	if (xen) {
		xml_text(xml, "xen", NULL, "/boot/xen.gz");
		xml_text(xml, "xen_append", NULL, hypervisor);
	}
	xml_close(xml);
}

static void legacy_bootloader(struct xml *xml, const struct layer *layer,
			      const struct suse_release *release)
{
	CLEANUP(free_cleanup) char *xen_title = str_format("Xen -- %s", release->common.title);
	const char *linux_title = release->common.title;

	xml_open(xml, "device_map", LIST);
	xml_open(xml, "device_map_entry", NULL);
	xml_text(xml, "firmware", NULL, "hd0");
	xml_text(xml, "linux", NULL, "/dev/sda");
	xml_close(xml);
	xml_close(xml);
	xml_open(xml, "global", NULL);
	xml_text(xml, "activate", NULL, "true");
	xml_text(xml, "boot_mbr", NULL, "false");
	xml_text(xml, "boot_root", NULL, "true");
	xml_text(xml, "default", NULL, is_xen(layer) ? xen_title : linux_title);
	xml_text(xml, "generic_mbr", NULL, "true");
	xml_text(xml, "serial", NULL, "--unit=0 --speed=115200");
	xml_text(xml, "terminal", NULL, "--timeout=1 serial console");
	number(xml, "timeout", layer->menu_timeout_seconds);
	xml_close(xml);
	xml_text(xml, "loader_type", NULL, "grub");
	xml_open(xml, "sections", LIST);
	if (is_xen(layer))
		legacy_section(xml, layer, xen_title, true);
	legacy_section(xml, layer, linux_title, false);
	xml_close(xml);
}

/* xen_append is dom0's kernel here and xen_kernel_append the hypervisor, unlike in GRUB Legacy's
 * sections. */
static void grub2_bootloader(struct xml *xml, const struct layer *layer)
{
	CLEANUP(free_cleanup) char *linux_ = linux_arguments(layer);
	CLEANUP(free_cleanup) char *dom0 = dom0_arguments(layer);
	CLEANUP(free_cleanup) char *hypervisor = hypervisor_arguments(layer);
	bool uefi = layer->boot_loader == BOOT_GRUB2_EFI;

	xml_open(xml, "global", NULL);
	if (!uefi)
		xml_text(xml, "activate", NULL, "true");
	xml_text(xml, "append", NULL, linux_);
	if (!uefi) {
		xml_text(xml, "boot_mbr", NULL, "true");
		xml_text(xml, "generic_mbr", NULL, "false");
	}
	xml_text(xml, "os_prober", NULL, "false");
	xml_text(xml, "serial", NULL, "serial --unit=0 --speed=115200");
	xml_text(xml, "terminal", NULL, "serial");
	number(xml, "timeout", layer->menu_timeout_seconds);
	if (is_xen(layer)) {
		xml_text(xml, "xen_append", NULL, dom0);
		xml_text(xml, "xen_kernel_append", NULL, hypervisor);
	}
	xml_close(xml);
	xml_text(xml, "loader_type", NULL, uefi ? "grub2-efi" : "grub2");
}

static void bootloader(struct xml *xml, const struct layer *layer,
		       const struct suse_release *release)
{
	xml_open(xml, "bootloader", NULL);
	if (release->common.legacy)
		legacy_bootloader(xml, layer, release);
	else
		grub2_bootloader(xml, layer);
	xml_close(xml);
}

static void add_on(struct xml *xml, const char *url, const char *product, const char *folder)
{
	xml_open(xml, "listentry", NULL);
	xml_text(xml, "media_url", NULL, url);
	if (product)
		xml_text(xml, "product", NULL, product);
	xml_text(xml, "product_dir", NULL, folder);
	xml_close(xml);
}

static void add_ons(struct xml *xml, const struct layer *layer, const struct suse_release *release)
{
	CLEANUP(free_cleanup) char *mirrors = str_copy(layer->mirror);
	char *rest = NULL;

	if (!release->modules && !*mirrors)
		return;
	xml_open(xml, "add-on", NULL);
	xml_open(xml, "add_on_products", LIST);
	for (size_t i = 0; release->modules && i < sizeof modules / sizeof *modules; i++)
		if (!modules[i].group || strv_has(&layer->groups, modules[i].group))
			add_on(xml, "dvd:///?devices=/dev/sr0", modules[i].product,
			       modules[i].folder);
	for (char *mirror = strtok_r(mirrors, " ", &rest); mirror;
	     mirror = strtok_r(NULL, " ", &rest))
		add_on(xml, mirror, NULL, "/");
	xml_close(xml);
	xml_close(xml);
}

static void software(struct xml *xml, const struct layer *layer, const struct suse_release *release)
{
	static const char prefix[] = "pattern:";
	CLEANUP(strv_done) struct strv all = layer_packages(layer, release->base);
	CLEANUP(strv_done) struct strv patterns = { 0 };
	CLEANUP(strv_done) struct strv packages = { 0 };

	for (const char *const *name = release->xen; is_xen(layer) && *name; name++)
		strv_add(&all, *name);
	for (size_t i = 0; i < all.count; i++) {
		const char *name = all.items[i];

		if (str_starts(name, prefix))
			strv_add(&patterns, name + strlen(prefix));
		else
			strv_add(&packages, name);
	}
	xml_open(xml, "software", NULL);
	words(xml, "packages", "package", (const char *const *)packages.items);
	words(xml, "patterns", "pattern", (const char *const *)patterns.items);
	if (release->product)
		words(xml, "products", "product", WORDS(release->product));
	xml_close(xml);
	if (release->common.legacy) {
		/* An image of a whole system would come without what was asked for. */
		xml_open(xml, "deploy_image", NULL);
		flag(xml, "image_installation", false);
		xml_close(xml);
	}
}

/* ---- the network ---- */

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

static void networking(struct xml *xml, const struct layer *layer)
{
	const struct network_spec *network = &layer->network;

	xml_open(xml, "networking", NULL);
	xml_open(xml, "dns", NULL);
	flag(xml, "dhcp_hostname", false);
	if (*layer->domain)
		xml_text(xml, "domain", NULL, layer->domain);
	xml_text(xml, "hostname", NULL, layer->host_name);
	if (network->dns.count > 0)
		words(xml, "nameservers", "nameserver", (const char *const *)network->dns.items);
	if (*layer->domain)
		words(xml, "searchlist", "search", WORDS(layer->domain));
	xml_close(xml);
	interfaces(xml, layer);
	flag(xml, "keep_install_network", false);
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
	flag(xml, "enable_firewall", false);
	flag(xml, "start_firewall", false);
	xml_close(xml);
}

/* ---- users, services, scripts ---- */

static void users(struct xml *xml, const struct layer *layer)
{
	xml_open(xml, "users", LIST);
	xml_open(xml, "user", NULL);
	flag(xml, "encrypted", true);
	xml_text(xml, "user_password", NULL,
		 *layer->root_password_hash ? layer->root_password_hash : "!");
	xml_text(xml, "username", NULL, "root");
	xml_close(xml);
	xml_close(xml);
}

static void services(struct xml *xml, const struct layer *layer, const struct suse_release *release)
{
	CLEANUP(strv_done) struct strv names = { 0 };

	for (const char *const *name = release->services; *name; name++)
		strv_add(&names, *name);
	for (const char *const *name = release->xen_services; is_xen(layer) && *name; name++)
		strv_add(&names, *name);
	for (size_t i = 0; i < layer->services.count; i++)
		strv_add(&names, layer->services.items[i]);
	if (!release->common.legacy) {
		xml_open(xml, "services-manager", NULL);
		xml_text(xml, "default_target", NULL, "multi-user");
		xml_open(xml, "services", NULL);
		words(xml, "enable", "service", (const char *const *)names.items);
		xml_close(xml);
		xml_close(xml);
		return;
	}
	xml_open(xml, "runlevel", NULL);
	xml_text(xml, "default", NULL, "3");
	xml_open(xml, "services", LIST);
	for (size_t i = 0; i < names.count; i++) {
		xml_open(xml, "service", NULL);
		xml_text(xml, "service_name", NULL, names.items[i]);
		xml_text(xml, "service_start", NULL, "3 5");
		xml_close(xml);
	}
	xml_close(xml);
	xml_close(xml);
}

static int scripts(struct xml *xml, const struct answers_request *request,
		   const struct suse_release *release, struct err *err)
{
	CLEANUP(setup_done) struct setup setup = { 0 };
	CLEANUP(free_cleanup) char *script = NULL;
	bool legacy = release->common.legacy;
	int r = setup_layer(&setup, request, legacy ? INIT_SYSV : INIT_SYSTEMD, true, err);

	if (r == 0 && is_xen(request->layer) && !legacy)
		r = setup_xen_default(&setup, "/boot/grub2/grub.cfg", err);
	if (r == 0)
		r = setup_script(&setup, &script, err);
	if (r < 0)
		return r;
	xml_open(xml, "scripts", NULL);
	xml_open(xml, "chroot-scripts", LIST);
	xml_open(xml, "script", NULL);
	flag(xml, "chrooted", true);
	xml_text(xml, "filename", NULL, "nestctl-setup.sh");
	xml_text(xml, "interpreter", NULL, "shell");
	xml_text(xml, "source", NULL, script);
	xml_close(xml);
	xml_close(xml);
	xml_close(xml);
	return 0;
}

static int autoyast_emit(const struct answers_request *request, char **ret_text, struct err *err)
{
	const struct layer *layer = request->layer;
	const struct answers_release *common = NULL;
	CLEANUP(xml_done) struct xml xml = { 0 };
	int r = answers_begin(&autoyast_format, layer, &common, err);

	if (r < 0)
		return r;
	const struct suse_release *release = (const struct suse_release *)common;
	xml_begin(&xml, "Written by nestctl.", "profile");
	xml_open(&xml, "profile",
		 XML_ATTRIBUTES("xmlns", "http://www.suse.com/1.0/yast2ns", "xmlns:config",
				"http://www.suse.com/1.0/configns"));
	general(&xml);
	language(&xml, layer);
	partitioning(&xml, &layer->disk);
	bootloader(&xml, layer, release);
	add_ons(&xml, layer, release);
	software(&xml, layer, release);
	networking(&xml, layer);
	users(&xml, layer);
	services(&xml, layer, release);
	r = scripts(&xml, request, release, err);
	if (r < 0)
		return r;
	xml_close(&xml);
	*ret_text = str_copy(buf_str(&xml.text));
	return 0;
}

const struct answers_format autoyast_format = {
	.name = "autoyast",
	.family = OS_SUSE,
	.file_name = "autoinst.xml",
	.initrd_args = "autoyast=file:///autoinst.xml textmode=1 net.ifnames=0",
	.volume_label = "OEMDRV",
	.agent = true,
	.partitions = true,
	.powers_off = true,
	.limits = (const struct answers_limit[]){ { 0 } },
	.release = release_at,
	.keyboard = keyboard,
	.check = check,
	.emit = autoyast_emit,
};
