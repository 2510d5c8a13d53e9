/* Reading out of a file system: files, folders, one entry. */
#include "image/fsys_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"

#define READ_BYTES ((uint64_t)1 << 20)

static int file_find(struct fsys *fsys, const char *path, struct fsys_inode *ret_inode,
		     struct err *err)
{
	struct place place;
	int r = fsys_find(fsys, path, PLACE_FOLLOW, &place, err);

	if (r == 0)
		r = fsys_inode_read(fsys, place.number, ret_inode, err);
	if (r < 0)
		return r;
	if (LINUX_S_ISDIR(ret_inode->raw.i_mode))
		return err_set(err, -EISDIR, "%s: is a folder", path);
	if (!LINUX_S_ISREG(ret_inode->raw.i_mode))
		return err_set(err, -EINVAL, "%s: is no regular file", path);
	return 0;
}

typedef int (*part_seen)(void *context, uint64_t offset, const void *data, size_t length,
			 struct err *err);

/* A file whose content lies in its inode (the inline_data feature of other makers). */
static int inline_each(struct fsys *fsys, struct fsys_inode *inode, part_seen each, void *context,
		       struct err *err)
{
	CLEANUP(free_cleanup) char *data = mem_alloc(fsys->ext2->blocksize);
	size_t length = 0;
	errcode_t code = ext2fs_inline_data_size(fsys->ext2, inode->number, &length);

	if (!code && length <= fsys->ext2->blocksize)
		code = ext2fs_inline_data_get(fsys->ext2, inode->number, fsys_inode_small(inode),
					      data, &length);
	if (code)
		return fsys_error(fsys, code, err, "reading inode %u", inode->number);
	if (length > fsys_inode_size(inode))
		length = fsys_inode_size(inode);
	return each(context, 0, data, length, err);
}

/* Hands over the data between the holes, in order. */
static int data_each(struct fsys *fsys, struct fsys_inode *inode, part_seen each, void *context,
		     struct err *err)
{
	CLEANUP(runs_done) struct run_list runs = { 0 };
	CLEANUP(free_cleanup) char *data = NULL;
	uint64_t block_size = fsys->ext2->blocksize, size = fsys_inode_size(inode);
	int r;

	if (inode->raw.i_flags & EXT4_INLINE_DATA_FL)
		return inline_each(fsys, inode, each, context, err);
	data = mem_alloc(READ_BYTES);
	r = fsys_map_load(fsys, inode, &runs, err);
	for (size_t i = 0; i < runs.count && r == 0; i++) {
		const struct run *run = &runs.items[i];

		for (uint64_t at = 0; at < run->count && r == 0; at += READ_BYTES / block_size) {
			uint64_t blocks = run->count - at;
			uint64_t offset = (run->logical + at) * block_size;

			if (offset >= size)
				break;
			if (blocks > READ_BYTES / block_size)
				blocks = READ_BYTES / block_size;
			errcode_t code = io_channel_read_blk64(fsys->ext2->io, run->physical + at,
							       (int)blocks, data);
			if (code)
				return fsys_error(fsys, code, err, "reading inode %u",
						  inode->number);
			uint64_t length = blocks * block_size;
			if (length > size - offset)
				length = size - offset;
			r = each(context, offset, data, length, err);
		}
	}
	return r;
}

static int part_keep(void *context, uint64_t offset, const void *data, size_t length,
		     struct err *err)
{
	(void)err;
	memcpy((char *)context + offset, data, length);
	return 0;
}

int fsys_read(struct fsys *fsys, const char *path, size_t max_bytes, char **ret_data,
	      size_t *ret_length, struct err *err)
{
	struct fsys_inode inode = { 0 };
	int r = file_find(fsys, path, &inode, err);

	if (r < 0)
		return r;
	uint64_t size = fsys_inode_size(&inode);
	if (size > max_bytes)
		return err_set(err, -EFBIG, "%s: has %" PRIu64 " bytes, more than %zu", path, size,
			       max_bytes);
	CLEANUP(free_cleanup) char *data = mem_alloc(size + 1);
	r = data_each(fsys, &inode, part_keep, data, err);
	if (r < 0)
		return r;
	if (ret_length)
		*ret_length = size;
	*ret_data = take(&data);
	return 0;
}

struct output {
	int fd;
	bool seeks;
	uint64_t at; /* where a descriptor that cannot seek is */
};

static int zeros_write(struct output *output, uint64_t until)
{
	static const char zeros[65536];

	while (output->at < until) {
		uint64_t left = until - output->at;
		size_t part = left < sizeof zeros ? (size_t)left : sizeof zeros;
		int r = fd_write_all(output->fd, zeros, part);

		if (r < 0)
			return r;
		output->at += part;
	}
	return 0;
}

