/* Block maps: which blocks a file has, in order. Runs in memory; an extent tree (ext4) or indirect
 * blocks (ext3) on the disk, each written once when the file is complete. */
#include "image/fsys_internal.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <ext2fs/ext3_extents.h>
#include <string.h>

#define EXTENT_MAX_BLOCKS 32768u /* an initialized extent; ext3_extents.h */
#define EXTENTS_IN_INODE  4u

void runs_done(struct run_list *runs)
{
	free(runs->items);
	*runs = (struct run_list){ 0 };
}

/* Index of the first run that ends behind the block. */
static size_t runs_position(const struct run_list *runs, uint64_t logical)
{
	size_t low = 0, high = runs->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct run *run = &runs->items[middle];

		if (run->logical + run->count <= logical)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct run *runs_find(const struct run_list *runs, uint64_t logical)
{
	size_t position = runs_position(runs, logical);

	return position < runs->count ? &runs->items[position] : NULL;
}

static bool runs_touch(const struct run *before, const struct run *after)
{
	return before->logical + before->count == after->logical &&
	       before->physical + before->count == after->physical;
}

static void runs_insert(struct run_list *runs, size_t at, struct run added)
{
	if (runs->count == runs->capacity) {
		runs->capacity = runs->capacity ? 2 * runs->capacity : 4;
		runs->items = mem_grow(runs->items, runs->capacity, sizeof *runs->items);
	}
	memmove(&runs->items[at + 1], &runs->items[at], (runs->count - at) * sizeof *runs->items);
	runs->items[at] = added;
	runs->count++;
}

void runs_add(struct run_list *runs, uint64_t logical, uint64_t physical, uint64_t count)
{
	struct run added = { logical, physical, count };
	size_t at = runs->count;

	if (at > 0 && runs->items[at - 1].logical > logical)
		at = runs_position(runs, logical);
	if (at > 0 && runs_touch(&runs->items[at - 1], &added))
		runs->items[at - 1].count += count;
	else
		runs_insert(runs, at, added);
}

void runs_cut(struct run_list *runs, uint64_t logical, uint64_t count,
	      void (*gone)(void *context, uint64_t physical, uint64_t count), void *context)
{
	uint64_t end = logical + count;
	size_t at = runs_position(runs, logical);

	while (at < runs->count && runs->items[at].logical < end) {
		struct run run = runs->items[at];
		uint64_t run_end = run.logical + run.count;
		uint64_t from = run.logical > logical ? run.logical : logical;
		uint64_t to = run_end < end ? run_end : end;

		gone(context, run.physical + (from - run.logical), to - from);
		if (run_end > to)
			runs_insert(runs, at + 1,
				    (struct run){ to, run.physical + (to - run.logical),
						  run_end - to });
		if (from > run.logical) {
			runs->items[at++].count = from - run.logical;
			continue;
		}
		memmove(&runs->items[at], &runs->items[at + 1],
			(runs->count - at - 1) * sizeof *runs->items);
		runs->count--;
		if (run_end > to)
			break;
	}
}

int fsys_blocks_take(struct fsys *fsys, uint64_t count, uint64_t *ret_first, uint64_t *ret_count,
		     struct err *err)
{
	blk64_t first, got;
	errcode_t code;

	if (fsys->block_goal >= ext2fs_blocks_count(fsys->ext2->super))
		fsys->block_goal = fsys->ext2->super->s_first_data_block;
	code = ext2fs_new_range(fsys->ext2, 0, fsys->block_goal, count, NULL, &first, &got);
	if (code)
		return fsys_error(fsys, code, err, "taking blocks");
	if (got > count)
		got = count;
	ext2fs_block_alloc_stats_range(fsys->ext2, first, (blk_t)got, +1);
	fsys->block_goal = first + got;
	*ret_first = first;
	*ret_count = got;
	return 0;
}

/* --- extent trees --------------------------------------------------------------------------- */

/* One entry of a tree node, for leaves and for the levels above. */
struct tree_item {
	uint64_t logical, physical;
	uint32_t count; /* leaves only */
};

static void extent_header_put(void *node, size_t count, size_t max, unsigned depth)
{
	struct ext3_extent_header *header = node;

	header->eh_magic = htole16(EXT3_EXT_MAGIC);
	header->eh_entries = htole16((uint16_t)count);
	header->eh_max = htole16((uint16_t)max);
	header->eh_depth = htole16((uint16_t)depth);
	header->eh_generation = 0;
}

static void extent_items_put(void *node, const struct tree_item *items, size_t count,
			     unsigned depth)
{
	struct ext3_extent *leaf = EXT_FIRST_EXTENT(node);
	struct ext3_extent_idx *index = EXT_FIRST_INDEX(node);

	for (size_t i = 0; i < count; i++) {
		uint32_t low = htole32((uint32_t)items[i].physical);
		uint16_t high = htole16((uint16_t)(items[i].physical >> 32));

		if (depth > 0) {
			index[i] = (struct ext3_extent_idx){ htole32((uint32_t)items[i].logical),
							     low, high, 0 };
		} else {
			leaf[i] = (struct ext3_extent){ htole32((uint32_t)items[i].logical),
							htole16((uint16_t)items[i].count), high,
							low };
		}
	}
}

/* Writes one level into blocks of its own and hands back the level above. */
static int extent_level_store(struct fsys *fsys, struct fsys_inode *inode, unsigned depth,
			      struct tree_item **items, size_t *count, uint64_t *meta_blocks,
			      struct err *err)
{
	size_t block_size = fsys->ext2->blocksize;
	size_t per_block =
		(block_size - sizeof(struct ext3_extent_header)) / sizeof(struct ext3_extent);
	size_t above_count = (*count + per_block - 1) / per_block;
	CLEANUP(free_cleanup) struct tree_item *above = mem_alloc(above_count * sizeof *above);
	CLEANUP(free_cleanup) char *node = mem_alloc(block_size);

	for (size_t i = 0; i < above_count; i++) {
		const struct tree_item *first = *items + i * per_block;
		size_t left = *count - i * per_block, here = left < per_block ? left : per_block;
		uint64_t block, got;
		int r = fsys_blocks_take(fsys, 1, &block, &got, err);

		if (r < 0)
			return r;
		memset(node, 0, block_size);
		extent_header_put(node, here, per_block, depth);
		extent_items_put(node, first, here, depth);
		errcode_t code = ext2fs_extent_block_csum_set(fsys->ext2, inode->number,
							      (struct ext3_extent_header *)node);
		if (!code)
			code = io_channel_write_blk64(fsys->ext2->io, block, 1, node);
		if (code)
			return fsys_error(fsys, code, err, "writing an extent block");
		above[i] = (struct tree_item){ first->logical, block, 0 };
		++*meta_blocks;
	}
	free(*items);
	*items = take(&above);
	*count = above_count;
	return 0;
}

static int extents_store(struct fsys *fsys, struct fsys_inode *inode, const struct run_list *runs,
			 uint64_t *meta_blocks, struct err *err)
{
	CLEANUP(free_cleanup) struct tree_item *items = NULL;
	size_t count = 0, next = 0;
	unsigned depth = 0;

	for (size_t i = 0; i < runs->count; i++)
		count += (runs->items[i].count + EXTENT_MAX_BLOCKS - 1) / EXTENT_MAX_BLOCKS;
	items = mem_alloc((count ? count : 1) * sizeof *items);
	for (size_t i = 0; i < runs->count; i++) {
		const struct run *run = &runs->items[i];

		for (uint64_t at = 0; at < run->count; at += EXTENT_MAX_BLOCKS) {
			uint64_t left = run->count - at;

			items[next++] = (struct tree_item){
				run->logical + at, run->physical + at,
				(uint32_t)(left < EXTENT_MAX_BLOCKS ? left : EXTENT_MAX_BLOCKS)
			};
		}
	}
	while (count > EXTENTS_IN_INODE) {
		int r = extent_level_store(fsys, inode, depth, &items, &count, meta_blocks, err);

		if (r < 0)
			return r;
		depth++;
	}
	inode->raw.i_flags |= EXT4_EXTENTS_FL;
	memset(inode->raw.i_block, 0, sizeof inode->raw.i_block);
	extent_header_put(inode->raw.i_block, count, EXTENTS_IN_INODE, depth);
	extent_items_put(inode->raw.i_block, items, count, depth);
	return 0;
}

/* --- indirect blocks ------------------------------------------------------------------------ */

/* The block of pointers that is being filled at each level; written when the next one begins. */
struct indirect {
	uint32_t *pointers[3];
	uint64_t block[3]; /* 0: none yet */
	uint64_t meta_blocks;
};

static int indirect_flush(struct fsys *fsys, struct indirect *indirect, unsigned level,
			  struct err *err)
{
	if (indirect->block[level] == 0)
		return 0;
	errcode_t code = ext2fs_write_ind_block(fsys->ext2, (blk_t)indirect->block[level],
						indirect->pointers[level]);
	indirect->block[level] = 0;
	return code ? fsys_error(fsys, code, err, "writing an indirect block") : 0;
}

/* The pointer block of that level whose number is kept in *slot: made if there is none. */
static int indirect_enter(struct fsys *fsys, struct indirect *indirect, unsigned level,
			  uint32_t *slot, struct err *err)
{
	uint64_t block = 0, got = 0;

	if (*slot != 0)
		return 0; /* filled in order: it is the one in memory */
	for (unsigned lower = 0; lower <= level; lower++) {
		int r = indirect_flush(fsys, indirect, lower, err);

		if (r < 0)
			return r;
	}
	int r = fsys_blocks_take(fsys, 1, &block, &got, err);
	if (r < 0)
		return r;
	memset(indirect->pointers[level], 0, fsys->ext2->blocksize);
	indirect->block[level] = block;
	indirect->meta_blocks++;
	*slot = (uint32_t)block;
	return 0;
}

static int indirect_put(struct fsys *fsys, struct fsys_inode *inode, struct indirect *indirect,
			uint64_t logical, uint64_t physical, struct err *err)
{
	uint64_t per_block = fsys->ext2->blocksize / sizeof(uint32_t), span = 1;
	uint32_t *slot;
	unsigned levels = 0;

	assert(per_block > 0);
	if (logical < EXT2_NDIR_BLOCKS) {
		inode->raw.i_block[logical] = (uint32_t)physical;
		return 0;
	}
	logical -= EXT2_NDIR_BLOCKS;
	for (levels = 1; levels <= 3; levels++) {
		span *= per_block;
		if (logical < span)
			break;
		logical -= span;
	}
	if (levels > 3)
		return err_set(err, -EFBIG, "a file is larger than ext3 can hold: use ext4");
	slot = &inode->raw.i_block[EXT2_IND_BLOCK + levels - 1];
	while (levels-- > 0) {
		int r = indirect_enter(fsys, indirect, levels, slot, err);

		if (r < 0)
			return r;
		span /= per_block;
		slot = &indirect->pointers[levels][logical / span];
		logical %= span;
	}
	*slot = (uint32_t)physical;
	return 0;
}

static int indirect_store(struct fsys *fsys, struct fsys_inode *inode, const struct run_list *runs,
			  uint64_t *meta_blocks, struct err *err)
{
	size_t block_size = fsys->ext2->blocksize;
	CLEANUP(free_cleanup) char *memory = mem_alloc(3 * block_size);
	struct indirect indirect = { 0 };
	int r = 0;

	for (size_t level = 0; level < 3; level++)
		indirect.pointers[level] = (uint32_t *)(void *)(memory + level * block_size);
	memset(inode->raw.i_block, 0, sizeof inode->raw.i_block);
	for (size_t i = 0; i < runs->count && r == 0; i++) {
		const struct run *run = &runs->items[i];

		for (uint64_t at = 0; at < run->count && r == 0; at++)
			r = indirect_put(fsys, inode, &indirect, run->logical + at,
					 run->physical + at, err);
	}
	for (unsigned level = 0; level < 3 && r == 0; level++)
		r = indirect_flush(fsys, &indirect, level, err);
	*meta_blocks = indirect.meta_blocks;
	return r;
}

int fsys_map_store(struct fsys *fsys, struct fsys_inode *inode, const struct run_list *runs,
		   struct err *err)
{
	uint64_t blocks = 0, meta_blocks = 0;
	int r;

	for (size_t i = 0; i < runs->count; i++)
		blocks += runs->items[i].count;
	r = fsys->has_extents ? extents_store(fsys, inode, runs, &meta_blocks, err)
			      : indirect_store(fsys, inode, runs, &meta_blocks, err);
	if (r < 0)
		return r;
	if (ext2fs_file_acl_block(fsys->ext2, fsys_inode_small(inode)) != 0)
		meta_blocks++; /* the block of its extended attributes counts too */
	errcode_t code = ext2fs_iblk_set(fsys->ext2, fsys_inode_small(inode), blocks + meta_blocks);
	return code ? fsys_error(fsys, code, err, "a file is too large") : 0;
}

/* --- reading a map -------------------------------------------------------------------------- */

static int extents_load(struct fsys *fsys, struct fsys_inode *inode, struct run_list *runs,
			struct err *err)
{
	ext2_extent_handle_t handle;
	struct ext2fs_extent extent;
	errcode_t code =
		ext2fs_extent_open2(fsys->ext2, inode->number, fsys_inode_small(inode), &handle);

	if (code)
		return fsys_error(fsys, code, err, "reading the extents of inode %u",
				  inode->number);
	code = ext2fs_extent_get(handle, EXT2_EXTENT_ROOT, &extent);
	while (!code) {
		if ((extent.e_flags & EXT2_EXTENT_FLAGS_LEAF) &&
		    !(extent.e_flags & EXT2_EXTENT_FLAGS_UNINIT))
			runs_add(runs, extent.e_lblk, extent.e_pblk, extent.e_len);
		code = ext2fs_extent_get(handle, EXT2_EXTENT_NEXT, &extent);
	}
	ext2fs_extent_free(handle);
	if (code != EXT2_ET_EXTENT_NO_NEXT && code != EXT2_ET_NO_CURRENT_NODE)
		return fsys_error(fsys, code, err, "reading the extents of inode %u",
				  inode->number);
	return 0;
}

static int block_seen(ext2_filsys ext2, blk64_t *block, e2_blkcnt_t count, blk64_t ref_block,
		      int ref_offset, void *context)
{
	(void)ext2;
	(void)ref_block;
	(void)ref_offset;
	if (count >= 0 && *block != 0)
		runs_add(context, (uint64_t)count, *block, 1);
	return 0;
}

int fsys_map_load(struct fsys *fsys, struct fsys_inode *inode, struct run_list *ret_runs,
		  struct err *err)
{
	if (!ext2fs_inode_has_valid_blocks2(fsys->ext2, fsys_inode_small(inode)))
		return 0;
	if (inode->raw.i_flags & EXT4_EXTENTS_FL)
		return extents_load(fsys, inode, ret_runs, err);
	errcode_t code = ext2fs_block_iterate3(fsys->ext2, inode->number, BLOCK_FLAG_READ_ONLY,
					       NULL, block_seen, ret_runs);
	return code ? fsys_error(fsys, code, err, "reading the block map of inode %u",
				 inode->number)
		    : 0;
}

static int own_block_seen(ext2_filsys ext2, blk64_t *block, e2_blkcnt_t count, blk64_t ref_block,
			  int ref_offset, void *context)
{
	struct run_list *runs = context;

	(void)ext2;
	(void)ref_block;
	(void)ref_offset;
	if (count < 0 && *block != 0)
		runs_add(runs, runs->count, *block, 1);
	return 0;
}

int fsys_map_own_blocks(struct fsys *fsys, struct fsys_inode *inode, struct run_list *ret_runs,
			struct err *err)
{
	errcode_t code = ext2fs_block_iterate3(fsys->ext2, inode->number, BLOCK_FLAG_READ_ONLY,
					       NULL, own_block_seen, ret_runs);

	return code ? fsys_error(fsys, code, err, "reading the block map of inode %u",
				 inode->number)
		    : 0;
}
