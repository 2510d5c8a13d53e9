/* Folders in memory: read once, searched by hash, written as a whole to new blocks. That makes
 * unpacking linear in the number of names and every change of a folder a single switch. */
#include "image/fsys_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define DIR_SLOTS	    1024
#define DIR_ENTRIES_MAX	    400000 /* about 20 MB; beyond that folders are stored and forgotten */
#define DIRENT_HEADER_BYTES 8
#define CHECKSUM_TAIL_BYTES 12
#define LINKS_MAX	    65000 /* kernel fs/ext4/ext4.h, EXT4_LINK_MAX */

uint8_t fsys_type_of_mode(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return EXT2_FT_REG_FILE;
	case S_IFDIR:
		return EXT2_FT_DIR;
	case S_IFCHR:
		return EXT2_FT_CHRDEV;
	case S_IFBLK:
		return EXT2_FT_BLKDEV;
	case S_IFIFO:
		return EXT2_FT_FIFO;
	case S_IFSOCK:
		return EXT2_FT_SOCK;
	case S_IFLNK:
		return EXT2_FT_SYMLINK;
	default:
		return EXT2_FT_UNKNOWN;
	}
}

/* FNV-1a. */
static uint32_t name_hash(const char *name, size_t length)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)name[i]) * 16777619u;
	return hash;
}

const char *dir_name(const struct fsys_dir *dir, const struct dir_entry *entry)
{
	return dir->names.data + entry->name;
}

static void index_put(struct fsys_dir *dir, uint32_t entry)
{
	const struct dir_entry *added = &dir->entries[entry];
	size_t at = name_hash(dir_name(dir, added), added->length) & (dir->index_size - 1);

	while (dir->index[at] != 0)
		at = (at + 1) & (dir->index_size - 1);
	dir->index[at] = entry + 1;
}

static void index_grow(struct fsys_dir *dir)
{
	free(dir->index);
	dir->index_size = dir->index_size ? 2 * dir->index_size : 16;
	dir->index = mem_alloc(dir->index_size * sizeof *dir->index);
	for (size_t i = 0; i < dir->entry_count; i++)
		index_put(dir, (uint32_t)i);
}

struct dir_entry *dir_find(struct fsys_dir *dir, const char *name, size_t length)
{
	if (dir->index_size == 0)
		return NULL;
	size_t at = name_hash(name, length) & (dir->index_size - 1);
	for (; dir->index[at] != 0; at = (at + 1) & (dir->index_size - 1)) {
		struct dir_entry *entry = &dir->entries[dir->index[at] - 1];

		if (entry->number != 0 && entry->length == length &&
		    memcmp(dir_name(dir, entry), name, length) == 0)
			return entry;
	}
	return NULL;
}

void dir_add(struct fsys *fsys, struct fsys_dir *dir, const char *name, size_t length,
	     ext2_ino_t number, uint8_t type)
{
	if (dir->entry_count == dir->entry_capacity) {
		dir->entry_capacity = dir->entry_capacity ? 2 * dir->entry_capacity : 8;
		dir->entries = mem_grow(dir->entries, dir->entry_capacity, sizeof *dir->entries);
	}
	dir->entries[dir->entry_count] = (struct dir_entry){
		.number = number,
		.type = type,
		.length = (uint8_t)length,
		.name = (uint32_t)dir->names.length,
	};
	buf_add(&dir->names, name, length);
	dir->entry_count++;
	dir->changed = true;
	fsys->dir_entries++;
	if (2 * dir->entry_count > dir->index_size)
		index_grow(dir);
	else
		index_put(dir, (uint32_t)dir->entry_count - 1);
}

bool dir_is_empty(const struct fsys_dir *dir)
{
	for (size_t i = 0; i < dir->entry_count; i++)
		if (dir->entries[i].number != 0)
			return false;
	return true;
}

static struct fsys_dir **dir_slot(struct fsys *fsys, ext2_ino_t number)
{
	struct fsys_dir **slot;

	if (!fsys->dirs) {
		fsys->dir_slots = DIR_SLOTS;
		fsys->dirs = mem_alloc(fsys->dir_slots * sizeof *fsys->dirs);
	}
	slot = &fsys->dirs[number % fsys->dir_slots];
	while (*slot && (*slot)->number != number)
		slot = &(*slot)->next;
	return slot;
}

struct fsys_dir *dir_new(struct fsys *fsys, ext2_ino_t number, ext2_ino_t parent)
{
	struct fsys_dir **slot = dir_slot(fsys, number);
	struct fsys_dir *dir = mem_alloc(sizeof *dir);

	dir->number = number;
	dir->parent = parent;
	dir->changed = true;
	*slot = dir;
	fsys->dir_count++;
	return dir;
}

void dir_forget(struct fsys *fsys, ext2_ino_t number)
{
	struct fsys_dir **slot = dir_slot(fsys, number);
	struct fsys_dir *dir = *slot;

	if (!dir)
		return;
	*slot = dir->next;
	fsys->dir_count--;
	fsys->dir_entries -= dir->entry_count;
	free(dir->entries);
	free(dir->index);
	buf_done(&dir->names);
	free(dir);
}

