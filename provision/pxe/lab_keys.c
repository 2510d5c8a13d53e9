/* What can stand in a lab file: the rows of profile/keys.h. */
#include "pxe/lab_keys.h"

#include <ctype.h>
#include <string.h>

#include "base/url_text.h"
#include "profile/forms.h"
#include "profile/valid.h"
#include "pxe/identity.h"

#define SIZE_FORM "[0-9]+(KiB|MiB|GiB|TiB)"
/* What boards report in place of a UUID of their own, in either byte order: of_many of identity.c.
 */
#define UUID_OF_MANY                                                                               \
	"0{8}(-0{4}){3}-0{12}$|[fF]{8}(-[fF]{4}){3}-[fF]{12}$|"                                    \
	"(03000200-0400-0500|00020003-0004-0005)-0006-000700080009$|"                              \
	"(12345678-1234-5678|78563412-3412-7856)-90[aA][bB]-[cC][dD]{2}[eE]{2}[fF][aA]{2}[bB]{2}[cC]{2}$"
#define WORD_FORM "[!-~]([ -~]*[!-~])?"

#define URL                                                                                        \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:/~%+=,[]" /* of mirrors \
										      */
#define MULTICAST UINT32_C(0xe0000000) /* 224.0.0.0 and all above it are no machine's own */

static const char *const lab_way_names[] = {
	[LAB_IMAGE] = "image",
	[LAB_ANSWERS] = "answers",
	NULL,
};

static const char *const lab_boot_names[] = {
	[LAB_BOOT_INSTALL] = "install",
	[LAB_BOOT_LOCAL] = "local",
	[LAB_BOOT_RESCUE] = "rescue",
	NULL,
};

const char *const lab_dhcp_names[] = {
	[LAB_DHCP_PROXY] = "proxy",
	[LAB_DHCP_FULL] = "full",
	[LAB_DHCP_NONE] = "none",
	NULL,
};

const char *lab_way_name(enum lab_way way)
{
	return lab_way_names[way];
}

const char *lab_boot_name(enum lab_boot boot)
{
	return lab_boot_names[boot];
}

/* ---- forms ---- */

static bool valid_lab_name(const char *text)
{
	return !*text || valid_name(text);
}

static bool machine_address(const char *text, uint32_t *ret_address)
{
	return ip_parse(text, ret_address) && *ret_address >> 24 != 0 && *ret_address < MULTICAST;
}

static bool valid_address(const char *text)
{
	uint32_t address;

	return machine_address(text, &address);
}

static bool valid_address_or_none(const char *text)
{
	return !*text || valid_address(text);
}

bool range_parse(const char *text, char **ret_first, char **ret_last)
{
	size_t length = strcspn(text, "-");
	CLEANUP(free_cleanup) char *first = str_format("%.*s", (int)length, text);

	if (!text[length] || !valid_address(first) || !valid_address(text + length + 1))
		return false;
	*ret_first = take(&first);
	*ret_last = str_copy(text + length + 1);
	return true;
}

static bool valid_range(const char *text)
{
	CLEANUP(free_cleanup) char *first = NULL;
	CLEANUP(free_cleanup) char *last = NULL;

	return !*text || range_parse(text, &first, &last);
}

/* A bare number is more often a forgotten unit than a number of bytes. */
static bool bound_parse(const char *text, uint64_t *ret_bytes)
{
	return !*text || (!isdigit((unsigned char)text[strlen(text) - 1]) &&
			  size_parse(text, ret_bytes) == 0);
}

bool disk_sizes_parse(const char *text, uint64_t *ret_min, uint64_t *ret_max)
{
	const char *dots = strstr(text, "..");
	uint64_t min = 0, max = LAB_DISK_MAX;

	if (!dots || (dots == text && !dots[2]))
		return false;
	CLEANUP(free_cleanup) char *lower = str_format("%.*s", (int)(dots - text), text);
	if (!bound_parse(lower, &min) || !bound_parse(dots + 2, &max) || min > max ||
	    max > LAB_DISK_MAX)
		return false;
	*ret_min = min;
	*ret_max = max;
	return true;
}

static bool valid_disk_sizes(const char *text)
{
	uint64_t min, max;

	return !*text || disk_sizes_parse(text, &min, &max);
}

static bool visible(const char *text, unsigned char least)
{
	for (; *text; text++)
		if ((unsigned char)*text < least || (unsigned char)*text > '~')
			return false;
	return true;
}

/* As the disk says it: without the blanks around it. */
static bool valid_serial(const char *text)
{
	size_t length = strlen(text);

	return visible(text, ' ') && (!length || (text[0] != ' ' && text[length - 1] != ' '));
}

static bool valid_by_id(const char *text)
{
	return visible(text, '!') && !strchr(text, '/') && text[0] != '.';
}

