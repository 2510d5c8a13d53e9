/* What the fsys_*.c files share: the open file system, its folders in memory, a file being
 * written. No file outside image/ includes this; libext2fs's types stay behind it. */
#pragma once
#include <com_err.h>
#include <ext2fs/ext2fs.h>

#include "base/str.h"
#include "image/fsys.h"
#include "image/fsys_node.h"
#include "image/gather.h"

struct fsys_dir;

/* What the I/O channel of libext2fs reads and writes. */
struct fsys_io_source {
	struct image *image;
	struct extent where;
	struct gather *gather; /* owned; NULL: every write goes to the image at once, in order */
	struct err failed;     /* the first failure of the image: libext2fs hides some, and renames
				  others */
};

struct fsys {
	struct image *image;
	struct extent where;
	struct fsys_io_source source;
	ext2_filsys ext2;
	bool writable;
	bool has_extents;
	uint64_t block_goal; /* moves forward, so that what is written together lies together */
	ext2_ino_t inode_goal;
	struct fsys_dir **dirs; /* folders in memory, by inode number modulo dir_slots */
	size_t dir_slots, dir_count;
	size_t dir_entries; /* in all of them, to keep memory bounded */
	char *spare_stage;  /* FSYS_STAGE_BYTES for the next file that is written, or NULL */
};

#define FSYS_STAGE_BYTES (1u << 20)

/* With nothing open yet. */
struct fsys *fsys_new(struct image *image, const struct extent *where);

