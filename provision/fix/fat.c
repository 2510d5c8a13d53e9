#include "fix/fat_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/fs.h"

#define SECTOR_BYTES	 512
#define TABLE_MAX_BYTES	 ((uint64_t)64 << 20)
#define DIR_MAX_BYTES	 ((size_t)2 << 20)
#define FAT12_CLUSTERS	 4085
#define FAT16_CLUSTERS	 65525
#define CHAIN_END	 0x0fffffffu
#define ATTRIBUTE_FOLDER 0x10
#define ATTRIBUTE_FILE	 0x20
#define INFO_FREE_AT	 488

uint16_t fat_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

uint32_t fat_get32(const uint8_t *at)
{
	return fat_get16(at) | (uint32_t)fat_get16(at + 2) << 16;
}

void fat_set16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

void fat_set32(uint8_t *at, uint32_t value)
{
	fat_set16(at, value);
	fat_set16(at + 2, value >> 16);
}

int fat_damaged(const struct fat *fat, const char *what, struct err *err)
{
	return err_set(err, -EBADMSG,
		       "%s: the FAT file system at byte %" PRIu64 " is damaged (%s): run fsck.fat",
		       image_path(fat->image), fat->where.start_bytes, what);
}

/* --- the volume ------------------------------------------------------------------------------- */

static int geometry_read(struct fat *fat, const uint8_t *boot, struct err *err)
{
	uint32_t sector = fat_get16(boot + 11), reserved = fat_get16(boot + 14);
	uint32_t root_entries = fat_get16(boot + 17);
	uint64_t sectors = fat_get16(boot + 19) ? fat_get16(boot + 19) : fat_get32(boot + 32);
	uint64_t table = fat_get16(boot + 22) ? fat_get16(boot + 22) : fat_get32(boot + 36);

	if (sector < SECTOR_BYTES || sector > 4096 || (sector & (sector - 1)) || boot[13] == 0 ||
	    reserved == 0 || boot[16] == 0 || boot[16] > 4 || table == 0 ||
	    table * sector > TABLE_MAX_BYTES || sectors > fat->where.size_bytes / sector)
		return fat_damaged(fat, "its boot sector", err);
	fat->cluster_bytes = boot[13] * sector;
	fat->table_at = (uint64_t)reserved * sector;
	fat->table_bytes = table * sector;
	fat->table_copies = boot[16];
	fat->root_at = fat->table_at + fat->table_copies * fat->table_bytes;
	fat->root_bytes = ((uint64_t)root_entries * FAT_SLOT_BYTES + sector - 1) / sector * sector;
	fat->data_at = fat->root_at + fat->root_bytes;
	if (fat->data_at >= sectors * sector)
		return fat_damaged(fat, "its boot sector", err);
	uint64_t clusters = (sectors * sector - fat->data_at) / fat->cluster_bytes;
	fat->bits = clusters < FAT12_CLUSTERS ? 12 : clusters < FAT16_CLUSTERS ? 16 : 32;
	if (clusters >= CHAIN_END - 16 || (clusters + 2) * fat->bits / 8 > fat->table_bytes)
		return fat_damaged(fat, "its size", err);
	fat->cluster_count = (uint32_t)clusters;
	if (fat->bits == 32) {
		fat->root_cluster = fat_get32(boot + 44);
		fat->info_at = (uint64_t)fat_get16(boot + 48) * sector;
	}
	return 0;
}

int fat_open(struct image *image, const struct extent *where, struct fat **ret_fat, struct err *err)
{
	struct fat *fat = mem_alloc(sizeof *fat);
	uint8_t boot[SECTOR_BYTES];

	fat->image = image;
	fat->where = *where;
	int r = image_read(image, where->start_bytes, boot, sizeof boot, err);
	if (r == 0)
		r = geometry_read(fat, boot, err);
	if (r == 0) {
		fat->table = mem_alloc(fat->table_bytes + 1);
		r = image_read(image, where->start_bytes + fat->table_at, fat->table,
			       fat->table_bytes, err);
	}
	if (r < 0) {
		fat_close(fat);
		return r;
	}
	*ret_fat = fat;
	return 0;
}

void fat_close(struct fat *fat)
{
	if (!fat)
		return;
	free(fat->table);
	free(fat);
}

/* --- chains ----------------------------------------------------------------------------------- */