struct dir_load {
	struct fsys *fsys;
	struct fsys_dir *dir;
};

static int entry_load(struct ext2_dir_entry *dirent, int offset, int block_size, char *block,
		      void *context)
{
	struct dir_load *load = context;
	size_t length = (size_t)ext2fs_dirent_name_len(dirent);

	(void)offset;
	(void)block_size;
	(void)block;
	if (length == 1 && dirent->name[0] == '.')
		return 0;
	if (length == 2 && memcmp(dirent->name, "..", 2) == 0) {
		load->dir->parent = dirent->inode;
		return 0;
	}
	dir_add(load->fsys, load->dir, dirent->name, length, dirent->inode,
		(uint8_t)ext2fs_dirent_file_type(dirent));
	return 0;
}

int fsys_dir_get(struct fsys *fsys, ext2_ino_t number, struct fsys_dir **ret_dir, struct err *err)
{
	struct fsys_dir *dir = *dir_slot(fsys, number);

	if (!dir) {
		errcode_t code = ext2fs_check_directory(fsys->ext2, number);

		if (code)
			return fsys_error(fsys, code, err, "reading folder inode %u", number);
		dir = dir_new(fsys, number, EXT2_ROOT_INO);

		struct dir_load load = { fsys, dir };
		code = ext2fs_dir_iterate(fsys->ext2, number, 0, NULL, entry_load, &load);
		if (code) {
			dir_forget(fsys, number);
			return fsys_error(fsys, code, err, "reading folder inode %u", number);
		}
		dir->changed = false;
	}
	*ret_dir = dir;
	return 0;
}

/* --- storing -------------------------------------------------------------------------------- */

static size_t dirent_bytes(size_t name_length)
{
	return (DIRENT_HEADER_BYTES + name_length + 3) & ~(size_t)3;
}

/* A folder's blocks as they will be on the disk. */
struct dir_image {
	struct fsys *fsys;
	struct buf blocks;
	size_t usable; /* bytes of a block without the checksum */
	size_t offset; /* in the last block */
	size_t last;   /* offset of its last entry */
};

static struct ext2_dir_entry *image_dirent(struct dir_image *image, size_t offset)
{
	size_t block_start = image->blocks.length - image->fsys->ext2->blocksize;

	return (struct ext2_dir_entry *)(void *)(image->blocks.data + block_start + offset);
}

/* The last entry of a block reaches to its end. */
static void block_finish(struct dir_image *image)
{
	struct ext2_dir_entry *last;

	if (image->blocks.length == 0)
		return;
	last = image_dirent(image, image->last);
	ext2fs_set_rec_len(image->fsys->ext2, (unsigned)(image->usable - image->last), last);
	if (image->usable < image->fsys->ext2->blocksize)
		ext2fs_initialize_dirent_tail(
			image->fsys->ext2,
			(struct ext2_dir_entry_tail *)(void *)image_dirent(image, image->usable));
}

static void block_begin(struct dir_image *image)
{
	CLEANUP(free_cleanup) char *zeros = mem_alloc(image->fsys->ext2->blocksize);

	block_finish(image);
	buf_add(&image->blocks, zeros, image->fsys->ext2->blocksize);
	image->offset = 0;
	image->last = 0;
}

static void dirent_put(struct dir_image *image, const char *name, size_t length, ext2_ino_t number,
		       uint8_t type)
{
	size_t bytes = dirent_bytes(length);
	struct ext2_dir_entry *dirent;

	if (image->blocks.length == 0 || image->offset + bytes > image->usable)
		block_begin(image);
	dirent = image_dirent(image, image->offset);
	dirent->inode = number;
	ext2fs_set_rec_len(image->fsys->ext2, (unsigned)bytes, dirent);
	ext2fs_dirent_set_name_len(dirent, (int)length);
	if (ext2fs_has_feature_filetype(image->fsys->ext2->super))
		ext2fs_dirent_set_file_type(dirent, type);
	memcpy(dirent->name, name, length);
	image->last = image->offset;
	image->offset += bytes;
}

/* Returns the number of folders in it. */
static size_t dir_image_fill(struct dir_image *image, const struct fsys_dir *dir)
{
	size_t folders = 0;

	dirent_put(image, ".", 1, dir->number, EXT2_FT_DIR);
	dirent_put(image, "..", 2, dir->parent, EXT2_FT_DIR);
	for (size_t i = 0; i < dir->entry_count; i++) {
		const struct dir_entry *entry = &dir->entries[i];

		if (entry->number == 0)
			continue;
		dirent_put(image, dir_name(dir, entry), entry->length, entry->number, entry->type);
		folders += entry->type == EXT2_FT_DIR;
	}
	block_finish(image);
	return folders;
}

static int block_collect(ext2_filsys ext2, blk64_t *block, e2_blkcnt_t count, blk64_t ref_block,
			 int ref_offset, void *context)
{
	struct run_list *blocks = context;
	const struct run *last = blocks->count ? &blocks->items[blocks->count - 1] : NULL;

	(void)ext2;
	(void)count;
	(void)ref_block;
	(void)ref_offset;
	if (*block != 0)
		runs_add(blocks, last ? last->logical + last->count : 0, *block, 1);
	return 0;
}

