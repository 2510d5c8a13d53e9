#include "profile/keys.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "pattern/pattern.h"
#include "profile/names.h"
#include "profile/valid.h"

#define FILE_MAX_BYTES (16u << 20)
#define KIB	       UINT64_C(1024)
#define MIB	       (KIB * KIB)
#define GIB	       (KIB * MIB)
#define TIB	       (KIB * GIB)

#define IN(field) offsetof(struct layer, field)

const struct key_row layer_keys[] = {
	{ .path = "name",
	  .type = KEY_TEXT,
	  .offset = IN(name),
	  .valid = valid_name,
	  .allowed = "letters, digits, - _ and ., at most 63, beginning with a letter or digit",
	  .help = "Name of the machine; no two layers of a stack share one" },
	{ .path = "role",
	  .type = KEY_ENUM,
	  .offset = IN(role),
	  .names = role_names,
	  .help = "A host runs a hypervisor and holds other layers; a guest does not" },
	{ .path = "hypervisor",
	  .type = KEY_ENUM,
	  .offset = IN(hypervisor),
	  .names = hypervisor_names,
	  .default_text = "none",
	  .help = "What a host runs" },
	{ .path = "pattern",
	  .type = KEY_PATTERN,
	  .offset = IN(pattern),
	  .help = "Packages, services and arguments that make the OS what it is" },

	{ .path = "os.family",
	  .type = KEY_ENUM,
	  .offset = IN(os_family),
	  .names = os_family_names,
	  .default_text = "debian",
	  .help = "Family of the operating system" },
	{ .path = "os.release",
	  .type = KEY_TEXT,
	  .offset = IN(release),
	  .valid = valid_release,
	  .allowed = "a release's name",
	  .default_text = "bookworm",
	  .help = "Release: bookworm, trixie; of other families those that docs/installers.md lists" },
	{ .path = "os.mirror",
	  .type = KEY_TEXT,
	  .offset = IN(mirror),
	  .valid = valid_mirror,
	  .allowed = "an http, https or file URL",
	  .default_text = "",
	  .help = "Where packages come from; empty: where this machine's own apt gets them" },
	{ .path = "os.packages",
	  .type = KEY_TEXTS,
	  .offset = IN(packages),
	  .valid = valid_package,
	  .allowed = "package names",
	  .default_text = "[]",
	  .help = "Packages besides the pattern's" },
	{ .path = "os.groups",
	  .type = KEY_TEXTS,
	  .offset = IN(groups),
	  .valid = valid_name,
	  .allowed = "names of package groups",
	  .default_text = "[]",
	  .help = "Package groups: file-server, web-server, development" },

	{ .path = "machine.type",
	  .type = KEY_ENUM,
	  .offset = IN(machine.type),
	  .names = machine_type_names,
	  .default_text = "hvm",
	  .help = "Fully virtualized (hvm), paravirtualized (pv) or the mixture of both (pvh)" },
	{ .path = "machine.vcpus",
	  .type = KEY_NUMBER,
	  .offset = IN(machine.vcpus),
	  .min = 1,
	  .max = 128,
	  .default_text = "1",
	  .help = "Virtual CPUs" },
	{ .path = "machine.memory",
	  .type = KEY_SIZE,
	  .offset = IN(machine.memory_bytes),
	  .min = 64 * MIB,
	  .max = 4 * TIB,
	  .default_text = "1GiB",
	  .help = "Memory, initial and maximum alike" },
	{ .path = "machine.nested",
	  .type = KEY_BOOL,
	  .offset = IN(machine.nested),
	  .default_text = "false",
	  .help = "Whether hypervisors may run in it (hap and nestedhvm under Xen)" },
	{ .path = "machine.disk_bus",
	  .type = KEY_ENUM,
	  .offset = IN(machine.disk_bus),
	  .names = disk_bus_names,
	  .default_text = "ahci",
	  .help = "What the disk hangs on; xen is the paravirtualized one of pv and pvh machines" },
	{ .path = "machine.nic",
	  .type = KEY_ENUM,
	  .offset = IN(machine.nic),
	  .names = nic_model_names,
	  .default_text = "e1000",
	  .help = "Network card; netfront is the paravirtualized one of pv and pvh machines" },
	{ .path = "machine.mac",
	  .type = KEY_TEXT,
	  .offset = IN(machine.mac),
	  .valid = valid_mac,
	  .allowed = "a unicast MAC address such as 00:16:3e:1e:73:af",
	  .default_text = "",
	  .help = "MAC address; empty: one derived from the names of stack and layer" },

	{ .path = "disk.size",
	  .type = KEY_SIZE,
	  .offset = IN(disk.size_bytes),
	  .min = 0,
	  .max = 64 * TIB,
	  .default_text = "0",
	  .help = "Size of the disk (sparse); 0: no disk" },
	{ .path = "disk.table",
	  .type = KEY_ENUM,
	  .offset = IN(disk.table),
	  .names = table_kind_names,
	  .default_text = "mbr",
	  .help = "Partition table" },
	{ .path = "disk.partitions",
	  .type = KEY_PARTITIONS,
	  .offset = IN(disk),
	  .default_text = "[]",
	  .help = "Partitions, in the order on the disk" },

	{ .path = "disk.extra",
	  .type = KEY_SIZES,
	  .offset = IN(disk.extra),
	  .min = MIB,
	  .max = 64 * TIB,
	  .default_text = "[]",
	  .help = "Sizes of further disks, which stay empty; of layers that are installed from a "
		  "medium" },

	{ .path = "install.medium",
	  .type = KEY_MEDIUM,
	  .offset = IN(install.medium),
	  .valid = valid_medium,
	  .allowed = "a URL, or a path relative to the file that names it",
	  .default_text = "",
	  .help = "ISO image of the vendor's installer, which installs the layer; empty: the layer is "
		  "made directly from packages" },
	{ .path = "install.sha256",
	  .type = KEY_TEXT,
	  .offset = IN(install.sha256),
	  .valid = valid_sha256,
	  .allowed = "64 hex digits in lower case",
	  .default_text = "",
	  .help = "SHA-256 of the medium; a URL must have one" },
	{ .path = "install.kernel_args",
	  .type = KEY_TEXT,
	  .offset = IN(install.kernel_args),
	  .max = 1024,
	  .valid = valid_arguments,
	  .allowed = "arguments without quotes",
	  .default_text = "",
	  .help = "Arguments of the installer's kernel besides those that it needs" },
	{ .path = "install.timeout",
	  .type = KEY_NUMBER,
	  .offset = IN(install.timeout_seconds),
	  .min = 30,
	  .max = 86400,
	  .default_text = "3600",
	  .help = "Seconds from the installer's start to the power-off with which it ends" },

	{ .path = "boot.loader",
	  .type = KEY_ENUM,
	  .offset = IN(boot_loader),
	  .names = boot_loader_names,
	  .default_text = "grub2-bios",
	  .help = "Boot loader; the -efi ones start a UEFI machine; direct: the outer hypervisor loads "
		  "kernel and initramfs (pv, pvh)" },
	{ .path = "boot.hypervisor_args",
	  .type = KEY_TEXT,
	  .offset = IN(hypervisor_args),
	  .max = 1024,
	  .valid = valid_arguments,
	  .allowed = "arguments without quotes",
	  .default_text = "",
	  .help = "Arguments of the hypervisor besides the pattern's" },
	{ .path = "boot.kernel_args",
	  .type = KEY_TEXT,
	  .offset = IN(kernel_args),
	  .max = 1024,
	  .valid = valid_arguments,
	  .allowed = "arguments without quotes",
	  .default_text = "",
	  .help = "Arguments of the kernel (dom0's in a host) besides the pattern's" },
	{ .path = "boot.dom0_memory",
	  .type = KEY_SIZE,
	  .offset = IN(dom0_memory_bytes),
	  .min = 256 * MIB,
	  .max = 1 * TIB,
	  .default_text = "768MiB",
	  .help = "Memory of a host's dom0; the rest is for guests" },
	{ .path = "boot.menu_timeout",
	  .type = KEY_NUMBER,
	  .offset = IN(menu_timeout_seconds),
	  .min = 0,
	  .max = 3600,
	  .default_text = "0",
	  .help = "Seconds that the boot menu waits" },

	{ .path = "host_name",
	  .type = KEY_TEXT,
	  .offset = IN(host_name),
	  .valid = valid_host_name,
	  .allowed = "letters, digits and -, at most 63 (RFC 1123)",
	  .default_text = "=name",
	  .help = "Host name without domain; that of the layer where it is not given" },
	{ .path = "domain",
	  .type = KEY_TEXT,
	  .offset = IN(domain),
	  .valid = valid_domain,
	  .allowed = "names with dots between them",
	  .default_text = "",
	  .help = "DNS domain" },
	{ .path = "locale",
	  .type = KEY_TEXT,
	  .offset = IN(locale),
	  .valid = valid_locale,
	  .allowed = "a locale such as ja_JP.UTF-8",
	  .default_text = "C.UTF-8",
	  .help = "Locale" },
	{ .path = "time_zone",
	  .type = KEY_TEXT,
	  .offset = IN(time_zone),
	  .valid = valid_time_zone,
	  .allowed = "a zone such as Asia/Tokyo",
	  .default_text = "UTC",
	  .help = "Time zone" },
	{ .path = "keymap",
	  .type = KEY_TEXT,
	  .offset = IN(keymap),
	  .valid = valid_name,
	  .allowed = "a keyboard layout such as us",
	  .default_text = "us",
	  .help = "Keyboard layout" },

	{ .path = "network.bridge",
	  .type = KEY_TEXT,
	  .offset = IN(network.bridge),
	  .valid = valid_interface,
	  .allowed = "an interface name of at most 15 letters and digits",
	  .default_text = "br0",
	  .help = "Hosts: the bridge over the network card, for the guests" },
	{ .path = "network.address",
	  .type = KEY_ADDRESS,
	  .offset = IN(network),
	  .default_text = "dhcp",
	  .help = "dhcp, or a static address with its prefix length" },
	{ .path = "network.gateway",
	  .type = KEY_TEXT,
	  .offset = IN(network.gateway),
	  .valid = valid_ip,
	  .allowed = "an IPv4 address",
	  .default_text = "",
	  .help = "Gateway of a static address" },
	{ .path = "network.dns",
	  .type = KEY_TEXTS,
	  .offset = IN(network.dns),
	  .valid = valid_ip,
	  .allowed = "IPv4 addresses",
	  .default_text = "[]",
	  .help = "Name servers" },

	{ .path = "network.routes",
	  .type = KEY_TEXTS,
	  .offset = IN(network.routes),
	  .valid = valid_route,
	  .allowed = "routes such as 10.1.0.0/16 via 10.0.2.3",
	  .default_text = "[]",
	  .help = "Static routes besides the one to the gateway" },
	{ .path = "services",
	  .type = KEY_TEXTS,
	  .offset = IN(services),
	  .valid = valid_name,
	  .allowed = "names of services",
	  .default_text = "[]",
	  .help = "Services that are enabled besides those of the pattern" },

	{ .path = "root_password_hash",
	  .type = KEY_TEXT,
	  .offset = IN(root_password_hash),
	  .valid = valid_password_hash,
	  .allowed = "a hash in crypt(5) form, as `openssl passwd -6` makes it, never the password",
	  .default_text = "",
	  .secret = true,
	  .help = "Root's password, as a hash only; empty: it is locked" },
	{ .path = "ssh_keys",
	  .type = KEY_TEXTS,
	  .offset = IN(ssh_keys),
	  .valid = valid_ssh_key,
	  .allowed = "public keys as in authorized_keys",
	  .default_text = "[]",
	  .secret = true,
	  .help = "Public keys that may log in as root" },
	{ .path = "files",
	  .type = KEY_FILES,
	  .offset = 0,
	  .default_text = "[]",
	  .help = "Extra files" },
	{ .path = "guest_config",
	  .type = KEY_TEXTS,
	  .offset = IN(guest_config_lines),
	  .valid = valid_line,
	  .allowed = "lines of a guest config",
	  .default_text = "[]",
	  .help = "Raw lines for the layer's guest config; each replaces the line of the same key" },
	{ .path = "timeouts.boot",
	  .type = KEY_NUMBER,
	  .offset = IN(boot_timeout_seconds),
	  .min = 5,
	  .max = 86400,
	  .default_text = "300",
	  .help = "Seconds from power-on of the layer to its agent's first word" },
	{ .path = "timeouts.proof",
	  .type = KEY_NUMBER,
	  .offset = IN(proof_timeout_seconds),
	  .min = 5,
	  .max = 86400,
	  .default_text = "180",
	  .help = "Seconds from the agent's first word to its proof" },
	{ .path = NULL },
};

