/* Regular files being written, at any offset and in any order. Data goes to the image in large
 * pieces, the block map and the inode are written once, at the end. */
#include "image/fsys_internal.h"

#include <errno.h>
#include <string.h>

/* A file being written: what is staged lies at stage_start and is stage_length long. The start is
 * on a block boundary. */
struct fsys_file {
	struct fsys *fsys;
	struct fsys_inode inode;
	struct run_list runs;
	struct run_list old_map; /* of a file that was there: blocks its map lay in */
	char *path;		 /* NULL: gets no name, or has one */
	bool was_there;
	uint64_t size;
	char *stage; /* FSYS_STAGE_BYTES */
	uint64_t stage_start;
	size_t stage_length;
};

/* Completes the last block of the stage: with what the file holds there, else with zeros. */
static int stage_complete(struct fsys_file *file, struct err *err)
{
	size_t block_size = file->fsys->ext2->blocksize;
	size_t used = file->stage_length % block_size;
	char *block = file->stage + file->stage_length - used;
	uint64_t logical = (file->stage_start + file->stage_length) / block_size;
	const struct run *run = runs_find(&file->runs, logical);

	if (used == 0)
		return 0;
	memset(block + used, 0, block_size - used);
	if (!run || run->logical > logical)
		return 0;
	CLEANUP(free_cleanup) char *old = mem_alloc(block_size);
	errcode_t code = io_channel_read_blk64(file->fsys->ext2->io,
					       run->physical + (logical - run->logical), 1, old);
	if (code)
		return fsys_error(file->fsys, code, err, "reading a file back");
	memcpy(block + used, old + used, block_size - used);
	return 0;
}

/* Where at most count blocks from logical on lie; blocks that have no place get one. */
static int place_find(struct fsys_file *file, uint64_t logical, uint64_t count,
		      uint64_t *ret_physical, uint64_t *ret_count, struct err *err)
{
	const struct run *run = runs_find(&file->runs, logical);

	if (run && run->logical <= logical) {
		uint64_t left = run->logical + run->count - logical;

		*ret_physical = run->physical + (logical - run->logical);
		*ret_count = count < left ? count : left;
		return 0;
	}
	if (run && count > run->logical - logical)
		count = run->logical - logical;
	int r = fsys_blocks_take(file->fsys, count, ret_physical, ret_count, err);
	if (r == 0)
		runs_add(&file->runs, logical, *ret_physical, *ret_count);
	return r;
}

/* Writes whole blocks from the stage. */
static int stage_flush(struct fsys_file *file, struct err *err)
{
	struct fsys *fsys = file->fsys;
	size_t block_size = fsys->ext2->blocksize;
	uint64_t logical = file->stage_start / block_size;
	uint64_t count = (file->stage_length + block_size - 1) / block_size;
	const char *data = file->stage;
	int r = stage_complete(file, err);

	while (r == 0 && count > 0) {
		uint64_t physical, here;

		r = place_find(file, logical, count, &physical, &here, err);
		if (r < 0)
			return r;
		errcode_t code = io_channel_write_blk64(fsys->ext2->io, physical, (int)here, data);
		if (code)
			return fsys_error(fsys, code, err, "writing a file");
		data += here * block_size;
		logical += here;
		count -= here;
	}
	if (r == 0)
		file->stage_length = 0;
	return r;
}

/* Begins a new stage at the block that holds the offset; what the block holds is kept. */
static int stage_begin(struct fsys_file *file, uint64_t offset, struct err *err)
{
	struct fsys *fsys = file->fsys;
	size_t block_size = fsys->ext2->blocksize, within = offset % block_size;
	uint64_t logical = offset / block_size;
	const struct run *run = within ? runs_find(&file->runs, logical) : NULL;

	file->stage_start = offset - within;
	file->stage_length = within;
	memset(file->stage, 0, within);
	if (!run || run->logical > logical)
		return 0;
	errcode_t code = io_channel_read_blk64(
		fsys->ext2->io, run->physical + (logical - run->logical), 1, file->stage);
	return code ? fsys_error(fsys, code, err, "reading a file back") : 0;
}

int fsys_file_write(struct fsys_file *file, uint64_t offset_bytes, const void *data, size_t length,
		    struct err *err)
{
	const char *next = data;

