/* Preseed: preseed.cfg of Debian's installer. Sources: appendix B of Debian's installation guide
 * (bullseye, bookworm, trixie), partman-auto-recipe.txt. What debconf has no question for is a
 * script. Its lines stand in comments of the same file, which must lie at the root of the
 * installer's initrd for late_command to take them out of it again; over the network it is a file
 * of its own. */
#include <ctype.h>
#include <string.h>

#include "answers/escape.h"
#include "answers/formats.h"
#include "answers/setup.h"
#include "answers/values.h"
#include "compose/names.h"
#include "compose/system.h"

#define SCRIPT_MARK "#|"		  /* before each line of the script */
#define SCRIPT_PATH "/root/nestctl-setup" /* where it runs */
#define AGENT_FILE  "nestctl-agent"
#define POWEROFF    "debian-installer/exit/poweroff"
#define WORDS(...)  ((const char *const[]){ __VA_ARGS__, NULL })

struct debian_release {
	struct answers_release common;
	const char *const *xen;
};

#define HASHES "1 5 6 y"

static const struct debian_release releases[] = {
	{ { "bullseye", "Debian 11", HASHES, .major = "11", .xen = true, .uefi = true },
	  WORDS("xen-system-amd64", "qemu-system-x86", "bridge-utils") },
	{ { "bookworm", "Debian 12", HASHES, .major = "12", .xen = true, .uefi = true },
	  WORDS("xen-system-amd64", "qemu-system-xen", "bridge-utils") },
	{ { "trixie", "Debian 13", HASHES, .major = "13", .xen = true, .uefi = true },
	  WORDS("xen-system-amd64", "qemu-system-xen", "bridge-utils") },
};

#define RELEASES (sizeof releases / sizeof *releases)

static const struct answers_release *release_at(size_t index)
{
	return index < RELEASES ? &releases[index].common : NULL;
}

static void check_labels(const struct answers_check *check)
{
	const struct disk_spec *disk = &check->layer->disk;

	/* A recipe is split at its blanks and braces. */
	for (size_t i = 0; i < disk->partition_count; i++)
		if (*disk->partitions[i].label && !escape_not_needed(disk->partitions[i].label))
			diagnostic_add(check->diagnostics, &disk->partitions[i].mark,
				       "disk.partitions[%zu].label: found \"%s\"; allowed with %s "
				       "are letters, digits, - _ . and :",
				       i + 1, disk->partitions[i].label, check->release->title);
}

/* A backslash at the end of a line would join it with the next. */
static bool mirrors_plain(const char *mirrors)
{
	static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-._~:/?#[]@!$&'()*+,;=% ";
	CLEANUP(free_cleanup) char *copy = str_copy(mirrors);
	char *rest = NULL;

	if (mirrors[strspn(mirrors, characters)])
		return false;
	for (char *url = strtok_r(copy, " ", &rest); url; url = strtok_r(NULL, " ", &rest)) {
		const char *host = strstr(url, "://");

		if (!str_starts(url, "http") || !host || !isalnum((unsigned char)host[3]))
			return false;
	}
	return true;
}

static void check(const struct answers_check *check)
{
	const struct layer *layer = check->layer;

	check_labels(check);
	answers_need_mounts(check);
	if (!*layer->mirror)
		answers_wrong(check, "os.mirror",
			      "found nothing; allowed with the installer of %s is its mirror's URL",
			      check->release->title);
	else if (!mirrors_plain(layer->mirror))
		answers_wrong(check, "os.mirror",
			      "found \"%s\"; allowed with the installer of %s are http and https "
			      "URLs with a host and the characters of RFC 3986",
			      layer->mirror, check->release->title);
	if (layer->network.mode == ADDRESS_DHCP && layer->network.dns.count > 0)
		answers_wrong(check, "network.dns",
			      "found name servers; allowed with %s and address dhcp is none: "
			      "they come with the lease",
			      check->release->title);
}

/* ---- questions ---- */

static void answer(struct buf *text, const char *question, const char *type, const char *value)
{
	buf_format(text, "d-i %s %s %s\n", question, type, value);
}

/* What is the same for every layer. Packages come from os.mirror alone: Debian's servers of updates
 * are out of reach in many a lab, where the installer would wait for a person to be told so; and a
 * whole DVD would do without a mirror. */
