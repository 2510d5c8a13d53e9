/* Making files, folders and the rest inside a file system: the inode first, the name last. */
#include "image/fsys_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

void fsys_node_done(struct fsys_node *node)
{
	for (size_t i = 0; i < node->xattr_count; i++) {
		free(node->xattrs[i].name);
		free(node->xattrs[i].value);
	}
	free(node->xattrs);
}

void fsys_node_add_xattr(struct fsys_node *node, const char *name, const void *value, size_t length)
{
	struct fsys_xattr *added;

	node->xattrs = mem_grow(node->xattrs, node->xattr_count + 1, sizeof *node->xattrs);
	added = &node->xattrs[node->xattr_count++];
	added->name = str_copy(name);
	added->value = mem_alloc(length + 1);
	added->length = length;
	if (length > 0)
		memcpy(added->value, value, length);
}

static int replace_check(const struct place *place, const char *path, struct err *err)
{
	if (place->name[0] == '\0')
		return err_set(err, -EISDIR, "%s: is the root folder", path);
	if (place->number != 0 && place->type == EXT2_FT_DIR)
		return err_set(err, -EISDIR, "%s: is a folder and stays one", path);
	return 0;
}

/* Gives the inode its name, in the place of what had it. With now, the folder is written before
 * the old inode is given back: a crash shows one or the other. */
int fsys_name_put(struct fsys *fsys, const char *path, ext2_ino_t number, uint8_t type,
		  struct err *err)
{
	struct place place;
	struct fsys_dir *dir;
	int r = fsys_place(fsys, path, PLACE_MAKE_DIRS, &place, err);

	if (r == 0)
		r = replace_check(&place, path, err);
	if (r == 0)
		r = fsys_dir_get(fsys, place.dir, &dir, err);
	if (r < 0)
		return r;
	if (place.number == 0) {
		dir_add(fsys, dir, place.name, strlen(place.name), number, type);
		return 0;
	}
	struct dir_entry *entry = dir_find(dir, place.name, strlen(place.name));
	entry->number = number;
	entry->type = type;
	dir->changed = true;
	r = fsys_dir_store(fsys, dir, err);
	if (r < 0)
		return r;
	return fsys_inode_release(fsys, place.number, err);
}

static bool has_map(uint32_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode);
}

int fsys_inode_make(struct fsys *fsys, const struct fsys_node *node, struct fsys_inode *ret_inode,
		    struct err *err)
{
	int r = fsys_inode_new(fsys, node, ret_inode, err);

	if (r == 0 && has_map(node->mode))
		r = fsys_map_store(fsys, ret_inode, &(struct run_list){ 0 }, err);
	if (r == 0 && node->xattr_count > 0) {
		r = fsys_inode_write(fsys, ret_inode, err);
		if (r == 0)
			r = fsys_inode_set_xattrs(fsys, node, ret_inode->number, err);
		if (r == 0)
			r = fsys_inode_read(fsys, ret_inode->number, ret_inode, err);
	}
	return r;
}

/* --- everything else ------------------------------------------------------------------------ */

static int symlink_make(struct fsys *fsys, const char *path, const struct fsys_node *node,
			struct err *err)
{
	size_t length = strlen(node->target);
	struct fsys_inode inode;
	int r;

	if (length == 0 || length >= fsys->ext2->blocksize)
		return err_set(err, -ENAMETOOLONG, "%s: a symlink's target of %zu bytes", path,
			       length);
	if (length >= sizeof inode.raw.i_block) {
		struct fsys_file *file;

		r = fsys_file_new(fsys, path, node, &file, err);
		if (r < 0)
			return r;
		r = fsys_file_write(file, 0, node->target, length, err);
		if (r < 0) {
			fsys_file_discard(file);
			return r;
		}
		return fsys_file_close(file, err);
	}
	r = fsys_inode_make(fsys, node, &inode, err);
	if (r < 0)
		return r;
	inode.raw.i_flags &= ~(uint32_t)EXT4_EXTENTS_FL;
	memset(inode.raw.i_block, 0, sizeof inode.raw.i_block);
	memcpy(inode.raw.i_block, node->target, length);
	inode.raw.i_size = (uint32_t)length;
	r = fsys_inode_write(fsys, &inode, err);
	return r < 0 ? r : fsys_name_put(fsys, path, inode.number, EXT2_FT_SYMLINK, err);
}