static bool is_cluster(const struct fat *fat, uint32_t cluster)
{
	return cluster >= 2 && cluster < fat->cluster_count + 2;
}

static uint32_t table_get(const struct fat *fat, uint32_t cluster)
{
	if (fat->bits == 32)
		return fat_get32(fat->table + cluster * 4) & 0x0fffffff;
	if (fat->bits == 16)
		return fat_get16(fat->table + cluster * 2);
	uint16_t pair = fat_get16(fat->table + cluster + cluster / 2);
	return cluster & 1 ? pair >> 4 : pair & 0xfff;
}

static void table_set(struct fat *fat, uint32_t cluster, uint32_t value)
{
	uint8_t *at = fat->table + cluster * (fat->bits / 8);

	if (fat->bits == 32) {
		fat_set32(at, (fat_get32(at) & 0xf0000000) | (value & 0x0fffffff));
	} else if (fat->bits == 16) {
		fat_set16(at, value);
	} else {
		at = fat->table + cluster + cluster / 2;
		uint16_t pair = fat_get16(at);
		fat_set16(at, cluster & 1 ? (pair & 0x000fu) | (value & 0xfff) << 4
					  : (pair & 0xf000u) | (value & 0xfff));
	}
}

static uint64_t cluster_at(const struct fat *fat, uint32_t cluster)
{
	return fat->where.start_bytes + fat->data_at + (uint64_t)(cluster - 2) * fat->cluster_bytes;
}

int fat_chain_read(struct fat *fat, uint32_t cluster, size_t max_bytes, uint8_t **ret_data,
		   size_t *ret_length, struct err *err)
{
	CLEANUP(buf_done) struct buf all = { 0 };
	CLEANUP(free_cleanup) char *chunk = mem_alloc(fat->cluster_bytes);

	for (; is_cluster(fat, cluster) && all.length <= max_bytes;
	     cluster = table_get(fat, cluster)) {
		int r = image_read(fat->image, cluster_at(fat, cluster), chunk, fat->cluster_bytes,
				   err);
		if (r < 0)
			return r;
		buf_add(&all, chunk, fat->cluster_bytes);
	}
	buf_text(&all, "");
	*ret_length = all.length;
	*ret_data = all.data ? (uint8_t *)take(&all.data) : mem_alloc(1);
	return 0;
}

int fat_chain_write(struct fat *fat, uint32_t cluster, const void *data, size_t length,
		    struct err *err)
{
	const char *next = data;

	for (; length > 0; cluster = table_get(fat, cluster)) {
		size_t part = length < fat->cluster_bytes ? length : fat->cluster_bytes;

		if (!is_cluster(fat, cluster))
			return fat_damaged(fat, "a chain is too short", err);
		int r = image_write(fat->image, cluster_at(fat, cluster), next, part, err);
		if (r < 0)
			return r;
		next += part;
		length -= part;
	}
	return 0;
}

static int cluster_take(struct fat *fat, uint32_t *ret_cluster, struct err *err)
{
	for (uint32_t cluster = 2; cluster < fat->cluster_count + 2; cluster++)
		if (table_get(fat, cluster) == 0) {
			table_set(fat, cluster, CHAIN_END);
			*ret_cluster = cluster;
			return image_zero(fat->image, cluster_at(fat, cluster), fat->cluster_bytes,
					  err);
		}
	return err_set(err, -ENOSPC,
		       "%s: the FAT file system at byte %" PRIu64 " is full: remove a file from it",
		       image_path(fat->image), fat->where.start_bytes);
}

int fat_chain_make(struct fat *fat, const void *data, size_t length, uint32_t *ret_cluster,
		   struct err *err)
{
	uint32_t first = 0, last = 0, cluster = 0;

	for (size_t done = 0; done < length; done += fat->cluster_bytes) {
		int r = cluster_take(fat, &cluster, err);

		if (r < 0) {
			fat_chain_free(fat, first);
			return r;
		}
		if (last)
			table_set(fat, last, cluster);
		else
			first = cluster;
		last = cluster;
	}
	*ret_cluster = first;
	return fat_chain_write(fat, first, data, length, err);
}