static const struct {
	const char *question, *type, *value;
} fixed[] = {
	{ "debconf/priority", "select", "critical" },
	{ "hw-detect/load_firmware", "boolean", "false" },
	{ "netcfg/choose_interface", "select", "auto" },
	{ "netcfg/wireless_wep", "string", "" },
	{ "clock-setup/utc", "boolean", "true" },
	{ "clock-setup/ntp", "boolean", "false" },
	{ "passwd/root-login", "boolean", "true" },
	{ "passwd/make-user", "boolean", "false" },
	{ "apt-setup/cdrom/set-first", "boolean", "false" },
	{ "apt-setup/use_mirror", "boolean", "true" },
	{ "apt-setup/services-select", "multiselect", "" },
	{ "pkgsel/run_tasksel", "boolean", "false" },
	{ "pkgsel/upgrade", "select", "none" },
	{ "pkgsel/update-policy", "select", "none" },
	{ "grub-installer/only_debian", "boolean", "true" },
	{ "grub-installer/with_other_os", "boolean", "true" },
	{ "grub-installer/bootdev", "string", "/dev/sda" },
	{ "grub-installer/force-efi-extra-removable", "boolean", "true" },
	{ "finish-install/reboot_in_progress", "note", "" },
	{ POWEROFF, "boolean", "true" },
	{ "cdrom-detect/eject", "boolean", "false" },
	{ "partman-auto/disk", "string", "/dev/sda" },
	{ "partman-auto/method", "string", "regular" },
	{ "partman-auto/choose_recipe", "select", "nestctl" },
	{ "partman-partitioning/confirm_write_new_label", "boolean", "true" },
	{ "partman-efi/non_efi_system", "boolean", "true" },
	{ "partman-basicfilesystems/no_swap", "boolean", "false" },
	{ "partman/choose_partition", "select", "finish" },
	{ "partman/confirm", "boolean", "true" },
	{ "partman/confirm_nooverwrite", "boolean", "true" },
};

static void questions_fixed(const struct answers_network *network, struct buf *text)
{
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		if (!network || !str_equal(fixed[i].question, POWEROFF))
			answer(text, fixed[i].question, fixed[i].type, fixed[i].value);
	buf_text(text, "popularity-contest popularity-contest/participate boolean false\n");
}

static void questions_network(const struct layer *layer, struct buf *text)
{
	const struct network_spec *network = &layer->network;
	CLEANUP(free_cleanup) char *dns = strv_join(&network->dns, " ");

	answer(text, "netcfg/get_hostname", "string", layer->host_name);
	answer(text, "netcfg/hostname", "string", layer->host_name);
	answer(text, "netcfg/get_domain", "string", layer->domain);
	if (network->mode == ADDRESS_DHCP)
		return;
	CLEANUP(free_cleanup) char *ip = address_ip(network);
	CLEANUP(free_cleanup) char *netmask = address_netmask(network);
	answer(text, "netcfg/disable_autoconfig", "boolean", "true");
	answer(text, "netcfg/get_ipaddress", "string", ip);
	answer(text, "netcfg/get_netmask", "string", netmask);
	answer(text, "netcfg/get_gateway", "string", network->gateway);
	answer(text, "netcfg/get_nameservers", "string", dns);
	answer(text, "netcfg/confirm_static", "boolean", "true");
}

/* "https://HOST/PATH", as the installer asks for it: protocol, host, directory. */
static void question_mirror(const char *url, const char *suite, struct buf *text)
{
	bool tls = str_starts(url, "https://");
	const char *protocol = tls ? "https" : "http";
	const char *host = url + strlen(protocol) + strlen("://");
	size_t length = strcspn(host, "/");
	CLEANUP(free_cleanup) char *name = str_format("%.*s", (int)length, host);
	CLEANUP(free_cleanup) char *folder = str_copy(host + length);
	CLEANUP(free_cleanup) char *host_question = str_format("mirror/%s/hostname", protocol);
	CLEANUP(free_cleanup) char *folder_question = str_format("mirror/%s/directory", protocol);
	CLEANUP(free_cleanup) char *proxy_question = str_format("mirror/%s/proxy", protocol);

	answer(text, "mirror/country", "string", "manual");
	answer(text, "mirror/protocol", "string", protocol);
	answer(text, host_question, "string", name);
	/* The installer puts a slash behind it. */
	for (size_t end = strlen(folder); end > 0 && folder[end - 1] == '/'; end--)
		folder[end - 1] = '\0';
	answer(text, folder_question, "string", *folder ? folder : "/");
	answer(text, proxy_question, "string", "");
	answer(text, "mirror/suite", "string", suite);
}

/* The first mirror is the installer's, the others are added to apt's sources. */
static void questions_mirrors(const struct layer *layer, struct buf *text)
{
	CLEANUP(free_cleanup) char *mirrors = str_copy(layer->mirror);
	char *rest = NULL, *mirror = strtok_r(mirrors, " ", &rest);

	question_mirror(mirror, layer->release, text);
	for (unsigned i = 0; (mirror = strtok_r(NULL, " ", &rest)); i++)
		buf_format(text, "d-i apt-setup/local%u/repository string %s %s main\n", i, mirror,
			   layer->release);
}

