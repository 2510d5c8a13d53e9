#include "profile/valid.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/str.h"
#include "profile/stack.h"

#define LETTERS_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define LABEL_MAX      63
#define EXT_LABEL_MAX  16 /* s_volume_name, ext4 superblock */
#define INTERFACE_MAX  15 /* IFNAMSIZ - 1 */

static bool made_of(const char *text, const char *characters)
{
	return *text && text[strspn(text, characters)] == '\0';
}

/* Of a character of UTF-8: a control character (C0, C1), U+2028 or U+2029, which end a line for
 * Python's parsers (kickstart) as a newline does, or U+FFFE or U+FFFF, which XML cannot hold. */
static bool is_odd(const char *text)
{
	static const char *const odd[] = { "\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbf\xbe",
					   "\xef\xbf\xbf" };
	unsigned char first = (unsigned char)text[0];

	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
		if (str_starts(text, odd[i]))
			return true;
	return first < 0x20 || first == 0x7f || (first == 0xc2 && (unsigned char)text[1] < 0xa0);
}

static bool printable(const char *text)
{
	for (; *text; text++)
		if (is_odd(text))
			return false;
	return true;
}

bool valid_name(const char *text)
{
	return strlen(text) <= LABEL_MAX && made_of(text, LETTERS_DIGITS "-_.") &&
	       isalnum((unsigned char)text[0]);
}

static bool label_ok(const char *text, size_t length)
{
	return length > 0 && length <= LABEL_MAX && text[0] != '-' && text[length - 1] != '-' &&
	       strspn(text, LETTERS_DIGITS "-") >= length;
}

bool valid_host_name(const char *text)
{
	return label_ok(text, strlen(text));
}

bool valid_domain(const char *text)
{
	if (!*text)
		return true;
	for (;;) {
		size_t length = strcspn(text, ".");

		if (!label_ok(text, length))
			return false;
		if (!text[length])
			return true;
		text += length + 1;
	}
}

bool valid_mac(const char *text)
{
	if (!*text)
		return true;
	if (strlen(text) != 17)
		return false;
	for (size_t i = 0; i < 17; i++)
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			return false;
	return (strtoul(text, NULL, 16) & 1) == 0 && text[strspn(text, "0:")];
}

bool valid_label(const char *text)
{
	return strlen(text) <= EXT_LABEL_MAX && printable(text);
}

bool valid_absolute_path(const char *text)
{
	if (text[0] != '/' || !printable(text))
		return false;
	for (const char *next = text + 1;;) {
		size_t length = strcspn(next, "/");

		if (length == 0 || length > NAME_MAX || (length == 1 && next[0] == '.') ||
		    (length == 2 && next[0] == '.' && next[1] == '.'))
			return false;
		if (!next[length])
			return true;
		next += length + 1;
	}
}

bool valid_mount_point(const char *text)
{
	static const char *const places[] = {
		"/srv", "/home", "/data", "/mnt", "/opt", ESP_MOUNT_POINT, "/var/lib/xen/images"
	};

	if (!*text || str_equal(text, "/"))
		return true;
	if (!valid_absolute_path(text) || strpbrk(text, " \t\"\\#"))
		return false;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		size_t length = strlen(places[i]);

		if (str_starts(text, places[i]) && (!text[length] || text[length] == '/'))
			return true;
	}
	return false;
}

bool valid_password_hash(const char *text)
{
	const char *last = strrchr(text, '$');

	/* $ID$SALT$HASH: three signs at least; what crypt(5) calls y, gy, 7, 6, 5, 2b. */
	return !*text || (text[0] == '$' && isalnum((unsigned char)text[1]) && last > text + 2 &&
			  strlen(last) > 20 && made_of(text, LETTERS_DIGITS "$./,="));
}

/* Up to a blank or the end: whole groups of four, at most two = in the last. */
static bool is_base64(const char *text)
{
	size_t length = strspn(text, LETTERS_DIGITS "+/");
	size_t filled = strspn(text + length, "=");
	char end = text[length + filled];

	return filled <= 2 && (length + filled) % 4 == 0 && (!end || end == ' ');
}

