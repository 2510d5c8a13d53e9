#include "pxe/identity.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"

static int hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* Exactly count bytes in hex, each two of them with nothing or one of separators between. */
static bool hex_bytes(const char *text, const char *separators, uint8_t *ret_bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && *text && strchr(separators, *text))
			text++;
		int high = hex_value(text[0]);
		int low = high < 0 ? -1 : hex_value(text[1]);

		if (low < 0)
			return false;
		ret_bytes[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	return *text == '\0';
}

bool identity_mac(const char *text, char ret_mac[MAC_LENGTH + 1])
{
	static const uint8_t zero[6];
	uint8_t bytes[6];

	*ret_mac = '\0';
	if (!hex_bytes(text, ":-", bytes, sizeof bytes) || (bytes[0] & 1) ||
	    memcmp(bytes, zero, sizeof bytes) == 0)
		return false;
	snprintf(ret_mac, MAC_LENGTH + 1, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1],
		 bytes[2], bytes[3], bytes[4], bytes[5]);
	return true;
}

/* What boards report whose maker gave them no UUID. */
static const char *const of_many[] = {
	"00000000-0000-0000-0000-000000000000",
	"ffffffff-ffff-ffff-ffff-ffffffffffff",
	"03000200-0400-0500-0006-000700080009",
	"12345678-1234-5678-90ab-cddeefaabbcc",
};

bool identity_uuid(const char *text, char ret_uuid[UUID_LENGTH + 1])
{
	uint8_t bytes[16];

	*ret_uuid = '\0';
	if (!hex_bytes(text, "-:", bytes, sizeof bytes))
		return false;
	uuid_text(bytes, ret_uuid);
	for (size_t i = 0; i < sizeof of_many / sizeof *of_many; i++)
		if (identity_uuid_equal(of_many[i], ret_uuid)) {
			*ret_uuid = '\0';
			return false;
		}
	return true;
}

/* The same UUID with the bytes of its first three fields turned round. */
static void uuid_turned(const char uuid[UUID_LENGTH + 1], char ret_uuid[UUID_LENGTH + 1])
{
	/* Where each of the first 18 characters comes from. */
	static const uint8_t from[] = {
		6, 7, 4, 5, 2, 3, 0, 1, 8, 11, 12, 9, 10, 13, 16, 17, 14, 15
	};

	memmove(ret_uuid, uuid, UUID_LENGTH + 1);
	char whole[UUID_LENGTH + 1];
	memcpy(whole, ret_uuid, sizeof whole);
	for (size_t i = 0; i < sizeof from; i++)
		ret_uuid[i] = whole[from[i]];
}

bool identity_uuid_equal(const char *a, const char *b)
{
	char turned[UUID_LENGTH + 1];

	if (strlen(a) != UUID_LENGTH || strlen(b) != UUID_LENGTH)
		return false;
	uuid_turned(a, turned);
	return str_equal(a, b) || str_equal(turned, b);
}
