/* Paths inside a file system. Symlinks are followed as in a chroot: the root is its own parent, so
 * nothing that stands in an image leads out of it. */
#include "image/fsys_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define SYMLINKS_MAX 40 /* as the kernel's MAXSYMLINKS */

int fsys_read_link(struct fsys *fsys, ext2_ino_t number, char **ret_target, struct err *err)
{
	struct fsys_inode inode;
	int r = fsys_inode_read(fsys, number, &inode, err);

	if (r < 0)
		return r;
	uint64_t size = fsys_inode_size(&inode);
	if (!LINUX_S_ISLNK(inode.raw.i_mode) || size == 0 || size >= fsys->ext2->blocksize)
		return err_set(err, -EBADMSG, "%s: inode %u is a damaged symlink: run e2fsck -fy",
			       image_path(fsys->image), number);
	CLEANUP(free_cleanup) char *target = mem_alloc(fsys->ext2->blocksize + 1);
	if (ext2fs_is_fast_symlink(fsys_inode_small(&inode))) {
		if (size > sizeof inode.raw.i_block)
			size = sizeof inode.raw.i_block;
		memcpy(target, inode.raw.i_block, size);
	} else {
		CLEANUP(runs_done) struct run_list runs = { 0 };

		r = fsys_map_load(fsys, &inode, &runs, err);
		if (r < 0)
			return r;
		const struct run *run = runs_find(&runs, 0);
		if (!run || run->logical != 0)
			return err_set(err, -EBADMSG,
				       "%s: inode %u is a damaged symlink: run e2fsck -fy",
				       image_path(fsys->image), number);
		errcode_t code = io_channel_read_blk64(fsys->ext2->io, run->physical, 1, target);
		if (code)
			return fsys_error(fsys, code, err, "reading a symlink");
	}
	target[size] = '\0';
	*ret_target = take(&target);
	return 0;
}

/* The way that is left to go, and where we are. */
struct walk {
	struct fsys *fsys;
	const char *path; /* as it was given, for messages */
	char *rest;	  /* owned; what is still to be walked */
	char *next;	  /* in rest */
	int flags;
	unsigned links;
	struct place place;
	ext2_ino_t here;
};

static int make_dir(struct walk *walk, struct fsys_dir *parent, const char *name, size_t length,
		    struct err *err)
{
	struct fsys *fsys = walk->fsys;
	struct fsys_time now = { .seconds = fsys->ext2->now };
	struct fsys_node node = { S_IFDIR | 0755, .access = now, .change = now,
				  .modification = now };
	struct fsys_inode inode;
	int r = fsys_inode_new(fsys, &node, &inode, err);

	if (r == 0)
		r = fsys_map_store(fsys, &inode, &(struct run_list){ 0 }, err);
	if (r == 0)
		r = fsys_inode_write(fsys, &inode, err);
	if (r < 0)
		return r;
	dir_new(fsys, inode.number, parent->number);
	dir_add(fsys, parent, name, length, inode.number, EXT2_FT_DIR);
	walk->place.number = inode.number;
	walk->place.type = EXT2_FT_DIR;
	return 0;
}

/* The target goes in front of what is left. */
static int follow(struct walk *walk, struct err *err)
{
	CLEANUP(free_cleanup) char *target = NULL;
	int r;

	if (++walk->links > SYMLINKS_MAX)
		return err_set(err, -ELOOP, "%s: too many symlinks", walk->path);
	r = fsys_read_link(walk->fsys, walk->place.number, &target, err);
	if (r < 0)
		return r;
	char *rest = str_format("%s/%s", target, walk->next);
	free(walk->rest);
	walk->rest = walk->next = rest;
	walk->here = target[0] == '/' ? EXT2_ROOT_INO : walk->place.dir;
	return 0;
}

static int step_up(struct walk *walk, struct err *err)
{
	struct fsys_dir *dir;
	int r = fsys_dir_get(walk->fsys, walk->here, &dir, err);

	if (r < 0)
		return r;
	if (walk->here != EXT2_ROOT_INO)
		walk->here = dir->parent;
	walk->place = (struct place){ walk->here, walk->here, EXT2_FT_DIR, "" };
	return 0;
}

static int type_of(struct fsys *fsys, struct dir_entry *entry, struct err *err)
{
	struct fsys_inode inode;

	if (entry->type != EXT2_FT_UNKNOWN)
		return 0;
	int r = fsys_inode_read(fsys, entry->number, &inode, err);
	if (r == 0)
		entry->type = fsys_type_of_mode(inode.raw.i_mode);
	return r;
}

static int step(struct walk *walk, const char *name, size_t length, bool last, struct err *err)
{
	struct place *place = &walk->place;
	struct fsys_dir *dir;
	int r = fsys_dir_get(walk->fsys, walk->here, &dir, err);

	if (r < 0)
		return r;
	if (length > EXT2_NAME_LEN)
		return err_set(err, -ENAMETOOLONG, "%s: has a name of more than %d bytes",
			       walk->path, EXT2_NAME_LEN);
	*place = (struct place){ .dir = walk->here };
	memcpy(place->name, name, length);

	struct dir_entry *entry = dir_find(dir, name, length);
	if (!entry && last)
		return 0;
	if (!entry && !(walk->flags & PLACE_MAKE_DIRS))
		return err_set(err, -ENOENT, "%s: there is no %s on the way", walk->path,
			       place->name);
	if (!entry) {
		r = make_dir(walk, dir, name, length, err);
		walk->here = place->number;
		return r;
	}
	r = type_of(walk->fsys, entry, err);
	if (r < 0)
		return r;
	place->number = entry->number;
	place->type = entry->type;
	if (entry->type == EXT2_FT_SYMLINK && (!last || (walk->flags & PLACE_FOLLOW)))
		return follow(walk, err);
	if (entry->type == EXT2_FT_DIR)
		walk->here = entry->number;
	else if (!last)
		return err_set(err, -ENOTDIR, "%s: %s is no folder", walk->path, place->name);
	return 0;
}

static int walk_all(struct walk *walk, struct err *err)
{
	while (*walk->next) {
		char *name = walk->next + strspn(walk->next, "/");
		size_t length = strcspn(name, "/");
		int r = 0;

		walk->next = name + length;
		if (length == 0 || (length == 1 && name[0] == '.'))
			continue;
		if (length == 2 && memcmp(name, "..", 2) == 0)
			r = step_up(walk, err);
		else
			r = step(walk, name, length, strspn(walk->next, "/") == strlen(walk->next),
				 err);
		if (r < 0)
			return r;
	}
	return 0;
}

int fsys_place(struct fsys *fsys, const char *path, int flags, struct place *ret_place,
	       struct err *err)
{
	struct walk walk = {
		.fsys = fsys,
		.path = path,
		.rest = str_copy(path),
		.flags = flags,
		.place = { EXT2_ROOT_INO, EXT2_ROOT_INO, EXT2_FT_DIR, "" },
		.here = EXT2_ROOT_INO,
	};

	walk.next = walk.rest;
	int r = walk_all(&walk, err);
	free(walk.rest);
	if (r == 0)
		*ret_place = walk.place;
	return r;
}

int fsys_find(struct fsys *fsys, const char *path, int flags, struct place *ret_place,
	      struct err *err)
{
	int r = fsys_place(fsys, path, flags, ret_place, err);

	if (r == 0 && ret_place->number == 0)
		return err_set(err, -ENOENT, "%s: is not in the file system of %s", path,
			       image_path(fsys->image));
	return r;
}
