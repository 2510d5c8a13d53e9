/* A FAT file system, as firmware wants it for its system partition. By mkfs.vfat and mtools, in a
 * file of its own: made anew or copied out of its partition, and copied back when it is complete.
 */
#pragma once
#include "image/image.h"

#define FAT_LABEL_MAX 11

struct fat;

/* Capital letters, digits, - and _, at most FAT_LABEL_MAX; "" too. */
bool fat_label_valid(const char *label);

struct fat_options {
	uint64_t size_bytes;
	const char *label; /* "" for none */
	uint32_t volume_id;
	int64_t time_seconds; /* of every entry */
};

/* An empty one, not yet in an image. fat_free it. -ECHILD: mkfs.vfat failed, and says why. */
int fat_format(const struct fat_options *options, struct fat **ret_fat, struct err *err);
/* The one in that part of the image. time_seconds: of entries that are put. Damage shows when
 * something is asked of it. */
int fat_open(struct image *image, const struct extent *where, int64_t time_seconds,
	     struct fat **ret_fat, struct err *err);

/* Calls each() for every entry of a folder ("/" is the root). -ENOENT; -EBADMSG: it is damaged. */
int fat_list(struct fat *fat, const char *folder,
	     void (*each)(void *context, const char *name, bool is_folder), void *context,
	     struct err *err);
/* At most max_bytes, -EFBIG beyond; -ENOENT, -EBADMSG. NUL-terminated, the caller frees. */
int fat_read(struct fat *fat, const char *path, size_t max_bytes, char **ret_data,
	     size_t *ret_length, struct err *err);
/* Puts a file, whole; missing folders are made. */
int fat_put(struct fat *fat, const char *path, const void *data, size_t length, struct err *err);

/* Writes what differs to that part of the image. */
int fat_store(const struct fat *fat, struct image *image, const struct extent *where,
	      struct err *err);
/* NULL is allowed. */
void fat_free(struct fat *fat);