const struct key_row partition_keys[] = {
	{ .path = "size",
	  .type = KEY_REST_SIZE,
	  .offset = offsetof(struct partition_spec, size_bytes),
	  .min = MIB,
	  .max = 64 * TIB,
	  .help = "Size, or rest: what the others leave" },
	{ .path = "filesystem",
	  .type = KEY_ENUM,
	  .offset = offsetof(struct partition_spec, filesystem),
	  .names = filesystem_kind_names,
	  .help = "What it holds" },
	{ .path = "label",
	  .type = KEY_TEXT,
	  .offset = offsetof(struct partition_spec, label),
	  .valid = valid_label,
	  .allowed = "at most 16 bytes",
	  .default_text = "",
	  .help = "Label of the file system" },
	{ .path = "mount",
	  .type = KEY_TEXT,
	  .offset = offsetof(struct partition_spec, mount_point),
	  .valid = valid_mount_point,
	  .allowed = "/, " ESP_MOUNT_POINT ", or a folder in /srv, /home, /data, /mnt, /opt or "
		     "/var/lib/xen/images",
	  .default_text = "",
	  .help = "Mount point" },
	{ .path = NULL },
};

const struct key_row file_keys[] = {
	{ .path = "path",
	  .type = KEY_TEXT,
	  .offset = offsetof(struct file_spec, path),
	  .valid = valid_absolute_path,
	  .allowed = "an absolute path without . and ..",
	  .help = "Where the file lies in the layer" },
	{ .path = "content",
	  .type = KEY_TEXT,
	  .offset = SIZE_MAX,
	  .default_text = "",
	  .help = "What it holds; or source" },
	{ .path = "source",
	  .type = KEY_TEXT,
	  .offset = SIZE_MAX,
	  .default_text = "",
	  .help = "A file whose content it gets, relative to the file that names it; or content" },
	{ .path = "mode",
	  .type = KEY_MODE,
	  .offset = offsetof(struct file_spec, mode),
	  .default_text = "0644",
	  .help = "Permission bits, octal; the owner is root" },
	{ .path = NULL },
};