/* The error of a libext2fs call, with its text and our errno; or that of the image behind it. */
int fsys_error(const struct fsys *fsys, errcode_t code, struct err *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* fsys_io.c: the name is what ext2fs_open2 and ext2fs_initialize take; the caller frees it. The
 * source must outlive the file system. */
extern struct struct_io_manager fsys_io_manager;
char *fsys_io_name(struct fsys_io_source *source);
/* Bytes of the image, at an offset in the image: what was written through the channel, whether it
 * has reached the image or not. */
int fsys_io_read(const struct fsys_io_source *source, uint64_t offset_bytes, void *data,
		 size_t length, struct err *err);

/* fsys_inode.c */
struct fsys_inode {
	ext2_ino_t number;
	struct ext2_inode_large raw;
};

int fsys_inode_read(struct fsys *fsys, ext2_ino_t number, struct fsys_inode *ret_inode,
		    struct err *err);
int fsys_inode_write(struct fsys *fsys, struct fsys_inode *inode, struct err *err);
/* Takes a free number (marked in the bitmap) and fills the fields from the node. Not written. */
int fsys_inode_new(struct fsys *fsys, const struct fsys_node *node, struct fsys_inode *ret_inode,
		   struct err *err);
void fsys_inode_set(struct fsys *fsys, const struct fsys_node *node, struct fsys_inode *inode);
/* One name less; at the last one blocks and number are freed. */
int fsys_inode_release(struct fsys *fsys, ext2_ino_t number, struct err *err);
/* Adds those that the inode has to the node. */
int fsys_inode_get_xattrs(struct fsys *fsys, ext2_ino_t number, struct fsys_node *node,
			  struct err *err);
int fsys_inode_set_xattrs(struct fsys *fsys, const struct fsys_node *node, ext2_ino_t number,
			  struct err *err);
uint64_t fsys_inode_size(const struct fsys_inode *inode);
int64_t fsys_inode_time(const struct fsys_inode *inode);
struct ext2_inode *fsys_inode_small(struct fsys_inode *inode);

/* fsys_map.c: where a file's blocks lie. Runs are sorted by logical block and do not overlap. */
struct run {
	uint64_t logical, physical, count;
};

struct run_list {
	struct run *items; /* owned */
	size_t count, capacity;
};

/* Adds a run behind or between the others; neighbours grow together. */
void runs_add(struct run_list *runs, uint64_t logical, uint64_t physical, uint64_t count);
/* The run that holds the block, or the first one behind it; NULL: none. */
const struct run *runs_find(const struct run_list *runs, uint64_t logical);
/* Takes out what lies in [logical, logical + count); gone() gets each piece's blocks. */
void runs_cut(struct run_list *runs, uint64_t logical, uint64_t count,
	      void (*gone)(void *context, uint64_t physical, uint64_t count), void *context);
void runs_done(struct run_list *runs);
/* Takes up to count blocks that lie together, near the goal: at least one. */
int fsys_blocks_take(struct fsys *fsys, uint64_t count, uint64_t *ret_first, uint64_t *ret_count,
		     struct err *err);
/* Writes the map of a new file (extent tree or indirect blocks) and sets its block count. */
int fsys_map_store(struct fsys *fsys, struct fsys_inode *inode, const struct run_list *runs,
		   struct err *err);
/* Reads the map of any file. Blocks that were allocated and never written count as holes. */
int fsys_map_load(struct fsys *fsys, struct fsys_inode *inode, struct run_list *ret_runs,
		  struct err *err);
/* The blocks that the map itself lies in, outside the inode; their logical numbers mean nothing. */
int fsys_map_own_blocks(struct fsys *fsys, struct fsys_inode *inode, struct run_list *ret_runs,
			struct err *err);

/* fsys_dir.c */
struct dir_entry {
	ext2_ino_t number; /* 0: was removed */
	uint8_t type;	   /* EXT2_FT_* */
	uint8_t length;
	uint32_t name; /* offset in the folder's names */
};

struct fsys_dir {
	struct fsys_dir *next; /* in the slot */
	ext2_ino_t number, parent;
	struct dir_entry *entries;
	size_t entry_count, entry_capacity;
	uint32_t *index; /* name hash -> entry + 1, 0: free; open addressing */
	size_t index_size;
	struct buf names;
	bool changed;
};

/* The folder, read if it is not in memory; it belongs to fsys and lives until the next
 * fsys_dirs_trim, fsys_dirs_free or dir_forget. */
int fsys_dir_get(struct fsys *fsys, ext2_ino_t number, struct fsys_dir **ret_dir, struct err *err);
struct dir_entry *dir_find(struct fsys_dir *dir, const char *name, size_t length);
const char *dir_name(const struct fsys_dir *dir, const struct dir_entry *entry);
/* The name must not be there yet. */
void dir_add(struct fsys *fsys, struct fsys_dir *dir, const char *name, size_t length,
	     ext2_ino_t number, uint8_t type);
bool dir_is_empty(const struct fsys_dir *dir);
/* A new folder in memory; its blocks are made when it is stored. */
struct fsys_dir *dir_new(struct fsys *fsys, ext2_ino_t number, ext2_ino_t parent);
void dir_forget(struct fsys *fsys, ext2_ino_t number);
/* Writes a changed folder to new blocks and switches its inode over: the old or the new content
 * is seen, nothing between. */
int fsys_dir_store(struct fsys *fsys, struct fsys_dir *dir, struct err *err);
/* All changed folders, lowest inode number first. */
int fsys_dirs_store(struct fsys *fsys, struct err *err);
/* Stores and forgets when too many entries are in memory. */
int fsys_dirs_trim(struct fsys *fsys, struct err *err);
void fsys_dirs_free(struct fsys *fsys);
uint8_t fsys_type_of_mode(uint32_t mode);

/* fsys_node.c: an inode with its attributes and an empty map, written if it has xattrs. */
int fsys_inode_make(struct fsys *fsys, const struct fsys_node *node, struct fsys_inode *ret_inode,
		    struct err *err);
/* Gives the inode that name, in the place of what had it: the folder is written before the old
 * inode is given back, so a crash shows one or the other. */
int fsys_name_put(struct fsys *fsys, const char *path, ext2_ino_t number, uint8_t type,
		  struct err *err);

/* fsys_file.c */
int fsys_file_new(struct fsys *fsys, const char *path, const struct fsys_node *node,
		  struct fsys_file **ret_file, struct err *err);

/* fsys_path.c */
struct place {
	ext2_ino_t dir;	   /* folder that has the name, or would have it */
	ext2_ino_t number; /* 0: there is no such name */
	uint8_t type;
	char name[EXT2_NAME_LEN + 1]; /* "" for the root itself */
};

enum {
	PLACE_FOLLOW = 1,    /* a symlink at the end too */
	PLACE_MAKE_DIRS = 2, /* folders that are missing on the way: 0755 root */
};

/* Symlinks are followed inside the file system: its root is never left. -ENOENT if a folder on the
 * way is missing; a missing last name is no error. -ELOOP, -ENOTDIR, -ENAMETOOLONG. */
int fsys_place(struct fsys *fsys, const char *path, int flags, struct place *ret_place,
	       struct err *err);
/* Like fsys_place, with -ENOENT for a missing last name. */
int fsys_find(struct fsys *fsys, const char *path, int flags, struct place *ret_place,
	      struct err *err);
int fsys_read_link(struct fsys *fsys, ext2_ino_t number, char **ret_target, struct err *err);

/* -EROFS if it was opened for reading alone. */
int fsys_check_writable(const struct fsys *fsys, struct err *err);
