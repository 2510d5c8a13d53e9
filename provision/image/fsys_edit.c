/* Offline edits: a file, a symlink, a folder put, changed or removed. Each is on the disk when the
 * call returns, apart from the counts of free space, which fsys_close writes. */
#include "image/fsys_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"

#define COPY_BYTES	((size_t)1 << 20)
#define PERMISSION_BITS 07777u

static struct fsys_node node_of(const struct fsys *fsys, uint32_t type,
				const struct fsys_attributes *attributes)
{
	struct fsys_time time = { .seconds =
					  attributes ? attributes->time_seconds : fsys->ext2->now };
	struct fsys_node node = { .access = time, .change = time, .modification = time };

	node.mode = type | (attributes	      ? attributes->mode & PERMISSION_BITS
			    : type == S_IFDIR ? 0755
					      : 0644);
	if (attributes) {
		node.uid = attributes->uid;
		node.gid = attributes->gid;
	}
	return node;
}

/* The attributes of the regular file that has the name: the new one inherits them. */
static int attributes_inherit(struct fsys *fsys, const char *path, struct fsys_node *node,
			      struct err *err)
{
	struct place place;
	struct fsys_attributes old;
	int r = fsys_place(fsys, path, PLACE_MAKE_DIRS, &place, err);

	if (r < 0 || place.number == 0 || place.type != EXT2_FT_REG_FILE)
		return r;
	r = fsys_get_attributes(fsys, path, &old, err);
	if (r < 0)
		return r;
	node->mode = old.mode;
	node->uid = old.uid;
	node->gid = old.gid;
	return 0;
}

static int xattrs_inherit(struct fsys *fsys, const char *like, struct fsys_node *node,
			  struct err *err)
{
	struct place place;
	int r = fsys_find(fsys, like, 0, &place, err);

	return r < 0 ? r : fsys_inode_get_xattrs(fsys, place.number, node, err);
}

/* Both in bytes; chunk has COPY_BYTES. */
static int copy_run(int from, off_t start, off_t end, char *chunk, struct fsys_file *file,
		    struct err *err)
{
	while (start < end) {
		size_t part = end - start < (off_t)COPY_BYTES ? (size_t)(end - start) : COPY_BYTES;
		ssize_t got = fd_pread_all(from, chunk, part, (uint64_t)start);

		if (got < 0)
			return err_errno(err, (int)-got, "reading the file to be put");
		if (got == 0)
			return err_set(err, -EIO, "the file to be put shrank meanwhile");
		int r = fsys_file_write(file, (uint64_t)start, chunk, (size_t)got, err);
		if (r < 0)
			return r;
		start += got;
	}
	return 0;
}

/* Copies the runs of data between the holes; all of it where holes cannot be asked for. */
static int copy_runs(int from, uint64_t size, struct fsys_file *file, struct err *err)
{
	CLEANUP(free_cleanup) char *chunk = mem_alloc(COPY_BYTES);
	off_t data = 0;

	while ((uint64_t)data < size) {
		off_t start = lseek(from, data, SEEK_DATA);
		off_t hole = start < 0 ? -1 : lseek(from, start, SEEK_HOLE);

		if (start < 0 && errno == ENXIO)
			return 0;
		if (hole < 0) {
			start = data;
			hole = (off_t)size;
		}
		int r = copy_run(from, start, hole, chunk, file, err);
		if (r < 0)
			return r;
		data = hole;
	}
	return 0;
}

static int file_begin(struct fsys *fsys, const char *path, const struct fsys_attributes *attributes,
		      struct fsys_file **ret_file, struct err *err)
{
	CLEANUP(fsys_node_done) struct fsys_node node = node_of(fsys, S_IFREG, attributes);
	int r = fsys_check_writable(fsys, err);

	if (r == 0 && !attributes)
		r = attributes_inherit(fsys, path, &node, err);
	if (r == 0 && attributes && attributes->like)
		r = xattrs_inherit(fsys, attributes->like, &node, err);
	return r < 0 ? r : fsys_node_make(fsys, path, &node, ret_file, err);
}

int fsys_put(struct fsys *fsys, const char *path, const void *data, size_t length,
	     const struct fsys_attributes *attributes, struct err *err)
{
	CLEANUP(fsys_file_cleanup) struct fsys_file *file = NULL;
	int r = file_begin(fsys, path, attributes, &file, err);

	if (r == 0)
		r = fsys_file_write(file, 0, data, length, err);
	if (r == 0)
		r = fsys_file_close(take(&file), err);
	if (r == 0)
		r = fsys_dirs_store(fsys, err);
	return r < 0 ? err_wrap(err, r, "putting %s", path) : 0;
}