/* ---- one value ---- */

struct value {
	const struct key_row *row;
	const struct node *node; /* NULL: the default's */
	const char *text;
	struct mark mark;
	const char *prefix;
	struct diagnostics *diagnostics;
};

char *key_allowed(const struct key_row *row)
{
	CLEANUP(free_cleanup) char *min = size_format(row->min);
	CLEANUP(free_cleanup) char *max = size_format(row->max);

	switch (row->type) {
	case KEY_SIZE:
		return str_format("%sa size from %s to %s in KiB, MiB, GiB or TiB",
				  row->min == 0 ? "0, or " : "", row->min == 0 ? "1KiB" : min, max);
	case KEY_REST_SIZE:
		return str_format("a size from %s to %s in KiB, MiB, GiB or TiB, or rest", min,
				  max);
	case KEY_NUMBER:
		return str_format("a number from %llu to %llu", (unsigned long long)row->min,
				  (unsigned long long)row->max);
	case KEY_MODE:
		return str_copy("permission bits in octal, such as 0644");
	case KEY_BOOL:
		return str_copy("true or false");
	case KEY_ADDRESS:
		return str_copy("dhcp, or an address such as 10.0.2.15/24");
	case KEY_ENUM:
		return names_list(row->names);
	case KEY_PATTERN:
		return pattern_names();
	case KEY_SIZES:
		return str_format("sizes from %s to %s in KiB, MiB, GiB or TiB", min, max);
	case KEY_PARTITIONS:
	case KEY_FILES:
		return str_copy("a list of keys and values");
	case KEY_TEXT:
	case KEY_TEXTS:
	case KEY_MEDIUM:
		break;
	}
	return str_copy(row->allowed ? row->allowed : "a text");
}

