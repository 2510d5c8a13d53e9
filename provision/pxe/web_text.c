#include "pxe/web_text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#define TARGET_BYTES 1024

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character that "%XX" stands for, or -1. */
static int escape_value(const char *text)
{
	int high = hex_digit(text[1]);
	int low = high < 0 ? -1 : hex_digit(text[2]);

	return low < 0 ? -1 : high << 4 | low;
}

static bool element_is_bad(const char *element, size_t length)
{
	return (length == 1 && element[0] == '.') ||
	       (length == 2 && element[0] == '.' && element[1] == '.');
}

static int path_decode(const char *text, size_t length, char **ret_path)
{
	CLEANUP(free_cleanup) char *path = mem_alloc(length + 1);
	size_t used = 0, element = 0;

	for (size_t i = 0; i < length; i++) {
		int c = text[i] == '%' ? escape_value(text + i) : (unsigned char)text[i];

		if (c < 0x20 || c == 0x7f || c == '\\' || (c == '/' && text[i] == '%'))
			return -EINVAL;
		if (text[i] == '%')
			i += 2;
		if (c != '/') {
			path[used++] = (char)c;
			continue;
		}
		if (element_is_bad(path + element, used - element))
			return -EINVAL;
		if (used > element)
			path[used++] = '/';
		element = used;
	}
	if (element_is_bad(path + element, used - element))
		return -EINVAL;
	*ret_path = take(&path);
	return 0;
}

int web_target_parse(const char *target, char **ret_path, char **ret_query)
{
	size_t length = strnlen(target, TARGET_BYTES + 1);
	size_t path_length = strcspn(target, "?");

	if (target[0] != '/' || length > TARGET_BYTES)
		return -EINVAL;
	int r = path_decode(target + 1, path_length - 1, ret_path);
	if (r < 0)
		return r;
	*ret_query = str_copy(target[path_length] ? target + path_length + 1 : "");
	return 0;
}

/* False: it is no text, or does not fit. */
static bool value_decode(const char *text, size_t length, char *ret_value, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		int c = text[i] == '%' ? escape_value(text + i) : (unsigned char)text[i];

		if (c < 0x20 || c == 0x7f || used + 1 >= size)
			return false;
		if (text[i] == '%')
			i += 2;
		else if (c == '+')
			c = ' ';
		ret_value[used++] = (char)c;
	}
	ret_value[used] = '\0';
	return true;
}

void web_query_value(const char *query, const char *name, char *ret_value, size_t size)
{
	size_t name_length = strlen(name);

	ret_value[0] = '\0';
	while (*query) {
		size_t length = strcspn(query, "&");

		if (length > name_length && query[name_length] == '=' &&
		    strncmp(query, name, name_length) == 0) {
			if (!value_decode(query + name_length + 1, length - name_length - 1,
					  ret_value, size))
				ret_value[0] = '\0';
			return;
		}
		query += length;
		query += *query == '&';
	}
}

bool web_token_split(const char *path, char ret_token[TOKEN_LENGTH + 1], const char **ret_rest)
{
	for (size_t i = 0; i < TOKEN_LENGTH; i++) {
		if (!isalnum((unsigned char)path[i]) && path[i] != '-' && path[i] != '_')
			return false;
		ret_token[i] = path[i];
	}
	ret_token[TOKEN_LENGTH] = '\0';
	if (path[TOKEN_LENGTH] != '/')
		return false;
	*ret_rest = path + TOKEN_LENGTH + 1;
	return true;
}

/* A number at *text, which moves behind it; false: none, or too large. */
static bool number_take(const char **text, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (!isdigit((unsigned char)**text))
		return false;
	for (; isdigit((unsigned char)**text); (*text)++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(**text - '0'), &number))
			return false;
	*ret_number = number;
	return true;
}

/* "a-b", "a-", "-n": the first and the last byte; a suffix is counted from size. False: malformed.
 */
