#include "run/crypto.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/str.h"

void echo_answer(const uint8_t key[ECHO_KEY_BYTES], const char *path, const char *nonce,
		 char ret_hex[ECHO_HEX_LENGTH + 1])
{
	char *text = str_format("%s %s", path, nonce);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;

	if (!HMAC(EVP_sha256(), key, ECHO_KEY_BYTES, (const uint8_t *)text, strlen(text), digest,
		  &length))
		abort(); /* out of memory: nothing else fails here */
	for (unsigned i = 0; i < ECHO_HEX_LENGTH / 2; i++) {
		ret_hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		ret_hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	ret_hex[ECHO_HEX_LENGTH] = '\0';
	free(text);
}

void echo_key_make(uint8_t ret_key[ECHO_KEY_BYTES])
{
	if (getrandom(ret_key, ECHO_KEY_BYTES, 0) != ECHO_KEY_BYTES)
		abort(); /* a request of up to 256 bytes is never cut short: getrandom(2) */
}

char *base64_encode(const void *data, size_t length)
{
	char *text = mem_alloc((length + 2) / 3 * 4 + 1);

	EVP_EncodeBlock((uint8_t *)text, data, (int)length);
	return text;
}

char *base64_decode(const char *text, size_t *ret_length)
{
	size_t length = strlen(text);
	char *data = mem_alloc(length / 4 * 3 + 4);
	int got = length % 4 == 0
			  ? EVP_DecodeBlock((uint8_t *)data, (const uint8_t *)text, (int)length)
			  : -1;

	if (got < 0) {
		free(data);
		return NULL;
	}
	for (size_t i = length; i > 0 && text[i - 1] == '=' && length - i < 2; i--)
		got--; /* EVP_DecodeBlock counts the padding as zero bytes */
	*ret_length = (size_t)got;
	return data;
}