static void value_report(const struct value *value, const char *allowed)
{
	const struct node *node = value->node;
	CLEANUP(free_cleanup)
	char *found = !node ? str_copy("nothing")
		      : value->row->secret && node->kind == NODE_SCALAR
			      ? str_copy("something else (not shown: it may be a secret)")
			      : node_describe(node);

	diagnostic_add(value->diagnostics, &value->mark, "%s%s: found %s; allowed is %s",
		       value->prefix, value->row->path, found, allowed);
}

static void value_wrong(const struct value *value)
{
	CLEANUP(free_cleanup) char *allowed = key_allowed(value->row);

	value_report(value, allowed);
}

static void text_parse(const struct value *value, char **field)
{
	const struct key_row *row = value->row;
	CLEANUP(free_cleanup)
	char *longest = str_format("at most %llu bytes", (unsigned long long)row->max);

	if (row->max && strlen(value->text) > row->max)
		value_report(value, longest);
	else if (row->valid && !row->valid(value->text))
		value_wrong(value);
	free(*field);
	*field = str_copy(value->text);
}

/* A bare number is more often a forgotten unit than a number of bytes. */
static bool lacks_unit(const char *text)
{
	return text[strspn(text, "0123456789")] == '\0' && !str_equal(text, "0");
}

static void size_parse_value(const struct value *value, uint64_t *field)
{
	const struct key_row *row = value->row;

	if (row->type == KEY_REST_SIZE && str_equal(value->text, "rest"))
		*field = PARTITION_REST;
	else if (lacks_unit(value->text) || size_parse(value->text, field) < 0 ||
		 *field < row->min || *field > row->max)
		value_wrong(value);
}