static bool range_read(const char *text, uint64_t size, uint64_t *ret_first, uint64_t *ret_last)
{
	uint64_t number;

	*ret_last = UINT64_MAX;
	if (*text == '-') {
		text++;
		if (!number_take(&text, &number))
			return false;
		*ret_first = number == 0 ? size : size - (number < size ? number : size);
		return *text == '\0';
	}
	if (!number_take(&text, ret_first) || *text++ != '-')
		return false;
	if (*text == '\0')
		return true;
	return number_take(&text, ret_last) && *text == '\0' && *ret_last >= *ret_first;
}

enum web_range web_range_parse(const char *header, uint64_t size, uint64_t *ret_first,
			       uint64_t *ret_length)
{
	uint64_t first, last;

	*ret_first = 0;
	*ret_length = size;
	if (!header || !str_starts(header, "bytes=") ||
	    !range_read(header + strlen("bytes="), size, &first, &last))
		return WEB_RANGE_WHOLE;
	if (first >= size)
		return WEB_RANGE_BEYOND;
	*ret_first = first;
	*ret_length = (last < size ? last + 1 : size) - first;
	return WEB_RANGE_PART;
}

/* The length of "etag" in its quotes at text, 0 if it is another. */
static size_t etag_length(const char *text, const char *etag)
{
	size_t length = strlen(etag);

	return text[0] == '"' && strncmp(text + 1, etag, length) == 0 && text[length + 1] == '"'
		       ? length + 2
		       : 0;
}

bool web_etag_is(const char *header, const char *etag)
{
	size_t length = etag_length(header, etag);

	return length > 0 && header[length] == '\0';
}

bool web_etag_listed(const char *header, const char *etag)
{
	if (strcmp(header, "*") == 0)
		return true;
	while (*header) {
		header += strspn(header, " \t,");
		if (str_starts(header, "W/"))
			header += 2;
		if (etag_length(header, etag) > 0)
			return true;
		header += strcspn(header, ",");
	}
	return false;
}

bool web_host_is_address(const char *host)
{
	char name[INET6_ADDRSTRLEN + 1];
	bool bracket = host && host[0] == '[';
	unsigned char address[sizeof(struct in6_addr)];

	if (!host)
		return false;
	host += bracket;
	size_t length = strcspn(host, bracket ? "]" : ":");
	if (length >= sizeof name)
		return false;
	memcpy(name, host, length);
	name[length] = '\0';
	host += length;
	if (bracket && *host++ != ']')
		return false;
	if (*host == ':' && (host[1] == '\0' || host[1 + strspn(host + 1, "0123456789")] != '\0'))
		return false;
	if (*host && *host != ':')
		return false;
	return bracket ? inet_pton(AF_INET6, name, address) == 1
		       : inet_pton(AF_INET, name, address) == 1 || str_equal(name, "localhost");
}

bool web_origin_is_host(const char *origin, const char *host)
{
	return origin && host && str_starts(origin, "http://") &&
	       str_equal(origin + strlen("http://"), host);
}

static const struct {
	const char *arch;
	enum firmware firmware;
} platforms[] = {
	{ "pcbios", FIRMWARE_BIOS },	 { "bios", FIRMWARE_BIOS },
	{ "i386", FIRMWARE_BIOS },	 { "i386-pc", FIRMWARE_BIOS },
	{ "efi", FIRMWARE_UEFI },	 { "uefi", FIRMWARE_UEFI },
	{ "x86_64-efi", FIRMWARE_UEFI }, { "i386-efi", FIRMWARE_UEFI },
	{ "efi-x86_64", FIRMWARE_UEFI }, { "x64-efi", FIRMWARE_UEFI },
};

enum firmware web_firmware(const char *arch)
{
	for (size_t i = 0; i < sizeof platforms / sizeof *platforms; i++)
		if (strcasecmp(platforms[i].arch, arch) == 0)
			return platforms[i].firmware;
	return FIRMWARE_UNKNOWN;
}

void web_identity_check(char *text, size_t digits)
{
	size_t found = 0;

	for (const char *c = text; *c; c++) {
		found += isxdigit((unsigned char)*c) != 0;
		if (!isxdigit((unsigned char)*c) && *c != ':' && *c != '-')
			found = digits + 1;
	}
	if (found != digits)
		text[0] = '\0';
}