/* sshd(8), AUTHORIZED_KEYS, without options; what is encoded repeats the type (RFC 4253, 6.6). */
bool valid_ssh_key(const char *text)
{
	static const char *const beginnings[] = {
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
		"ssh-rsa AAAAB3NzaC1yc2",
		"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNT",
		"ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzOD",
		"ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1Mj",
		"sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t",
		"sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb2",
	};

	for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
		if (str_starts(text, beginnings[i]))
			return printable(text) && is_base64(strchr(text, ' ') + 1);
	return false;
}

bool valid_arguments(const char *text)
{
	return printable(text) && !strpbrk(text, "\"'`\\$#;{}");
}

bool valid_locale(const char *text)
{
	return made_of(text, LETTERS_DIGITS "_.@-") && isalnum((unsigned char)text[0]);
}

bool valid_time_zone(const char *text)
{
	return made_of(text, LETTERS_DIGITS "_+-/") && isalnum((unsigned char)text[0]) &&
	       !strstr(text, "//");
}

bool valid_release(const char *text)
{
	return made_of(text, LETTERS_DIGITS ".-_");
}

static bool is_mirror(const char *text)
{
	return str_starts(text, "http://") || str_starts(text, "https://") ||
	       str_starts(text, "file:///");
}

bool valid_mirror(const char *text)
{
	if (*text && !printable(text))
		return false;
	for (const char *mirror = text; mirror && *text; mirror = strchr(mirror, ' ')) {
		mirror += *mirror == ' ';
		if (!is_mirror(mirror))
			return false;
	}
	return true;
}

bool valid_interface(const char *text)
{
	return strlen(text) <= INTERFACE_MAX && made_of(text, LETTERS_DIGITS "-_.") &&
	       isalnum((unsigned char)text[0]);
}

bool valid_package(const char *text)
{
	return strlen(text) > 1 && made_of(text, LETTERS_DIGITS "+-._:") &&
	       isalnum((unsigned char)text[0]);
}

bool valid_line(const char *text)
{
	return *text && printable(text);
}

bool ip_parse(const char *text, uint32_t *ret_address)
{
	struct in_addr address;

	if (inet_pton(AF_INET, text, &address) != 1)
		return false;
	*ret_address = ntohl(address.s_addr);
	return true;
}

bool valid_route(const char *text)
{
	static const char via[] = " via ";
	const char *next = strstr(text, via);
	uint32_t address;
	unsigned bits;

	if (!next || !ip_parse(next + strlen(via), &address))
		return false;
	CLEANUP(free_cleanup) char *network = str_format("%.*s", (int)(next - text), text);
	/* Kernels refuse a route to an address that is no network's own. */
	return cidr_parse(network, &address, &bits) &&
	       (address & ~(UINT32_MAX << (32 - bits))) == 0;
}

bool valid_medium(const char *text)
{
	return printable(text);
}

bool valid_keyring(const char *text)
{
	return printable(text) && !strstr(text, "://");
}

bool valid_sha256(const char *text)
{
	return !*text || hash_is_hex(text);
}

bool valid_ip(const char *text)
{
	uint32_t address;

	return ip_parse(text, &address);
}

bool valid_ip_or_none(const char *text)
{
	return !*text || valid_ip(text);
}

bool cidr_parse(const char *text, uint32_t *ret_address, unsigned *ret_bits)
{
	const char *slash = strchr(text, '/');
	char *end = NULL;

	if (!slash || !isdigit((unsigned char)slash[1]) || slash[1] == '0')
		return false;
	CLEANUP(free_cleanup) char *address = str_format("%.*s", (int)(slash - text), text);
	unsigned long bits = strtoul(slash + 1, &end, 10);
	if (*end || bits < 1 || bits > 30)
		return false;
	*ret_bits = (unsigned)bits;
	return ip_parse(address, ret_address);
}
