/* What writing takes away from an image, kept in a file beside it, so that it can be given back:
 * an image returns to the state before a layer was put into it, byte for byte. */
#pragma once
#include "base/hash.h"
#include "image/image.h"

struct undo;

/* A new file at path. Nothing is synced: the caller publishes. */
int undo_begin(const char *path, struct undo **ret_undo, struct err *err);
/* Before length bytes at offset_bytes become data (NULL: zeros): keeps what is there. *ret_same:
 * they are those bytes already, nothing needs to be written. */
int undo_note(struct undo *undo, struct image *image, uint64_t offset_bytes, const void *data,
	      uint64_t length, bool *ret_same, struct err *err);
/* The file is complete; its hash is what undo_apply wants. Frees, on failure too. -EFBIG: so much
 * was overwritten that making the image anew is cheaper; there is no file then. */
int undo_finish(struct undo *undo, char ret_hash[HASH_HEX_LENGTH + 1], struct err *err);
/* Removes the file. NULL is allowed. */
void undo_discard(struct undo *undo);
void undo_cleanup(struct undo **undo);

/* Gives back to the image what the file says. -EBADMSG, with the image untouched: the file is not
 * the one with that hash. */
int undo_apply(struct image *image, const char *path, const char *hash, struct err *err);
