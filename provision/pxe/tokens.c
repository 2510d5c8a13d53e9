#include "pxe/tokens.h"

#include <openssl/crypto.h>
#include <string.h>
#include <sys/random.h>

#define TOKEN_BYTES 32

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void random_bytes(uint8_t *bytes, size_t count)
{
	while (count > 0) {
		ssize_t got = getrandom(bytes, count, 0);

		if (got <= 0)
			continue;
		bytes += got;
		count -= (size_t)got;
	}
}

/* RFC 4648, section 5. Each byte goes into a window of bits, from whose top six at a time are
 * taken. */
void token_make(char ret_token[TOKEN_LENGTH + 1])
{
	uint8_t bytes[TOKEN_BYTES];
	unsigned window = 0, bits = 0;
	char *next = ret_token;

	random_bytes(bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++) {
		window = window << 8 | bytes[i];
		for (bits += 8; bits >= 6; bits -= 6)
			*next++ = alphabet[window >> (bits - 6) & 63];
	}
	*next++ = alphabet[window << (6 - bits) & 63];
	*next = '\0';
	OPENSSL_cleanse(bytes, sizeof bytes);
}

bool token_hash(const char *token, char ret_hex[HASH_HEX_LENGTH + 1])
{
	if (strnlen(token, TOKEN_LENGTH + 1) != TOKEN_LENGTH ||
	    strspn(token, alphabet) != TOKEN_LENGTH)
		return false;
	struct hash *hash = hash_new();
	hash_add(hash, token, TOKEN_LENGTH);
	hash_finish_hex(hash, ret_hex);
	return true;
}

bool token_hash_equal(const char *a, const char *b)
{
	return *a && *b && CRYPTO_memcmp(a, b, HASH_HEX_LENGTH) == 0;
}