/* ---- the disk ---- */

/* partman counts in megabytes of 10^6 bytes: never less than what was asked for. */
static unsigned long long megabytes(uint64_t bytes)
{
	return (bytes + 999999) / 1000000;
}

static void recipe_partition(const struct partition_spec *spec, struct buf *text)
{
	unsigned long long size = megabytes(spec->size_bytes);
	const char *filesystem = filesystem_kind_name(spec->filesystem);

	if (spec->size_bytes == PARTITION_REST)
		buf_text(text, " 500 10000 -1 ");
	else
		buf_format(text, " %llu %llu %llu ", size, size, size);
	if (spec->filesystem == FILESYSTEM_VFAT) {
		buf_text(text, "fat32 $primary{ } method{ efi } format{ } .");
		return;
	}
	if (spec->filesystem == FILESYSTEM_SWAP) {
		buf_text(text, "linux-swap $primary{ } method{ swap } format{ }");
	} else {
		buf_format(text, "%s $primary{ } ", filesystem);
		if (str_equal(spec->mount_point, "/"))
			buf_text(text, "$bootable{ } ");
		buf_format(text,
			   "method{ format } format{ } use_filesystem{ } filesystem{ %s } "
			   "mountpoint{ %s }",
			   filesystem, spec->mount_point);
	}
	if (*spec->label)
		buf_format(text, " label{ %s }", spec->label);
	buf_text(text, " .");
}

static void questions_disk(const struct layer *layer, struct buf *text)
{
	const struct disk_spec *disk = &layer->disk;

	answer(text, "partman-partitioning/choose_label", "string",
	       disk->table == TABLE_GPT ? "gpt" : "msdos");
	answer(text, "partman-partitioning/default_label", "string",
	       disk->table == TABLE_GPT ? "gpt" : "msdos");
	buf_text(text, "d-i partman-auto/expert_recipe string nestctl ::");
	for (size_t i = 0; i < disk->partition_count; i++)
		recipe_partition(&disk->partitions[i], text);
	buf_text(text, "\n");
}

/* ---- what has no question ---- */

/* /etc/network/interfaces of ifupdown, which the installer leaves in place. */
static char *interfaces(const struct layer *layer)
{
	const struct network_spec *network = &layer->network;
	const char *name = address_interface(layer);
	CLEANUP(free_cleanup) char *dns = strv_join(&network->dns, " ");
	CLEANUP(buf_done) struct buf text = { 0 };

	buf_format(&text, "# Written by nestctl.\nauto lo\niface lo inet loopback\n\nauto %s\n",
		   name);
	buf_format(&text, "iface %s inet %s\n", name,
		   network->mode == ADDRESS_STATIC ? "static" : "dhcp");
	if (network->mode == ADDRESS_STATIC)
		buf_format(&text, "\taddress %s\n", network->address);
	if (*network->gateway)
		buf_format(&text, "\tgateway %s\n", network->gateway);
	if (*dns)
		buf_format(&text, "\tdns-nameservers %s\n", dns);
	if (layer->role == ROLE_HOST)
		buf_text(&text, "\tbridge_ports eth0\n\tbridge_stp off\n\tbridge_fd 0\n");
	for (size_t i = 0; i < network->routes.count; i++)
		buf_format(&text, "\tup ip route replace %s\n", network->routes.items[i]);
	if (layer->role == ROLE_HOST)
		buf_text(&text, "\niface eth0 inet manual\n");
	return str_copy(buf_str(&text));
}

/* An installer that fetches its answers has its names and name servers from DHCP by then, and those
 * would stay; what DHCP says of names goes before what other ones are told, too. A layer without
 * name servers of its own keeps DHCP's. */
static void names(const struct layer *layer, struct setup *setup)
{
	const struct network_spec *network = &layer->network;
	CLEANUP(buf_done) struct buf text = { 0 };

	host_names_overlay(layer, &setup->files);
	if (network->mode != ADDRESS_STATIC || network->dns.count == 0)
		return;
	if (*layer->domain)
		buf_format(&text, "search %s\n", layer->domain);
	for (size_t i = 0; i < network->dns.count; i++)
		buf_format(&text, "nameserver %s\n", network->dns.items[i]);
	overlay_text(&setup->files, "/etc/resolv.conf", 0644, "%s", buf_str(&text));
}