static void number_parse(const struct value *value, unsigned *field)
{
	const struct key_row *row = value->row;
	char *end = NULL;

	errno = 0;
	unsigned long number = strtoul(value->text, &end, 10);
	if (!isdigit((unsigned char)value->text[0]) || *end || errno || number < row->min ||
	    number > row->max)
		value_wrong(value);
	*field = (unsigned)number;
}

static void mode_parse(const struct value *value, uint32_t *field)
{
	char *end = NULL;
	unsigned long mode = strtoul(value->text, &end, 8);

	if (!isdigit((unsigned char)value->text[0]) || *end || mode > 07777 || mode == 0)
		value_wrong(value);
	*field = (uint32_t)mode;
}

static void bool_parse(const struct value *value, bool *field)
{
	*field = str_equal(value->text, "true");
	if ((!*field && !str_equal(value->text, "false")) || (value->node && value->node->quoted))
		value_wrong(value);
}

static void enum_parse(const struct value *value, int *field)
{
	int index = name_index(value->row->names, value->text);

	if (index < 0)
		value_wrong(value);
	*field = index < 0 ? 0 : index;
}

static void pattern_parse(const struct value *value, const struct pattern **field)
{
	*field = pattern_find(value->text);
	if (!*field)
		value_wrong(value);
}

static void address_parse(const struct value *value, struct network_spec *network)
{
	uint32_t address;
	unsigned bits;

	network->mode = str_equal(value->text, "dhcp") ? ADDRESS_DHCP : ADDRESS_STATIC;
	if (network->mode == ADDRESS_STATIC && !cidr_parse(value->text, &address, &bits))
		value_wrong(value);
	free(network->address);
	network->address = str_copy(network->mode == ADDRESS_STATIC ? value->text : "");
}

/* What is no URL is relative to the file that names it. */
static void medium_parse(const struct value *value, char **field)
{
	text_parse(value, field);
	if (!**field || !value->node || strstr(*field, "://"))
		return;
	CLEANUP(free_cleanup) char *folder = path_folder(value->node->mark.file);
	char *path = path_join(folder, *field);
	free(*field);
	*field = path;
}

/* ---- lists ---- */

static bool is_list(const struct value *value)
{
	if (!value->node)
		return false; /* the default of every list is the empty one */
	if (value->node->kind == NODE_LIST)
		return true;
	value_report(value, "a list");
	return false;
}

static void texts_parse(const struct value *value, struct strv *field)
{
	for (size_t i = 0; is_list(value) && i < value->node->count; i++) {
		struct value item = *value;

		item.node = value->node->items[i];
		item.mark = item.node->mark;
		if (item.node->kind != NODE_SCALAR ||
		    (value->row->valid && !value->row->valid(item.node->text)))
			value_wrong(&item);
		else
			strv_add(field, item.node->text);
	}
}

static void sizes_parse(const struct value *value, struct sizes *field)
{
	const struct key_row *row = value->row;

	for (size_t i = 0; is_list(value) && i < value->node->count; i++) {
		struct value item = *value;
		uint64_t bytes = 0;

		item.node = value->node->items[i];
		item.mark = item.node->mark;
		if (item.node->kind != NODE_SCALAR || lacks_unit(item.node->text) ||
		    size_parse(item.node->text, &bytes) < 0 || bytes < row->min ||
		    bytes > row->max) {
			value_wrong(&item);
			continue;
		}
		field->bytes = mem_grow(field->bytes, field->count + 1, sizeof *field->bytes);
		field->bytes[field->count++] = bytes;
	}
}

