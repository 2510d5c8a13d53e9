/* Tokens: secrets that open what one machine is served. Whoever makes one keeps its hash alone. */
#pragma once
#include <stdbool.h>

#include "base/hash.h"

#define TOKEN_LENGTH 43 /* 32 random bytes in base64url, without padding */

/* 32 bytes of the kernel's random numbers. */
void token_make(char ret_token[TOKEN_LENGTH + 1]);
/* SHA-256 of its text, which is all that is ever kept. False if it cannot be a token. */
bool token_hash(const char *token, char ret_hex[HASH_HEX_LENGTH + 1]);
/* Takes as long for hashes that differ early as for those that differ late; an empty one, which no
 * token has, equals none. */
bool token_hash_equal(const char *a, const char *b);