static int blocks_write(struct fsys *fsys, const struct fsys_dir *dir, struct dir_image *image,
			struct run_list *runs, struct err *err)
{
	size_t block_size = fsys->ext2->blocksize, count = image->blocks.length / block_size;

	for (size_t at = 0; at < count;) {
		uint64_t first, got;
		int r = fsys_blocks_take(fsys, count - at, &first, &got, err);

		if (r < 0)
			return r;
		runs_add(runs, at, first, got);
		for (uint64_t i = 0; i < got; i++, at++) {
			errcode_t code = ext2fs_write_dir_block4(
				fsys->ext2, first + i, image->blocks.data + at * block_size, 0,
				dir->number);

			if (code)
				return fsys_error(fsys, code, err, "writing a folder");
		}
	}
	return 0;
}

static int links_set(struct fsys *fsys, struct fsys_inode *inode, size_t folders, struct err *err)
{
	if (folders + 2 < LINKS_MAX) {
		inode->raw.i_links_count = (uint16_t)(folders + 2);
		return 0;
	}
	if (!ext2fs_has_feature_dir_nlink(fsys->ext2->super))
		return err_set(err, -EMLINK, "%s: %zu folders in one are more than ext3 takes",
			       image_path(fsys->image), folders);
	inode->raw.i_links_count = 1;
	return 0;
}

static int dir_switch(struct fsys *fsys, struct fsys_dir *dir, struct dir_image *image,
		      struct err *err)
{
	CLEANUP(runs_done) struct run_list runs = { 0 }, old = { 0 };
	struct fsys_inode inode;
	size_t folders = dir_image_fill(image, dir);
	int r = fsys_inode_read(fsys, dir->number, &inode, err);

	if (r == 0 && ext2fs_inode_has_valid_blocks2(fsys->ext2, fsys_inode_small(&inode))) {
		errcode_t code = ext2fs_block_iterate3(
			fsys->ext2, dir->number, BLOCK_FLAG_READ_ONLY, NULL, block_collect, &old);
		if (code)
			r = fsys_error(fsys, code, err, "reading the blocks of a folder");
	}
	if (r == 0)
		r = blocks_write(fsys, dir, image, &runs, err);
	if (r == 0)
		r = fsys_map_store(fsys, &inode, &runs, err);
	if (r == 0)
		r = links_set(fsys, &inode, folders, err);
	if (r < 0)
		return r;
	inode.raw.i_size = (uint32_t)image->blocks.length;
	inode.raw.i_flags &= ~(uint32_t)EXT2_INDEX_FL;
	r = fsys_inode_write(fsys, &inode, err);
	for (size_t i = 0; i < old.count && r == 0; i++)
		ext2fs_block_alloc_stats_range(fsys->ext2, old.items[i].physical,
					       (blk_t)old.items[i].count, -1);
	return r;
}

int fsys_dir_store(struct fsys *fsys, struct fsys_dir *dir, struct err *err)
{
	struct dir_image image = { .fsys = fsys, .usable = fsys->ext2->blocksize };

	if (!dir->changed)
		return 0;
	if (ext2fs_has_feature_metadata_csum(fsys->ext2->super))
		image.usable -= CHECKSUM_TAIL_BYTES;
	int r = dir_switch(fsys, dir, &image, err);
	buf_done(&image.blocks);
	if (r == 0)
		dir->changed = false;
	return r;
}

static int dir_order(const void *a, const void *b)
{
	const struct fsys_dir *const *left = a, *const *right = b;

	return (*left)->number < (*right)->number ? -1 : (*left)->number > (*right)->number;
}

int fsys_dirs_store(struct fsys *fsys, struct err *err)
{
	CLEANUP(free_cleanup)
	struct fsys_dir **all = mem_alloc((fsys->dir_count + 1) * sizeof *all);
	size_t count = 0;

	for (size_t slot = 0; slot < fsys->dir_slots; slot++)
		for (struct fsys_dir *dir = fsys->dirs[slot]; dir; dir = dir->next)
			all[count++] = dir;
	qsort(all, count, sizeof *all, dir_order);
	for (size_t i = 0; i < count; i++) {
		int r = fsys_dir_store(fsys, all[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

int fsys_dirs_trim(struct fsys *fsys, struct err *err)
{
	if (fsys->dir_entries < DIR_ENTRIES_MAX)
		return 0;
	int r = fsys_dirs_store(fsys, err);
	if (r == 0)
		fsys_dirs_free(fsys);
	return r;
}

void fsys_dirs_free(struct fsys *fsys)
{
	for (size_t slot = 0; slot < fsys->dir_slots; slot++)
		while (fsys->dirs[slot])
			dir_forget(fsys, fsys->dirs[slot]->number);
	free(fsys->dirs);
	fsys->dirs = NULL;
	fsys->dir_slots = 0;
}