/* The i-th item of a list of maps, reported if it is none. */
static const struct node *map_item(const struct value *value, size_t index)
{
	struct value item = *value;

	item.node = value->node->items[index];
	item.mark = item.node->mark;
	if (item.node->kind == NODE_MAP)
		return item.node;
	value_report(&item, "keys and values");
	return NULL;
}

static void partitions_parse(const struct value *value, struct disk_spec *disk)
{
	for (size_t i = 0; is_list(value) && i < value->node->count; i++) {
		const struct node *item = map_item(value, i);

		if (!item)
			continue;
		CLEANUP(free_cleanup)
		char *prefix = str_format("%s%s[%zu].", value->prefix, value->row->path, i + 1);
		disk->partitions = mem_grow(disk->partitions, disk->partition_count + 1,
					    sizeof *disk->partitions);
		struct partition_spec *spec = &disk->partitions[disk->partition_count++];
		*spec = (struct partition_spec){ .mark = item->mark };
		keys_parse(partition_keys, item, &item->mark, prefix, spec, value->diagnostics);
	}
}

/* A source is relative to the file that names it. */
static void source_read(const struct node *source, const char *prefix, struct file_spec *spec,
			struct diagnostics *diagnostics)
{
	CLEANUP(free_cleanup) char *folder = path_folder(source->mark.file);
	struct err err = { 0 };

	spec->source = path_join(folder, source->text);
	if (file_read(spec->source, FILE_MAX_BYTES, &spec->content, &spec->content_length, &err) <
	    0)
		diagnostic_add(diagnostics, &source->mark, "%ssource: %s", prefix, err.text);
	err_clear(&err);
}

static void file_content(const struct node *item, const char *prefix, struct file_spec *spec,
			 struct diagnostics *diagnostics)
{
	const struct node *content = node_at(item, "content");
	const struct node *source = node_at(item, "source");

	if (!content == !source) {
		diagnostic_add(diagnostics, &item->mark,
			       "%scontent: found %s; allowed is one of content and source", prefix,
			       content ? "source too" : "nothing");
	} else if (content && content->kind == NODE_SCALAR) {
		spec->content = str_copy(content->text);
		spec->content_length = strlen(content->text);
	} else if (source && source->kind == NODE_SCALAR) {
		source_read(source, prefix, spec, diagnostics);
	}
}

static void files_parse(const struct value *value, struct layer *layer)
{
	for (size_t i = 0; is_list(value) && i < value->node->count; i++) {
		const struct node *item = map_item(value, i);

		if (!item)
			continue;
		CLEANUP(free_cleanup)
		char *prefix = str_format("%s%s[%zu].", value->prefix, value->row->path, i + 1);
		layer->files = mem_grow(layer->files, layer->file_count + 1, sizeof *layer->files);
		struct file_spec *spec = &layer->files[layer->file_count++];
		*spec = (struct file_spec){ .mark = item->mark };
		keys_parse(file_keys, item, &item->mark, prefix, spec, value->diagnostics);
		file_content(item, prefix, spec, value->diagnostics);
	}
}

/* ---- the table at work ---- */

static void value_parse(const struct value *value, void *object)
{
	char *field = (char *)object + (value->row->offset == SIZE_MAX ? 0 : value->row->offset);

	switch (value->row->type) {
	case KEY_TEXTS:
		texts_parse(value, (struct strv *)field);
		return;
	case KEY_SIZES:
		sizes_parse(value, (struct sizes *)field);
		return;
	case KEY_PARTITIONS:
		partitions_parse(value, (struct disk_spec *)field);
		return;
	case KEY_FILES:
		files_parse(value, object);
		return;
	default:
		break;
	}
	if (value->node && value->node->kind != NODE_SCALAR) {
		value_report(value, "a single value");
		return;
	}
	if (value->row->offset == SIZE_MAX)
		return; /* read by whoever knows the object */
	switch (value->row->type) {
	case KEY_TEXT:
		text_parse(value, (char **)field);
		break;
	case KEY_MEDIUM:
		medium_parse(value, (char **)field);
		break;
	case KEY_SIZE:
	case KEY_REST_SIZE:
		size_parse_value(value, (uint64_t *)field);
		break;
	case KEY_NUMBER:
		number_parse(value, (unsigned *)field);
		break;
	case KEY_MODE:
		mode_parse(value, (uint32_t *)field);
		break;
	case KEY_BOOL:
		bool_parse(value, (bool *)field);
		break;
	case KEY_ENUM:
		enum_parse(value, (int *)field);
		break;
	case KEY_PATTERN:
		pattern_parse(value, (const struct pattern **)field);
		break;
	default:
		address_parse(value, (struct network_spec *)field);
		break;
	}
}