	while (length > 0) {
		int r = 0;

		if (file->stage_length == FSYS_STAGE_BYTES ||
		    offset_bytes != file->stage_start + file->stage_length) {
			if (file->stage_length > 0)
				r = stage_flush(file, err);
			if (r == 0)
				r = stage_begin(file, offset_bytes, err);
			if (r < 0)
				return r;
		}
		size_t room = FSYS_STAGE_BYTES - file->stage_length;
		size_t part = length < room ? length : room;

		memcpy(file->stage + file->stage_length, next, part);
		file->stage_length += part;
		offset_bytes += part;
		next += part;
		length -= part;
	}
	if (offset_bytes > file->size)
		file->size = offset_bytes;
	return 0;
}

uint64_t fsys_file_size(const struct fsys_file *file)
{
	return file->size;
}

void fsys_file_set_size(struct fsys_file *file, uint64_t size_bytes)
{
	if (size_bytes > file->size)
		file->size = size_bytes;
}

static void runs_give_back(struct fsys *fsys, const struct run_list *runs)
{
	for (size_t i = 0; i < runs->count; i++)
		ext2fs_block_alloc_stats_range(fsys->ext2, runs->items[i].physical,
					       (blk_t)runs->items[i].count, -1);
}

static int file_finish(struct fsys_file *file, struct err *err)
{
	struct fsys *fsys = file->fsys;
	int r = file->stage_length > 0 ? stage_flush(file, err) : 0;

	if (r == 0)
		r = fsys_map_store(fsys, &file->inode, &file->runs, err);
	if (r < 0)
		return r;
	file->inode.raw.i_size = (uint32_t)file->size;
	file->inode.raw.i_size_high = (uint32_t)(file->size >> 32);
	r = fsys_inode_write(fsys, &file->inode, err);
	if (r == 0)
		runs_give_back(fsys, &file->old_map);
	if (r == 0 && file->path)
		r = fsys_name_put(fsys, file->path, file->inode.number,
				  fsys_type_of_mode(file->inode.raw.i_mode), err);
	return r;
}

static void file_free(struct fsys_file *file)
{
	if (file->fsys->spare_stage)
		free(file->stage);
	else
		file->fsys->spare_stage = file->stage;
	runs_done(&file->runs);
	runs_done(&file->old_map);
	free(file->path);
	free(file);
}

int fsys_file_close(struct fsys_file *file, struct err *err)
{
	CLEANUP(fsys_file_cleanup) struct fsys_file *owned = file;
	int r = file_finish(file, err);

	if (r < 0)
		return r;
	file_free(take(&owned));
	return 0;
}

void fsys_file_discard(struct fsys_file *file)
{
	if (!file)
		return;
	if (!file->was_there) {
		runs_give_back(file->fsys, &file->runs);
		ext2fs_inode_alloc_stats2(file->fsys->ext2, file->inode.number, -1, 0);
	}
	file_free(file);
}

void fsys_file_cleanup(struct fsys_file **file)
{
	fsys_file_discard(*file);
}

static struct fsys_file *file_alloc(struct fsys *fsys)
{
	struct fsys_file *file = mem_alloc(sizeof *file);

	file->fsys = fsys;
	file->stage = fsys->spare_stage ? take(&fsys->spare_stage) : mem_alloc(FSYS_STAGE_BYTES);
	return file;
}

int fsys_file_new(struct fsys *fsys, const char *path, const struct fsys_node *node,
		  struct fsys_file **ret_file, struct err *err)
{
	struct fsys_file *file = file_alloc(fsys);
	int r = fsys_inode_make(fsys, node, &file->inode, err);

	file->path = str_copy(path);
	if (r < 0) {
		file_free(file);
		return r;
	}
	*ret_file = file;
	return 0;
}

int fsys_file_open(struct fsys *fsys, const char *path, struct fsys_file **ret_file,
		   struct err *err)
{
	CLEANUP(fsys_file_cleanup) struct fsys_file *file = file_alloc(fsys);
	struct place place = { 0 };
	int r = fsys_check_writable(fsys, err);

	file->was_there = true;
	if (r == 0)
		r = fsys_find(fsys, path, 0, &place, err);
	if (r == 0 && place.type != EXT2_FT_REG_FILE)
		r = err_set(err, -EINVAL, "%s: is no regular file", path);
	if (r == 0)
		r = fsys_inode_read(fsys, place.number, &file->inode, err);
	if (r == 0)
		r = fsys_map_load(fsys, &file->inode, &file->runs, err);
	if (r == 0)
		r = fsys_map_own_blocks(fsys, &file->inode, &file->old_map, err);
	if (r < 0)
		return r;
	file->size = fsys_inode_size(&file->inode);
	*ret_file = take(&file);
	return 0;
}