int fat_chain_grow(struct fat *fat, uint32_t cluster, struct err *err)
{
	uint32_t added = 0;
	int r = cluster_take(fat, &added, err);

	if (r < 0)
		return r;
	while (is_cluster(fat, table_get(fat, cluster)))
		cluster = table_get(fat, cluster);
	table_set(fat, cluster, added);
	return 0;
}

void fat_chain_free(struct fat *fat, uint32_t cluster)
{
	while (is_cluster(fat, cluster)) {
		uint32_t next = table_get(fat, cluster);

		table_set(fat, cluster, 0);
		cluster = next;
	}
}

static uint32_t free_count(const struct fat *fat)
{
	uint32_t count = 0;

	for (uint32_t cluster = 2; cluster < fat->cluster_count + 2; cluster++)
		count += table_get(fat, cluster) == 0;
	return count;
}

/* FAT32 keeps the number of free clusters in a sector of its own. */
static int info_write(struct fat *fat, struct err *err)
{
	uint8_t info[SECTOR_BYTES];
	uint64_t at = fat->where.start_bytes + fat->info_at;

	if (fat->info_at == 0 || fat->info_at >= fat->table_at)
		return 0;
	int r = image_read(fat->image, at, info, sizeof info, err);
	if (r < 0 || memcmp(info, "RRaA", 4) != 0)
		return r;
	fat_set32(info + INFO_FREE_AT, free_count(fat));
	return image_write(fat->image, at, info, sizeof info, err);
}

int fat_table_write(struct fat *fat, struct err *err)
{
	int r = 0;

	for (unsigned copy = 0; copy < fat->table_copies && r == 0; copy++)
		r = image_write(fat->image,
				fat->where.start_bytes + fat->table_at + copy * fat->table_bytes,
				fat->table, fat->table_bytes, err);
	return r < 0 ? r : info_write(fat, err);
}

/* --- folders and files ------------------------------------------------------------------------ */

static int dir_load(struct fat *fat, uint32_t cluster, struct fat_dir *ret_dir, struct err *err)
{
	ret_dir->cluster = cluster ? cluster : fat->root_cluster;
	if (ret_dir->cluster) {
		int r = fat_chain_read(fat, ret_dir->cluster, DIR_MAX_BYTES, &ret_dir->data,
				       &ret_dir->length, err);

		if (r == 0 && ret_dir->length > DIR_MAX_BYTES)
			r = fat_damaged(fat, "a folder has no end", err);
		return r;
	}
	ret_dir->data = mem_alloc(fat->root_bytes + 1);
	ret_dir->length = fat->root_bytes;
	return image_read(fat->image, fat->where.start_bytes + fat->root_at, ret_dir->data,
			  ret_dir->length, err);
}

static int dir_store(struct fat *fat, const struct fat_dir *dir, struct err *err)
{
	if (dir->cluster)
		return fat_chain_write(fat, dir->cluster, dir->data, dir->length, err);
	return image_write(fat->image, fat->where.start_bytes + fat->root_at, dir->data,
			   dir->length, err);
}

static void dir_done(struct fat_dir *dir)
{
	free(dir->data);
	*dir = (struct fat_dir){ 0 };
}

static int not_there(const char *path, struct err *err)
{
	return err_set(err, -ENOENT, "%s: is not there", path);
}

/* The folder that a path ends in. */
static int dir_open(struct fat *fat, const char *path, struct fat_dir *ret_dir, struct err *err)
{
	int r = dir_load(fat, 0, ret_dir, err);

	while (r == 0 && *(path += strspn(path, "/"))) {
		size_t length = strcspn(path, "/");
		CLEANUP(fat_name_done) struct fat_name name = { 0 };

		if (!fat_dir_find(ret_dir, path, length, &name) ||
		    !(name.attributes & ATTRIBUTE_FOLDER))
			return not_there(path, err);
		dir_done(ret_dir);
		r = dir_load(fat, name.cluster, ret_dir, err);
		path += length;
	}
	return r;
}

int fat_list(struct fat *fat, const char *folder,
	     void (*each)(void *context, const struct fat_entry *entry), void *context,
	     struct err *err)
{
	CLEANUP(dir_done) struct fat_dir dir = { 0 };
	int r = dir_open(fat, folder, &dir, err);
	size_t at = 0;

