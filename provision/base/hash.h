/* SHA-256, for names of store objects and for stable identifiers. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define HASH_BYTES	32
#define HASH_HEX_LENGTH 64

struct hash;

struct hash *hash_new(void); /* never NULL; hash_free or hash_finish */
void hash_add(struct hash *hash, const void *data, size_t length);
/* A name and a value, each with its length, so that no two lists of fields hash alike. */
void hash_field(struct hash *hash, const char *name, const char *value);
/* Ends the hash and frees it. */
void hash_finish(struct hash *hash, uint8_t ret_digest[HASH_BYTES]);
void hash_finish_hex(struct hash *hash, char ret_hex[HASH_HEX_LENGTH + 1]);
void hash_free(struct hash *hash);
/* Is the text the hex form of a hash, in lower case? */
bool hash_is_hex(const char *text);

/* Of a whole file; -errno of open or read. */
int hash_file(const char *path, char ret_hex[HASH_HEX_LENGTH + 1], struct err *err);

/* A UUID (RFC 4122 form, version 8 bits set) that is the same for the same name. */
void hash_uuid(const char *name, uint8_t ret_uuid[16]);
/* Lower-case text form of a UUID. */
void uuid_text(const uint8_t uuid[16], char ret_text[37]);

/* Random bytes as hex: 2 * bytes characters and a NUL. */
void random_hex(size_t bytes, char *ret_hex);