static int special_make(struct fsys *fsys, const char *path, const struct fsys_node *node,
			struct err *err)
{
	struct fsys_inode inode;
	int r = fsys_inode_make(fsys, node, &inode, err);

	if (r == 0)
		r = fsys_inode_write(fsys, &inode, err);
	if (r == 0)
		r = fsys_name_put(fsys, path, inode.number, fsys_type_of_mode(node->mode), err);
	return r;
}

/* A folder that is there, or a symlink to one, keeps what is in it. */
static int dir_update(struct fsys *fsys, const struct fsys_node *node, ext2_ino_t number,
		      struct err *err)
{
	struct fsys_inode inode;
	int r = fsys_inode_read(fsys, number, &inode, err);

	if (r < 0)
		return r;
	fsys_inode_set(fsys, node, &inode);
	r = fsys_inode_write(fsys, &inode, err);
	if (r == 0 && node->xattr_count > 0)
		r = fsys_inode_set_xattrs(fsys, node, number, err);
	return r;
}

static int dir_make_node(struct fsys *fsys, const char *path, const struct fsys_node *node,
			 struct err *err)
{
	struct fsys_inode inode;
	struct fsys_dir *dir;
	struct place place;
	int r = fsys_place(fsys, path, PLACE_MAKE_DIRS | PLACE_FOLLOW, &place, err);

	if (r < 0)
		return r;
	if (place.number != 0 && place.type == EXT2_FT_DIR)
		return dir_update(fsys, node, place.number, err);
	if (place.number != 0)
		return err_set(err, -EEXIST, "%s: is there and is no folder", path);
	r = fsys_inode_make(fsys, node, &inode, err);
	if (r == 0)
		r = fsys_inode_write(fsys, &inode, err);
	if (r == 0)
		r = fsys_dir_get(fsys, place.dir, &dir, err);
	if (r < 0)
		return r;
	dir_new(fsys, inode.number, place.dir);
	dir_add(fsys, dir, place.name, strlen(place.name), inode.number, EXT2_FT_DIR);
	return 0;
}

int fsys_node_make(struct fsys *fsys, const char *path, const struct fsys_node *node,
		   struct fsys_file **ret_file, struct err *err)
{
	int r = fsys_check_writable(fsys, err);

	if (r < 0)
		return r;
	switch (node->mode & S_IFMT) {
	case S_IFREG:
		return fsys_file_new(fsys, path, node, ret_file, err);
	case S_IFDIR:
		return dir_make_node(fsys, path, node, err);
	case S_IFLNK:
		return symlink_make(fsys, path, node, err);
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return special_make(fsys, path, node, err);
	default:
		return err_set(err, -EBADMSG, "%s: mode %o says no type of file", path, node->mode);
	}
}

int fsys_node_link(struct fsys *fsys, const char *path, const char *target, struct err *err)
{
	struct fsys_inode inode;
	struct place place = { 0 };
	int r = fsys_check_writable(fsys, err);

	if (r == 0)
		r = fsys_find(fsys, target, 0, &place, err);
	if (r < 0)
		return r;
	if (place.type == EXT2_FT_DIR)
		return err_set(err, -EPERM, "%s: a folder can have no second name %s", target,
			       path);
	r = fsys_inode_read(fsys, place.number, &inode, err);
	if (r < 0)
		return r;
	if (inode.raw.i_links_count >= 65000)
		return err_set(err, -EMLINK, "%s: has too many names", target);
	inode.raw.i_links_count++;
	r = fsys_inode_write(fsys, &inode, err);
	return r < 0 ? r : fsys_name_put(fsys, path, place.number, place.type, err);
}

int fsys_node_settle(struct fsys *fsys, struct err *err)
{
	return fsys_dirs_trim(fsys, err);
}