/* The agent's bytes are in it where nothing else brings them. */
static int preseed_script(const struct answers_request *request, char **ret_text, struct err *err)
{
	const struct layer *layer = request->layer;
	CLEANUP(setup_done) struct setup setup = { 0 };
	CLEANUP(free_cleanup) char *defaults = setup_grub_defaults(layer);
	CLEANUP(free_cleanup) char *network = interfaces(layer);

	overlay_text(&setup.files, "/etc/default/grub.d/nestctl.cfg", 0644, "%s%s", defaults,
		     is_xen(layer) ? "XEN_OVERRIDE_GRUB_DEFAULT=1\n" : "");
	overlay_text(&setup.files, "/etc/network/interfaces", 0644, "%s", network);
	names(layer, &setup);
	overlay_text(&setup.files, "/etc/default/locale", 0644, "LANG=%s\n", layer->locale);
	int r = setup_layer(&setup, request, INIT_SYSTEMD, request->network != NULL, err);
	for (size_t i = 0; i < layer->services.count; i++)
		setup_enable(&setup, layer->services.items[i]);
	buf_text(&setup.commands, "update-grub\n");
	return r < 0 ? r : setup_script(&setup, ret_text, err);
}

/* In comments of the file itself. */
static int script_add(const struct answers_request *request, struct buf *text, struct err *err)
{
	CLEANUP(free_cleanup) char *script = NULL;
	int r = preseed_script(request, &script, err);

	for (const char *line = script; line && *line;) {
		size_t length = strcspn(line, "\n");

		buf_format(text, SCRIPT_MARK "%.*s\n", (int)length, line);
		line += length + (line[length] == '\n');
	}
	return r;
}

/* A server that is started anew is waited for: an installer that failed asks a person. One whose
 * machine vanished resets nothing. */
static void script_fetch(const char *url, struct buf *text)
{
	buf_format(text,
		   "fetch() { (umask 077; exec wget -q -O /target" SCRIPT_PATH " %s) & " SHELL_WAIT
		   "; }; n=0; until fetch; do "
		   "n=$((n+1)); [ $n -lt 30 ] || exit 1; sleep 10; done; ",
		   url);
}

static void script_extract(bool agent, struct buf *text)
{
	if (agent)
		buf_text(text, "mkdir -p /target/usr/lib/nestctl && "
			       "cp /" AGENT_FILE " /target" AGENT_PATH " && "
			       "chmod 755 /target" AGENT_PATH " && ");
	buf_text(text, "sed -n 's/^" SCRIPT_MARK "//p' /preseed.cfg > /target" SCRIPT_PATH " && ");
}

/* The shell of the installer runs it, outside the new system. A file that came over the network is
 * not kept. */
static void late_command(const struct answers_request *request, struct buf *text)
{
	buf_text(text, "d-i preseed/late_command string ");
	if (request->network)
		script_fetch(request->network->script, text);
	else
		script_extract(request->agent != NULL, text);
	buf_text(text, "in-target sh " SCRIPT_PATH " && rm -f /target" SCRIPT_PATH "\n");
}

static int preseed_emit(const struct answers_request *request, char **ret_text, struct err *err)
{
	const struct layer *layer = request->layer;
	const struct answers_release *common = NULL;
	CLEANUP(buf_done) struct buf text = { 0 };
	int r = answers_begin(&preseed_format, layer, &common, err);

	if (r < 0)
		return r;
	const struct debian_release *release = (const struct debian_release *)common;
	CLEANUP(strv_done)
	struct strv names = layer_packages(layer, is_xen(layer) ? release->xen : NULL);
	strv_add(&names, "openssh-server");
	CLEANUP(free_cleanup) char *packages = strv_join(&names, " ");

	buf_format(&text, "# Written by nestctl, for %s.\n", common->title);
	answer(&text, "debian-installer/locale", "string", installed_locale(layer));
	answer(&text, "keyboard-configuration/xkb-keymap", "select", layer->keymap);
	answer(&text, "time/zone", "string", layer->time_zone);
	questions_network(layer, &text);
	questions_mirrors(layer, &text);
	answer(&text, "passwd/root-password-crypted", "password",
	       *layer->root_password_hash ? layer->root_password_hash : "!");
	questions_disk(layer, &text);
	answer(&text, "pkgsel/include", "string", packages);
	questions_fixed(request->network, &text);
	late_command(request, &text);
	if (!request->network)
		r = script_add(request, &text, err);
	if (r == 0)
		*ret_text = str_copy(buf_str(&text));
	return r;
}

const struct answers_format preseed_format = {
	.name = "preseed",
	.family = OS_DEBIAN,
	.file_name = "preseed.cfg",
	.initrd_args = "auto=true priority=critical net.ifnames=0",
	.agent = true,
	.partitions = true,
	.powers_off = true,
	.limits = (const struct answers_limit[]){ { 0 } },
	.release = release_at,
	.check = check,
	.emit = preseed_emit,
	.script = preseed_script,
};