/* Edits that turn one word into the other, for "did you mean". Words here are short. */
static size_t distance(const char *a, const char *b)
{
	size_t row[128], length = strlen(b);

	if (length >= 127)
		return SIZE_MAX;
	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < length; j++) {
			size_t best = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			if (row[j + 1] + 1 < best)
				best = row[j + 1] + 1;
			if (row[j] + 1 < best)
				best = row[j] + 1;
			row[j + 1] = best;
		}
	}
	return row[length];
}

static void unknown_report(const struct key_row *keys, const char *prefix, const char *path,
			   const struct mark *mark, struct diagnostics *diagnostics)
{
	const char *nearest = NULL;
	size_t best = 4;

	for (const struct key_row *row = keys; row->path; row++) {
		size_t edits = distance(path, row->path);

		if (edits < best) {
			best = edits;
			nearest = row->path;
		}
	}
	diagnostic_add(diagnostics, mark, "%s%s: found an unknown key; %s%s", prefix, path,
		       nearest ? "did you mean "
			       : "nestctl schema --reference lists the allowed ones",
		       nearest ? nearest : "");
}

enum known { UNKNOWN, GROUP, KEY };

static enum known path_known(const struct key_row *keys, const char *path)
{
	size_t length = strlen(path);

	for (const struct key_row *row = keys; row->path; row++) {
		if (str_equal(row->path, path))
			return KEY;
		if (str_starts(row->path, path) && row->path[length] == '.')
			return GROUP;
	}
	return UNKNOWN;
}

static void unknown_find(const struct key_row *keys, const struct node *map, const char *above,
			 const char *prefix, struct diagnostics *diagnostics)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct node_pair *pair = &map->pairs[i];
		CLEANUP(free_cleanup) char *path = str_format("%s%s", above, pair->key);
		CLEANUP(free_cleanup) char *below = str_format("%s.", path);
		enum known known = path_known(keys, path);

		if (known == UNKNOWN)
			unknown_report(keys, prefix, path, &pair->mark, diagnostics);
		else if (known == GROUP && pair->value->kind == NODE_MAP)
			unknown_find(keys, pair->value, below, prefix, diagnostics);
		else if (known == GROUP) {
			CLEANUP(free_cleanup) char *found = node_describe(pair->value);

			diagnostic_add(diagnostics, &pair->value->mark,
				       "%s%s: found %s; allowed is keys and values", prefix, path,
				       found);
		}
	}
}

void key_wrong(const struct layer *layer, const char *key, struct diagnostics *diagnostics,
	       const char *format, va_list args)
{
	const struct node *node = node_at(layer->map, key);
	CLEANUP(free_cleanup) char *text = str_vformat(format, args);

	diagnostic_add(diagnostics, node ? &node->mark : &layer->mark, "%s: %s", key, text);
}

void keys_parse(const struct key_row *keys, const struct node *map, const struct mark *mark,
		const char *prefix, void *object, struct diagnostics *diagnostics)
{
	unknown_find(keys, map, "", prefix, diagnostics);
	for (const struct key_row *row = keys; row->path; row++) {
		const struct node *node = node_at(map, row->path);
		struct value value = { .row = row,
				       .node = node,
				       .mark = node ? node->mark : *mark,
				       .prefix = prefix,
				       .diagnostics = diagnostics };

		if (!node && !row->default_text) {
			value_wrong(&value);
			continue;
		}
		value.text = node && node->kind == NODE_SCALAR ? node->text : row->default_text;
		if (!node && str_equal(row->default_text, "=name"))
			continue; /* depends on another key: whoever knows the object fills it in */
		value_parse(&value, object);
	}
}