static int part_write(void *context, uint64_t offset, const void *data, size_t length,
		      struct err *err)
{
	struct output *output = context;
	int r;

	if (output->seeks) {
		r = fd_pwrite_all(output->fd, data, length, offset);
	} else {
		r = zeros_write(output, offset);
		if (r == 0)
			r = fd_write_all(output->fd, data, length);
		output->at += length;
	}
	return r < 0 ? err_errno(err, -r, "writing what was read") : 0;
}

int fsys_read_to(struct fsys *fsys, const char *path, int to, struct err *err)
{
	struct fsys_inode inode = { 0 };
	struct stat status;
	struct output output = { .fd = to };
	int r = file_find(fsys, path, &inode, err);

	if (r < 0)
		return r;
	/* An empty regular file: what is not written there is a hole. */
	output.seeks = fstat(to, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0 &&
		       lseek(to, 0, SEEK_CUR) == 0 && !(fcntl(to, F_GETFL) & O_APPEND);
	r = data_each(fsys, &inode, part_write, &output, err);
	if (r < 0)
		return r;
	uint64_t size = fsys_inode_size(&inode);
	if (output.seeks)
		r = ftruncate(to, (off_t)size) < 0 ? -errno : 0;
	else
		r = zeros_write(&output, size);
	return r < 0 ? err_errno(err, -r, "%s: writing what was read", path) : 0;
}

/* --- listing -------------------------------------------------------------------------------- */

static int entry_report(struct fsys *fsys, ext2_ino_t number, const char *name,
			int (*each)(void *context, const struct fsys_entry *entry), void *context,
			struct err *err)
{
	CLEANUP(free_cleanup) char *target = NULL;
	struct fsys_inode inode = { 0 };
	int r = fsys_inode_read(fsys, number, &inode, err);

	if (r == 0 && LINUX_S_ISLNK(inode.raw.i_mode))
		r = fsys_read_link(fsys, number, &target, err);
	if (r < 0)
		return r;
	struct fsys_entry entry = {
		.name = name,
		.mode = inode.raw.i_mode,
		.uid = inode_uid(inode.raw),
		.gid = inode_gid(inode.raw),
		.size_bytes = fsys_inode_size(&inode),
		.time_seconds = fsys_inode_time(&inode),
		.target = target,
	};
	return each(context, &entry);
}

struct listed {
	char *name;
	ext2_ino_t number;
};

static int listed_order(const void *a, const void *b)
{
	const struct listed *left = a, *right = b;

	return strcmp(left->name, right->name);
}

/* A copy: each() may well change the folder. */
static struct listed *dir_copy_sorted(const struct fsys_dir *dir, size_t *ret_count)
{
	struct listed *list = mem_alloc((dir->entry_count + 1) * sizeof *list);
	size_t count = 0;

	for (size_t i = 0; i < dir->entry_count; i++) {
		const struct dir_entry *entry = &dir->entries[i];

		if (entry->number == 0)
			continue;
		list[count].name = str_format("%.*s", (int)entry->length, dir_name(dir, entry));
		list[count++].number = entry->number;
	}
	qsort(list, count, sizeof *list, listed_order);
	*ret_count = count;
	return list;
}

int fsys_list(struct fsys *fsys, const char *path,
	      int (*each)(void *context, const struct fsys_entry *entry), void *context,
	      struct err *err)
{
	struct fsys_dir *dir;
	struct place place;
	size_t count = 0;
	int r = fsys_find(fsys, path, PLACE_FOLLOW, &place, err);

	if (r < 0)
		return r;
	if (place.type != EXT2_FT_DIR)
		return entry_report(fsys, place.number, path_name(path), each, context, err);
	r = fsys_dir_get(fsys, place.number, &dir, err);
	if (r < 0)
		return r;
	struct listed *list = dir_copy_sorted(dir, &count);
	for (size_t i = 0; i < count && r >= 0; i++)
		r = entry_report(fsys, list[i].number, list[i].name, each, context, err);
	for (size_t i = 0; i < count; i++)
		free(list[i].name);
	free(list);
	return r;
}

int fsys_get_attributes(struct fsys *fsys, const char *path, struct fsys_attributes *ret_attributes,
			struct err *err)
{
	struct place place;
	struct fsys_inode inode = { 0 };
	int r = fsys_find(fsys, path, 0, &place, err);

	if (r == 0)
		r = fsys_inode_read(fsys, place.number, &inode, err);
	if (r < 0)
		return r;
	*ret_attributes = (struct fsys_attributes){
		.mode = inode.raw.i_mode,
		.uid = inode_uid(inode.raw),
		.gid = inode_gid(inode.raw),
		.time_seconds = fsys_inode_time(&inode),
	};
	return 0;
}
