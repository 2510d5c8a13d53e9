/* The two things the run needs of OpenSSL: the echo's HMAC, and base64 for bytes in JSON. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define ECHO_KEY_BYTES	32
#define ECHO_HEX_LENGTH 64

/* HMAC-SHA-256 of "PATH NONCE" as lower-case hex (docs/agent-protocol.md, "The echo"). */
void echo_answer(const uint8_t key[ECHO_KEY_BYTES], const char *path, const char *nonce,
		 char ret_hex[ECHO_HEX_LENGTH + 1]);
void echo_key_make(uint8_t ret_key[ECHO_KEY_BYTES]);

/* The caller frees. */
char *base64_encode(const void *data, size_t length);
/* NULL if text is no base64; else the caller frees. */
char *base64_decode(const char *text, size_t *ret_length);
