/* FAT12, FAT16 and FAT32 inside an image: as much as reading and replacing files of an EFI system
 * partition takes. Names are compared without regard to case, as FAT does. Nothing here is atomic:
 * the overlay that it writes into is. */
#pragma once
#include "base/str.h"
#include "image/image.h"

struct fat;

struct fat_entry {
	const char *name; /* UTF-8 */
	bool is_folder;
	uint32_t size_bytes;
};

/* -EBADMSG: no FAT, or a damaged one. The image is borrowed. */
int fat_open(struct image *image, const struct extent *where, struct fat **ret_fat,
	     struct err *err);
void fat_close(struct fat *fat);

/* Calls each() for every entry of a folder ("/" is the root), . and .. and the label left out.
 * -ENOENT. */
int fat_list(struct fat *fat, const char *folder,
	     void (*each)(void *context, const struct fat_entry *entry), void *context,
	     struct err *err);
/* At most max_bytes, -EFBIG beyond; -ENOENT. NUL-terminated, the caller frees. */
int fat_read(struct fat *fat, const char *path, size_t max_bytes, char **ret_data,
	     size_t *ret_length, struct err *err);
/* Replaces a file or makes it; the folder must be there. time_seconds: of the change, UTC. */
int fat_put(struct fat *fat, const char *path, const void *data, size_t length,
	    int64_t time_seconds, struct err *err);
