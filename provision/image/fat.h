/* A FAT file system, as firmware wants it for its system partition. By mkfs.vfat and mtools, in a
 * file of its own that is copied into its partition when it is complete. */
#pragma once
#include "image/image.h"

#define FAT_LABEL_MAX 11

struct fat;

struct fat_options {
	uint64_t size_bytes;
	const char *label; /* "" for none */
	uint32_t volume_id;
	int64_t time_seconds; /* of every entry */
};

/* Capital letters, digits, - and _, at most FAT_LABEL_MAX; "" too. */
bool fat_label_valid(const char *label);
int fat_format(const struct fat_options *options, struct fat **ret_fat, struct err *err);
/* Puts a file, whole; missing folders are made. */
int fat_put(struct fat *fat, const char *path, const void *data, size_t length, struct err *err);
/* Copies it into that part of the image, holes left as they are; frees it, on failure too. */
int fat_close(struct fat *fat, struct image *image, const struct extent *where, struct err *err);
/* Frees it for nothing. NULL is allowed. */
void fat_discard(struct fat *fat);
