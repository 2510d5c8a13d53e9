/* What an object of the store holds: the names of its files, their sizes and their hashes, and what
 * it was made from. Written when the object is published, read before it is used. */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "store/inputs.h"

#define MANIFEST_FILE "manifest.json"

struct manifest_file {
	char *name;
	uint64_t size_bytes;
	char sha256[HASH_HEX_LENGTH + 1];
};

/* A zeroed struct is an empty one; manifest_done frees. */
struct manifest {
	char *name; /* of the step that made it */
	struct manifest_file *files;
	size_t count;
};

/* Hashes every regular file of the folder and writes the manifest beside them. */
int manifest_write(const char *folder, const char *name, const struct inputs *inputs,
		   struct err *err);
/* -EUCLEAN if there is none or it cannot be understood. */
int manifest_read(const char *folder, struct manifest *ret_manifest, struct err *err);
void manifest_done(struct manifest *manifest);

/* -EUCLEAN, with the file and what is wrong with it, if a file is missing, has another size, or,
 * deep, another hash or cannot be read. */
int manifest_check(const char *folder, bool deep, struct err *err);
/* Of all its files. */
uint64_t manifest_bytes(const struct manifest *manifest);
