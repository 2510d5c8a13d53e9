/* What fat.c (clusters) and fat_dir.c (names) share. Source of all numbers: Microsoft, FAT32 File
 * System Specification 1.03. */
#pragma once
#include "fix/fat.h"

#define FAT_SLOT_BYTES 32

struct fat {
	struct image *image; /* borrowed */
	struct extent where;
	unsigned bits; /* 12, 16 or 32 */
	uint32_t cluster_bytes, cluster_count;
	uint64_t table_at, table_bytes; /* of the first copy; from the start of the file system */
	unsigned table_copies;
	uint64_t root_at, root_bytes; /* FAT12 and FAT16; else root_cluster */
	uint32_t root_cluster;
	uint64_t data_at, info_at; /* info_at 0: none */
	uint8_t *table;		   /* the first copy */
};

/* A folder in memory, as it stands on the disk. */
struct fat_dir {
	uint32_t cluster; /* 0: the root of FAT12 and FAT16 */
	uint8_t *data;
	size_t length;
};

/* One name in a folder: slots first..last, the short entry being the last. */
struct fat_name {
	size_t first, last;
	char *name; /* owned */
	uint8_t attributes;
	uint32_t cluster, size_bytes;
};

uint16_t fat_get16(const uint8_t *at);
uint32_t fat_get32(const uint8_t *at);
void fat_set16(uint8_t *at, uint32_t value);
void fat_set32(uint8_t *at, uint32_t value);
int fat_damaged(const struct fat *fat, const char *what, struct err *err);

/* A chain's content; ends once it is longer than max_bytes. The caller frees. */
int fat_chain_read(struct fat *fat, uint32_t cluster, size_t max_bytes, uint8_t **ret_data,
		   size_t *ret_length, struct err *err);
/* Makes a chain with that content; 0 for none. The table is changed in memory. */
int fat_chain_make(struct fat *fat, const void *data, size_t length, uint32_t *ret_cluster,
		   struct err *err);
void fat_chain_free(struct fat *fat, uint32_t cluster);
/* The content of a chain that has room for it. */
int fat_chain_write(struct fat *fat, uint32_t cluster, const void *data, size_t length,
		    struct err *err);
/* Adds a cluster to the end of a chain. */
int fat_chain_grow(struct fat *fat, uint32_t cluster, struct err *err);
/* Writes all copies of the table. */
int fat_table_write(struct fat *fat, struct err *err);

/* --- fat_dir.c: names ------------------------------------------------------------------------ */

/* Goes through the names of a folder: *at is 0 at first; false: no more. fat_name_done it. */
bool fat_dir_next(const struct fat_dir *dir, size_t *at, struct fat_name *ret_name);
void fat_name_done(struct fat_name *name);
bool fat_dir_find(const struct fat_dir *dir, const char *name, size_t length,
		  struct fat_name *ret_name);
/* Slots for a new name: the long name and a short one of its own are put there. -ENOSPC: no room
 * for it. ret_slot is that of the short entry. */
int fat_dir_add(struct fat_dir *dir, const char *name, size_t *ret_slot);
