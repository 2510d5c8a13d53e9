#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/fs.h"

#define CHUNK_BYTES 65536

struct hash {
	EVP_MD_CTX *context;
};

struct hash *hash_new(void)
{
	struct hash *hash = mem_alloc(sizeof *hash);

	hash->context = EVP_MD_CTX_new();
	if (!hash->context || EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1) {
		fputs("nestctl: libcrypto has no SHA-256\n", stderr);
		abort();
	}
	return hash;
}

void hash_add(struct hash *hash, const void *data, size_t length)
{
	EVP_DigestUpdate(hash->context, data, length);
}

static void hash_text(struct hash *hash, const char *text)
{
	uint64_t length = strlen(text);

	hash_add(hash, &length, sizeof length);
	hash_add(hash, text, length);
}

void hash_field(struct hash *hash, const char *name, const char *value)
{
	hash_text(hash, name);
	hash_text(hash, value ? value : "\x01unset");
}

void hash_free(struct hash *hash)
{
	if (!hash)
		return;
	EVP_MD_CTX_free(hash->context);
	free(hash);
}

static void hash_cleanup(struct hash **hash)
{
	hash_free(*hash);
}

void hash_finish(struct hash *hash, uint8_t ret_digest[HASH_BYTES])
{
	EVP_DigestFinal_ex(hash->context, ret_digest, NULL);
	hash_free(hash);
}

static void hex_text(const uint8_t *bytes, size_t count, char *ret_hex)
{
	for (size_t i = 0; i < count; i++)
		snprintf(ret_hex + 2 * i, 3, "%02x", bytes[i]);
}

void hash_finish_hex(struct hash *hash, char ret_hex[HASH_HEX_LENGTH + 1])
{
	uint8_t digest[HASH_BYTES];

	hash_finish(hash, digest);
	hex_text(digest, sizeof digest, ret_hex);
}

bool hash_is_hex(const char *text)
{
	return strlen(text) == HASH_HEX_LENGTH &&
	       strspn(text, "0123456789abcdef") == HASH_HEX_LENGTH;
}

static void zeros_add(struct hash *hash, off_t length)
{
	static const char zeros[CHUNK_BYTES];

	for (; length > 0; length -= CHUNK_BYTES)
		hash_add(hash, zeros, length < CHUNK_BYTES ? (size_t)length : CHUNK_BYTES);
}

/* A hole is hashed without being read: a disk image is mostly holes. */
static void hole_skip(int fd, struct hash *hash)
{
	off_t here = lseek(fd, 0, SEEK_CUR);
	off_t data = here < 0 ? here : lseek(fd, here, SEEK_DATA);

	if (data < 0 && errno == ENXIO)
		data = lseek(fd, 0, SEEK_END);
	if (data > here)
		zeros_add(hash, data - here);
	if (here >= 0)
		lseek(fd, data > here ? data : here, SEEK_SET);
}

int hash_file(const char *path, char ret_hex[HASH_HEX_LENGTH + 1], struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP(hash_cleanup) struct hash *hash = hash_new();
	char chunk[CHUNK_BYTES];
	ssize_t got;

	if (fd < 0)
		return err_errno(err, errno, "%s: cannot be opened", path);
	for (;;) {
		hole_skip(fd, hash);
		got = read(fd, chunk, sizeof chunk);
		if (got == 0)
			break;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(err, errno, "%s: cannot be read", path);
		hash_add(hash, chunk, (size_t)got);
	}
	hash_finish_hex(take(&hash), ret_hex);
	return 0;
}

void hash_uuid(const char *name, uint8_t ret_uuid[16])
{
	uint8_t digest[HASH_BYTES];
	struct hash *hash = hash_new();

	hash_field(hash, "uuid", name);
	hash_finish(hash, digest);
	memcpy(ret_uuid, digest, 16);
	ret_uuid[6] = (uint8_t)((ret_uuid[6] & 0x0f) | 0x80);
	ret_uuid[8] = (uint8_t)((ret_uuid[8] & 0x3f) | 0x80);
}

void uuid_text(const uint8_t uuid[16], char ret_text[37])
{
	char *next = ret_text;

	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*next++ = '-';
		snprintf(next, 3, "%02x", uuid[i]);
		next += 2;
	}
}

void random_hex(size_t bytes, char *ret_hex)
{
	for (size_t i = 0; i < bytes; i++) {
		uint8_t byte;

		while (getrandom(&byte, 1, 0) != 1)
			continue;
		hex_text(&byte, 1, ret_hex + 2 * i);
	}
}