int fsys_put_file(struct fsys *fsys, const char *path, int from,
		  const struct fsys_attributes *attributes, struct err *err)
{
	CLEANUP(fsys_file_cleanup) struct fsys_file *file = NULL;
	struct stat status;
	int r;

	if (fstat(from, &status) < 0)
		return err_errno(err, errno, "putting %s: its source cannot be examined", path);
	if (!S_ISREG(status.st_mode))
		return err_set(err, -EINVAL, "putting %s: its source is no regular file", path);
	r = file_begin(fsys, path, attributes, &file, err);
	if (r == 0)
		r = copy_runs(from, (uint64_t)status.st_size, file, err);
	if (r == 0) {
		fsys_file_set_size(file, (uint64_t)status.st_size);
		r = fsys_file_close(take(&file), err);
	}
	if (r == 0)
		r = fsys_dirs_store(fsys, err);
	return r < 0 ? err_wrap(err, r, "putting %s", path) : 0;
}

int fsys_put_symlink(struct fsys *fsys, const char *path, const char *target, struct err *err)
{
	struct fsys_node node = node_of(fsys, S_IFLNK, NULL);
	int r;

	node.mode = S_IFLNK | 0777;
	node.target = target;
	r = fsys_node_make(fsys, path, &node, NULL, err);
	if (r == 0)
		r = fsys_dirs_store(fsys, err);
	return r < 0 ? err_wrap(err, r, "putting the symlink %s", path) : 0;
}

int fsys_make_dir(struct fsys *fsys, const char *path, const struct fsys_attributes *attributes,
		  struct err *err)
{
	struct fsys_node node = node_of(fsys, S_IFDIR, attributes);
	struct place place;
	int r = fsys_check_writable(fsys, err);

	if (r == 0)
		r = fsys_place(fsys, path, PLACE_MAKE_DIRS | PLACE_FOLLOW, &place, err);
	if (r == 0 && !attributes && place.number != 0 && place.type == EXT2_FT_DIR)
		return 0; /* it is there, and nobody asked for other attributes */
	if (r == 0)
		r = fsys_node_make(fsys, path, &node, NULL, err);
	if (r == 0)
		r = fsys_dirs_store(fsys, err);
	return r < 0 ? err_wrap(err, r, "making the folder %s", path) : 0;
}

int fsys_set_mode(struct fsys *fsys, const char *path, uint32_t mode, struct err *err)
{
	struct place place;
	struct fsys_inode inode = { 0 };
	int r = fsys_check_writable(fsys, err);

	if (r == 0)
		r = fsys_find(fsys, path, PLACE_FOLLOW, &place, err);
	if (r == 0)
		r = fsys_inode_read(fsys, place.number, &inode, err);
	if (r < 0)
		return r;
	inode.raw.i_mode = (uint16_t)((inode.raw.i_mode & S_IFMT) | (mode & PERMISSION_BITS));
	return fsys_inode_write(fsys, &inode, err);
}

int fsys_remove(struct fsys *fsys, const char *path, struct err *err)
{
	struct place place = { 0 };
	struct fsys_dir *dir, *folder;
	int r = fsys_check_writable(fsys, err);

	if (r == 0)
		r = fsys_find(fsys, path, 0, &place, err);
	if (r < 0)
		return r;
	if (place.name[0] == '\0')
		return err_set(err, -EINVAL, "%s: the root folder cannot be removed", path);
	if (place.type == EXT2_FT_DIR) {
		r = fsys_dir_get(fsys, place.number, &folder, err);
		if (r < 0)
			return r;
		if (!dir_is_empty(folder))
			return err_set(err, -ENOTEMPTY,
				       "%s: the folder is not empty: remove what is in it first",
				       path);
		dir_forget(fsys, place.number);
	}
	r = fsys_dir_get(fsys, place.dir, &dir, err);
	if (r < 0)
		return r;
	dir_find(dir, place.name, strlen(place.name))->number = 0;
	dir->changed = true;
	r = fsys_dir_store(fsys, dir, err);
	return r < 0 ? r : fsys_inode_release(fsys, place.number, err);
}