/* --- random access -------------------------------------------------------------------------- */

/* How many bytes from the offset lie in one run or in one hole, at most length; ret_physical is 0
 * in a hole. */
static size_t piece_find(const struct fsys_file *file, uint64_t offset, uint64_t length,
			 uint64_t *ret_physical)
{
	uint64_t block_size = file->fsys->ext2->blocksize, logical = offset / block_size;
	const struct run *run = runs_find(&file->runs, logical);
	uint64_t end = UINT64_MAX;

	*ret_physical = 0;
	if (run && run->logical <= logical) {
		*ret_physical = run->physical + (logical - run->logical);
		end = (run->logical + run->count) * block_size;
	} else if (run) {
		end = run->logical * block_size;
	}
	return end - offset < length ? end - offset : length;
}

int fsys_file_read(struct fsys_file *file, uint64_t offset_bytes, void *data, size_t length,
		   struct err *err)
{
	const struct fsys *fsys = file->fsys;
	uint64_t block_size = fsys->ext2->blocksize, physical;
	char *next = data;
	int r = file->stage_length > 0 ? stage_flush(file, err) : 0;

	while (length > 0 && r == 0) {
		size_t part = piece_find(file, offset_bytes, length, &physical);

		if (physical == 0)
			memset(next, 0, part);
		else
			r = fsys_io_read(&fsys->source,
					 fsys->where.start_bytes + physical * block_size +
						 offset_bytes % block_size,
					 next, part, err);
		offset_bytes += part;
		next += part;
		length -= part;
	}
	return r;
}

static void blocks_give_back(void *context, uint64_t physical, uint64_t count)
{
	struct fsys *fsys = context;

	ext2fs_block_alloc_stats_range(fsys->ext2, physical, (blk_t)count, -1);
	if (physical < fsys->block_goal)
		fsys->block_goal = physical;
}

/* Less than a block: written where there is one, nothing to do in a hole. */
static int part_zero(struct fsys_file *file, uint64_t offset, size_t length, struct err *err)
{
	CLEANUP(free_cleanup) char *zeros = mem_alloc(length + 1);
	uint64_t physical;

	if (length == 0)
		return 0;
	piece_find(file, offset, length, &physical);
	if (physical == 0)
		return 0;
	int r = fsys_file_write(file, offset, zeros, length, err);
	return r < 0 ? r : stage_flush(file, err);
}

int fsys_file_zero(struct fsys_file *file, uint64_t offset_bytes, uint64_t length_bytes,
		   struct err *err)
{
	uint64_t block_size = file->fsys->ext2->blocksize, end = offset_bytes + length_bytes;
	uint64_t first = (offset_bytes + block_size - 1) / block_size, last = end / block_size;
	uint64_t size = file->size;
	int r = file->stage_length > 0 ? stage_flush(file, err) : 0;

	if (r < 0)
		return r;
	if (first > last) /* within one block */
		return part_zero(file, offset_bytes, length_bytes, err);
	r = part_zero(file, offset_bytes, first * block_size - offset_bytes, err);
	if (r == 0)
		r = part_zero(file, last * block_size, end - last * block_size, err);
	if (r < 0)
		return r;
	runs_cut(&file->runs, first, last - first, blocks_give_back, file->fsys);
	file->size = size;
	return 0;
}

int fsys_file_next_data(struct fsys_file *file, uint64_t offset_bytes, uint64_t end_bytes,
			struct extent *ret_run, struct err *err)
{
	uint64_t block_size = file->fsys->ext2->blocksize;
	int r = file->stage_length > 0 ? stage_flush(file, err) : 0;

	if (r < 0)
		return r;
	const struct run *run = runs_find(&file->runs, offset_bytes / block_size);
	if (!run || run->logical * block_size >= end_bytes)
		return 0;
	uint64_t start = run->logical * block_size;
	uint64_t end = (run->logical + run->count) * block_size;
	if (start < offset_bytes)
		start = offset_bytes;
	ret_run->start_bytes = start;
	ret_run->size_bytes = (end < end_bytes ? end : end_bytes) - start;
	return 1;
}