	for (bool more = r == 0; more;) {
		CLEANUP(fat_name_done) struct fat_name name = { 0 };

		more = fat_dir_next(&dir, &at, &name);
		if (more)
			each(context, &(struct fat_entry){
					      .name = name.name,
					      .is_folder = name.attributes & ATTRIBUTE_FOLDER,
					      .size_bytes = name.size_bytes,
				      });
	}
	return r;
}

static int file_open(struct fat *fat, const char *path, struct fat_dir *ret_dir,
		     struct fat_name *ret_name, bool *ret_found, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = path_folder(path);
	const char *base = path_name(path);
	int r = dir_open(fat, folder, ret_dir, err);

	if (r < 0)
		return r;
	*ret_found = fat_dir_find(ret_dir, base, strlen(base), ret_name);
	if (*ret_found && (ret_name->attributes & ATTRIBUTE_FOLDER))
		return err_set(err, -EISDIR, "%s: is a folder", path);
	return 0;
}

int fat_read(struct fat *fat, const char *path, size_t max_bytes, char **ret_data,
	     size_t *ret_length, struct err *err)
{
	CLEANUP(dir_done) struct fat_dir dir = { 0 };
	CLEANUP(fat_name_done) struct fat_name name = { 0 };
	uint8_t *data = NULL;
	bool found = false;
	size_t length = 0;
	int r = file_open(fat, path, &dir, &name, &found, err);

	if (r < 0)
		return r;
	if (!found)
		return not_there(path, err);
	if (name.size_bytes > max_bytes)
		return err_set(err, -EFBIG, "%s: is larger than %zu bytes", path, max_bytes);
	r = fat_chain_read(fat, name.cluster, name.size_bytes, &data, &length, err);
	if (r < 0)
		return r;
	if (length < name.size_bytes) {
		free(data);
		return fat_damaged(fat, "a file is cut short", err);
	}
	data[name.size_bytes] = '\0';
	*ret_data = (char *)data;
	*ret_length = name.size_bytes;
	return 0;
}

static void slot_fill(uint8_t *slot, uint32_t cluster, size_t length, int64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm tm = { 0 };

	gmtime_r(&when, &tm);
	fat_set16(slot + 22, (uint32_t)(tm.tm_hour << 11 | tm.tm_min << 5 |
					(tm.tm_sec < 60 ? tm.tm_sec : 59) / 2));
	fat_set16(slot + 24, (uint32_t)(((tm.tm_year > 80 ? tm.tm_year - 80 : 0) & 127) << 9 |
					(tm.tm_mon + 1) << 5 | tm.tm_mday));
	fat_set16(slot + 20, cluster >> 16);
	fat_set16(slot + 26, cluster);
	fat_set32(slot + 28, (uint32_t)length);
}

/* A folder that is a chain gets another cluster if the name finds no room. */
static int slot_make(struct fat *fat, struct fat_dir *dir, const char *name, size_t *ret_slot,
		     struct err *err)
{
	int r = fat_dir_add(dir, name, ret_slot);

	if (r == -ENOSPC && dir->cluster) {
		uint32_t cluster = dir->cluster;

		r = fat_chain_grow(fat, cluster, err);
		if (r < 0)
			return r;
		dir_done(dir);
		r = dir_load(fat, cluster, dir, err);
		if (r == 0)
			r = fat_dir_add(dir, name, ret_slot);
	}
	return r == -ENOSPC ? err_set(err, r, "%s: its folder is full", name) : r;
}

int fat_put(struct fat *fat, const char *path, const void *data, size_t length,
	    int64_t time_seconds, struct err *err)
{
	CLEANUP(dir_done) struct fat_dir dir = { 0 };
	CLEANUP(fat_name_done) struct fat_name name = { 0 };
	uint32_t cluster = 0;
	bool found = false;
	int r = file_open(fat, path, &dir, &name, &found, err);
	size_t slot = name.last;

	if (r == 0 && !found)
		r = slot_make(fat, &dir, path_name(path), &slot, err);
	if (r == 0)
		r = fat_chain_make(fat, data, length, &cluster, err);
	if (r < 0)
		return r;
	if (found)
		fat_chain_free(fat, name.cluster);
	else
		dir.data[slot * FAT_SLOT_BYTES + 11] = ATTRIBUTE_FILE;
	slot_fill(dir.data + slot * FAT_SLOT_BYTES, cluster, length, time_seconds);
	r = dir_store(fat, &dir, err);
	return r < 0 ? r : fat_table_write(fat, err);
}