static bool valid_uuid(const char *text)
{
	char own[UUID_LENGTH + 1];

	if (!*text)
		return true;
	for (size_t i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return identity_uuid(text, own);
}

static bool valid_stack_path(const char *text)
{
	return *text && !is_url(text) && valid_line(text);
}

/* Not https: the netboot system knows no authority but the lab's, and needs none for what has its
 * hash in the ticket. */
static bool valid_server(const char *text)
{
	static const char http[] = "http://";

	const char *host = text + strlen(http);

	return str_starts(text, http) && *host && *host != '/' && strspn(host, URL) == strlen(host);
}

/* ---- the tables ---- */

#define IN(field) offsetof(struct lab_file, field)

const struct key_row lab_keys[] = {
	{ .path = "name",
	  .type = KEY_TEXT,
	  .offset = IN(lab.name),
	  .valid = valid_lab_name,
	  .form = "^(" NAME_FORM ")?$",
	  .allowed = "letters, digits, - _ and ., at most 63, beginning with a letter or digit",
	  .default_text = "",
	  .help = "Name of the lab, and of its folder; empty: that of the file" },

	{ .path = "network.interface",
	  .type = KEY_TEXT,
	  .offset = IN(lab.interface),
	  .valid = valid_interface,
	  .form = "^" INTERFACE_FORM "$",
	  .allowed = "an interface name: letters, digits, - _ and ., at most 15, beginning with a "
		     "letter or digit",
	  .help = "The network that the machines boot from; no other one is listened on" },
	{ .path = "network.address",
	  .type = KEY_TEXT,
	  .offset = IN(lab.address),
	  .valid = valid_address_or_none,
	  .form = "^(" SERVER_IP_FORM ")?$",
	  .allowed = "an IPv4 address of this machine",
	  .default_text = "",
	  .help = "Address of this server on the interface; empty: the interface's first" },
	{ .path = "network.dhcp",
	  .type = KEY_ENUM,
	  .offset = IN(lab.dhcp),
	  .names = lab_dhcp_names,
	  .default_text = "proxy",
	  .help = "proxy: another server gives the addresses, this one only says what to boot; full: "
		  "this one gives addresses too; none: another one does both" },
	{ .path = "network.range",
	  .type = KEY_TEXT,
	  .offset = IN(range),
	  .valid = valid_range,
	  .form = "^(" SERVER_IP_FORM "-" SERVER_IP_FORM ")?$",
	  .allowed = "two IPv4 addresses such as 10.20.0.100-10.20.0.199",
	  .default_text = "",
	  .help = "The addresses that are given, the first and the last; with dhcp: full" },
	{ .path = "network.lease",
	  .type = KEY_NUMBER,
	  .offset = IN(lab.lease_seconds),
	  .min = 120,
	  .max = 604800,
	  .default_text = "3600",
	  .help = "Seconds for which an address is given; with dhcp: full" },
	{ .path = "network.gateway",
	  .type = KEY_TEXT,
	  .offset = IN(lab.gateway),
	  .valid = valid_address_or_none,
	  .form = "^(" SERVER_IP_FORM ")?$",
	  .allowed = "an IPv4 address",
	  .default_text = "",
	  .help = "Gateway that the machines are told of; with dhcp: full" },
	{ .path = "network.dns",
	  .type = KEY_TEXTS,
	  .offset = IN(lab.dns),
	  .valid = valid_address,
	  .form = "^" SERVER_IP_FORM "$",
	  .allowed = "IPv4 addresses",
	  .default_text = "[]",
	  .help = "Name servers that the machines are told of; with dhcp: full" },

	{ .path = "ports.boot",
	  .type = KEY_NUMBER,
	  .offset = IN(lab.ports.boot),
	  .min = 1,
	  .max = 65535,
	  .default_text = "8080",
	  .help = "HTTP: boot scripts, kernels, installers' media" },
	{ .path = "ports.secure",
	  .type = KEY_NUMBER,
	  .offset = IN(lab.ports.secure),
	  .min = 1,
	  .max = 65535,
	  .default_text = "8443",
	  .help = "HTTPS: images, and what installers report" },
	{ .path = "ports.answers",
	  .type = KEY_NUMBER,
	  .offset = IN(lab.ports.answers),
	  .min = 1,
	  .max = 65535,
	  .default_text = "8081",
	  .help = "HTTP: answer files, for installers that cannot do TLS" },
	{ .path = "ports.agents",
	  .type = KEY_NUMBER,
	  .offset = IN(lab.ports.agents),
	  .min = 1,
	  .max = 65535,
	  .default_text = "7071",
	  .help = "TCP: the agents of installed machines" },
	{ .path = "ports.status",
	  .type = KEY_NUMBER,
	  .offset = IN(lab.ports.status),
	  .min = 1,
	  .max = 65535,
	  .default_text = "8088",
	  .help = "HTTP: the status page" },
	{ .path = "status.address",
	  .type = KEY_TEXT,
	  .offset = IN(lab.status_address),
	  .valid = valid_address,
	  .form = "^" SERVER_IP_FORM "$",
	  .allowed = "an IPv4 address of this machine",
	  .default_text = "127.0.0.1",
	  .help = "Where the status page is, which anybody who reaches it can read; decisions are taken from this machine alone" },
	{ .path = "mirrors",
	  .type = KEY_TEXTS,
	  .offset = IN(lab.mirrors),
	  .valid = valid_server,
	  .form = "^http://[A-Za-z0-9_.:~%+=,\\[\\]-][A-Za-z0-9_.:/~%+=,\\[\\]-]*$",
	  .allowed = "http:// URLs (not https) such as http://10.20.0.5/lab",
	  .default_text = "[]",
	  .help = "Further servers that have a copy of the lab's images" },
	{ .path = "machines",
	  .type = KEY_ROWS,
	  .offset = SIZE_MAX,
	  .rows = machine_keys,
	  .help = "The machines" },
	{ .path = NULL },
};

#undef IN
#define IN(field) offsetof(struct machine_row, field)

const struct key_row machine_keys[] = {
	{ .path = "name",
	  .type = KEY_TEXT,
	  .offset = IN(name),
	  .valid = valid_host_name,
	  .form = "^" LABEL_FORM "$",
	  .allowed = "letters, digits and -, at most 63 (RFC 1123)",
	  .help = "Name of the machine, and host name of its outermost layer, whatever the stack "
		  "says; with any a number follows: node-1" },
	{ .path = "mac",
	  .type = KEY_TEXT,
	  .offset = IN(mac),
	  .valid = valid_mac,
	  .form = "^(" MAC_FORM ")?$",
	  .allowed = "a unicast MAC address such as 52:54:00:12:34:56",
	  .default_text = "",
	  .help = "What it is known by: the MAC address of the card that it boots from" },
	{ .path = "uuid",
	  .type = KEY_TEXT,
	  .offset = IN(uuid),
	  .valid = valid_uuid,
	  .form = "^((?!" UUID_OF_MANY ")[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?$",
	  .allowed = "a UUID such as 4c4c4544-0047-3510-8054-b7c04f4e3732, none that many boards "
		     "have (zeros, 03000200-0400-...)",
	  .default_text = "",
	  .help = "Or its UUID, as its firmware has it (SMBIOS)" },
	{ .path = "any",
	  .type = KEY_NUMBER,
	  .offset = IN(any),
	  .min = 0,
	  .max = 1000,
	  .default_text = "0",
	  .help = "Or nothing: so many machines, the first ones that boot and are not listed" },
	{ .path = "stack",
	  .type = KEY_PATH,
	  .offset = IN(stack),
	  .valid = valid_stack_path,
	  .form = "^(?![A-Za-z+]{2,}://)" TEXT_FORM "+$",
	  .allowed = "a stack file's path relative to the lab file",
	  .help = "What it becomes" },
	{ .path = "way",
	  .type = KEY_ENUM,
	  .offset = IN(way),
	  .names = lab_way_names,
	  .default_text = "image",
	  .help = "image: its disk gets the composed image; answers: its vendor's installer runs "
		  "there" },
	{ .path = "boot",
	  .type = KEY_ENUM,
	  .offset = IN(boot),
	  .names = lab_boot_names,
	  .default_text = "install",
	  .help = "What it does when it boots from the network, until an install was proven" },
	{ .path = "disk.size",
	  .type = KEY_TEXT,
	  .offset = IN(disk_size),
	  .valid = valid_disk_sizes,
	  .form = "^(" SIZE_FORM "\\.\\.(" SIZE_FORM ")?|\\.\\." SIZE_FORM ")?$",
	  .allowed = "the least and the greatest size, such as 20GiB..2TiB; one may be missing",
	  .default_text = "",
	  .help = "The disk that is written to: the only one of such a size. Without size, serial and "
		  "by_id: the only one that the machine has" },
	{ .path = "disk.serial",
	  .type = KEY_TEXT,
	  .offset = IN(disk_serial),
	  .max = 64,
	  .valid = valid_serial,
	  .form = "^(" WORD_FORM ")?$",
	  .allowed = "a serial number",
	  .default_text = "",
	  .help = "Or the one of that serial number" },
	{ .path = "disk.by_id",
	  .type = KEY_TEXT,
	  .offset = IN(disk_by_id),
	  .max = 255,
	  .valid = valid_by_id,
	  .form = "^(?![.])[!-.0-~]*$",
	  .allowed = "a name in /dev/disk/by-id",
	  .default_text = "",
	  .help = "Or the one of that name in /dev/disk/by-id" },
	{ .path = "disk.wipe",
	  .type = KEY_BOOL,
	  .offset = IN(wipe),
	  .default_text = "false",
	  .help = "Whether a disk that holds data is overwritten; else it is refused. Vendors' installers "
		  "look at none: true, with way: answers" },
	{ .path = NULL },
};
