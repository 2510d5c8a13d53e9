/* Making ext3 and ext4. The same options give the same bytes; what is zero stays a hole, so the
 * cost does not depend on the size. */
#include "image/fsys_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/hash.h"

#define BLOCK_SIZE_LOG	    2u /* 1024 << 2: 4096 */
#define BLOCK_BYTES	    (1024u << BLOCK_SIZE_LOG)
#define MIN_BYTES	    (UINT64_C(16) << 20)
#define SMALL_BYTES	    (UINT64_C(512) << 20)
#define BYTES_PER_INODE	    16384u /* as mke2fs.conf */
#define SMALL_PER_INODE	    4096u
#define RESERVED_PERCENT    1u
#define GROUPS_PER_FLEX_LOG 4
#define LOST_FOUND_BLOCKS   4
#define EXT3_MAX_BLOCKS	    UINT32_MAX

/* ext3: what Linux 2.6 and GRUB Legacy know. */
static void features_ext3(struct ext2_super_block *super)
{
	ext2fs_set_feature_journal(super);
	ext2fs_set_feature_xattr(super);
	ext2fs_set_feature_dir_index(super);
	ext2fs_set_feature_filetype(super);
	ext2fs_set_feature_sparse_super(super);
	ext2fs_set_feature_large_file(super);
	super->s_inode_size = EXT2_GOOD_OLD_INODE_SIZE;
}

/* ext4: without metadata_csum_seed and orphan_file, which GRUB 2.06 and older kernels refuse. */
static void features_ext4(struct ext2_super_block *super)
{
	features_ext3(super);
	ext2fs_set_feature_extents(super);
	ext2fs_set_feature_64bit(super);
	ext2fs_set_feature_flex_bg(super);
	ext2fs_set_feature_huge_file(super);
	ext2fs_set_feature_dir_nlink(super);
	ext2fs_set_feature_extra_isize(super);
	ext2fs_set_feature_metadata_csum(super);
	super->s_log_groups_per_flex = GROUPS_PER_FLEX_LOG;
	super->s_desc_size = EXT2_MIN_DESC_SIZE_64BIT;
	super->s_inode_size = 256;
}

static int parameters(const struct fsys *fsys, const struct fsys_options *options,
		      struct ext2_super_block *ret_super, struct err *err)
{
	uint64_t bytes = fsys->where.size_bytes, blocks = bytes / BLOCK_BYTES;
	uint64_t inodes = bytes / (bytes < SMALL_BYTES ? SMALL_PER_INODE : BYTES_PER_INODE);

	if (bytes < MIN_BYTES)
		return err_set(err, -EINVAL,
			       "%s: a partition of %" PRIu64 " bytes is too small for %s: it "
			       "takes at least 16MiB",
			       image_path(fsys->image), bytes, filesystem_kind_name(options->kind));
	memset(ret_super, 0, sizeof *ret_super);
	ret_super->s_rev_level = EXT2_DYNAMIC_REV;
	ret_super->s_log_block_size = BLOCK_SIZE_LOG;
	ret_super->s_log_cluster_size = BLOCK_SIZE_LOG;
	if (options->kind == FILESYSTEM_EXT4)
		features_ext4(ret_super);
	else
		features_ext3(ret_super);
	if (options->kind == FILESYSTEM_EXT3 && blocks > EXT3_MAX_BLOCKS)
		return err_set(err, -EINVAL,
			       "%s: a partition of %" PRIu64 " bytes is too large for ext3: use "
			       "ext4",
			       image_path(fsys->image), bytes);
	ext2fs_blocks_count_set(ret_super, blocks);
	ext2fs_r_blocks_count_set(ret_super, blocks * RESERVED_PERCENT / 100);
	ret_super->s_inodes_count = inodes > UINT32_MAX ? UINT32_MAX : (uint32_t)inodes;
	return 0;
}

/* Everything that libext2fs would take from a clock or from random bytes. */
static void identity_set(struct fsys *fsys, const struct fsys_options *options)
{
	struct ext2_super_block *super = fsys->ext2->super;
	char uuid[37];
	uint8_t seed[16];
	size_t label_length = options->label ? strlen(options->label) : 0;

	fsys->ext2->now = options->time_seconds > 0 ? (time_t)options->time_seconds : 1;
	super->s_mkfs_time = super->s_lastcheck = super->s_wtime = (uint32_t)fsys->ext2->now;
	super->s_mkfs_time_hi = super->s_lastcheck_hi = super->s_wtime_hi = 0;
	memcpy(super->s_uuid, options->uuid, sizeof super->s_uuid);
	uuid_text(options->uuid, uuid);
	hash_uuid(uuid, seed);
	memcpy(super->s_hash_seed, seed, sizeof super->s_hash_seed);
	super->s_def_hash_version = EXT2_HASH_HALF_MD4;
	super->s_flags = EXT2_FLAGS_SIGNED_HASH;
	super->s_max_mnt_count = -1;
	super->s_checkinterval = 0;
	super->s_default_mount_opts = EXT2_DEFM_XATTR_USER | EXT2_DEFM_ACL;
	super->s_checksum_type = ext2fs_has_feature_metadata_csum(super) ? EXT2_CRC32C_CHKSUM : 0;
	memcpy(super->s_volume_name, options->label ? options->label : "",
	       label_length < sizeof super->s_volume_name ? label_length
							  : sizeof super->s_volume_name);
	ext2fs_init_csum_seed(fsys->ext2);
}

/* The extent was made to read as zeros: its inode tables need no writing, and no kernel has to
 * initialize them later. */
static void groups_set(ext2_filsys ext2)
{
	if (!ext2fs_has_group_desc_csum(ext2))
		return;
	for (dgrp_t group = 0; group < ext2->group_desc_count; group++) {
		ext2fs_bg_flags_set(ext2, group, EXT2_BG_INODE_ZEROED);
		ext2fs_group_desc_csum_set(ext2, group);
	}
}

static errcode_t folders_make(ext2_filsys ext2)
{
	ext2_ino_t lost_found;
	errcode_t code = ext2fs_mkdir(ext2, EXT2_ROOT_INO, EXT2_ROOT_INO, NULL);

	if (code)
		return code;
	ext2->umask = 077;
	code = ext2fs_mkdir(ext2, EXT2_ROOT_INO, 0, "lost+found");
	if (!code)
		code = ext2fs_lookup(ext2, EXT2_ROOT_INO, "lost+found", 10, NULL, &lost_found);
	for (int i = 1; i < LOST_FOUND_BLOCKS && !code; i++)
		code = ext2fs_expand_dir(ext2, lost_found);
	return code;
}

static errcode_t reserved_inodes_make(ext2_filsys ext2)
{
	struct ext2_inode empty = { 0 };

	ext2fs_inode_alloc_stats2(ext2, EXT2_BAD_INO, +1, 0);
	for (ext2_ino_t number = EXT2_ROOT_INO + 1; number < EXT2_FIRST_INODE(ext2->super);
	     number++)
		ext2fs_inode_alloc_stats2(ext2, number, +1, 0);
	empty.i_atime = empty.i_ctime = empty.i_mtime = (uint32_t)ext2->now;
	return ext2fs_write_inode(ext2, EXT2_BAD_INO, &empty);
}

static int journal_blocks_take(struct fsys *fsys, uint64_t count, struct run_list *runs,
			       struct err *err)
{
	for (uint64_t at = 0; at < count;) {
		uint64_t first, got;
		int r = fsys_blocks_take(fsys, count - at, &first, &got, err);

		if (r < 0)
			return r;
		runs_add(runs, at, first, got);
		at += got;
	}
	return 0;
}

/* The superblock keeps a copy of the journal's map, for e2fsck. Source: e2fsprogs
 * lib/ext2fs/mkjournal.c. */
static void journal_announce(struct ext2_super_block *super, const struct fsys_inode *inode)
{
	super->s_journal_inum = inode->number;
	super->s_jnl_backup_type = EXT3_JNL_BACKUP_BLOCKS;
	memcpy(super->s_jnl_blocks, inode->raw.i_block, sizeof inode->raw.i_block);
	super->s_jnl_blocks[EXT2_N_BLOCKS] = inode->raw.i_size_high;
	super->s_jnl_blocks[EXT2_N_BLOCKS + 1] = inode->raw.i_size;
}

/* An empty journal is its first block; the rest may stay holes. libext2fs's own call maps block by
 * block, which on ext3 costs more than everything else together. */
static int journal_make(struct fsys *fsys, struct err *err)
{
	CLEANUP(runs_done) struct run_list runs = { 0 };
	struct ext2fs_journal_params journal = { 0 };
	struct fsys_inode inode = { .number = EXT2_JOURNAL_INO };
	uint64_t bytes;
	char *block = NULL;
	errcode_t code = ext2fs_get_journal_params(&journal, fsys->ext2);
	int r;

	if (code)
		return fsys_error(fsys, code, err, "sizing the journal");
	r = journal_blocks_take(fsys, journal.num_journal_blocks, &runs, err);
	if (r == 0)
		r = fsys_map_store(fsys, &inode, &runs, err);
	if (r < 0)
		return r;
	code = ext2fs_create_journal_superblock2(fsys->ext2, &journal, 0, &block);
	if (!code)
		code = io_channel_write_blk64(fsys->ext2->io, runs.items[0].physical, 1, block);
	ext2fs_free_mem(&block);
	if (code)
		return fsys_error(fsys, code, err, "writing the journal");
	bytes = (uint64_t)journal.num_journal_blocks * fsys->ext2->blocksize;
	inode.raw.i_mode = LINUX_S_IFREG | 0600;
	inode.raw.i_links_count = 1;
	inode.raw.i_size = (uint32_t)bytes;
	inode.raw.i_size_high = (uint32_t)(bytes >> 32);
	inode.raw.i_mtime = inode.raw.i_ctime = inode.raw.i_atime = (uint32_t)fsys->ext2->now;
	journal_announce(fsys->ext2->super, &inode);
	return fsys_inode_write(fsys, &inode, err);
}

static int fill(struct fsys *fsys, struct err *err)
{
	ext2_filsys ext2 = fsys->ext2;
	errcode_t code = ext2fs_allocate_tables(ext2);

	if (code)
		return fsys_error(fsys, code, err, "placing the inode tables");
	groups_set(ext2);
	code = folders_make(ext2);
	if (!code)
		code = reserved_inodes_make(ext2);
	if (code)
		return fsys_error(fsys, code, err, "making the first folders");
	return journal_make(fsys, err);
}

int fsys_format(struct image *image, const struct extent *where, const struct fsys_options *options,
		struct fsys **ret_fsys, struct err *err)
{
	CLEANUP(fsys_cleanup) struct fsys *fsys = fsys_new(image, where);
	CLEANUP(free_cleanup) char *name = fsys_io_name(&fsys->source);
	struct ext2_super_block super;
	int r = parameters(fsys, options, &super, err);

	if (r == 0)
		r = image_zero(image, where->start_bytes, where->size_bytes, err);
	if (r < 0)
		return r;
	fsys->source.gather = gather_new(image); /* nobody looks before it is complete */
	errcode_t code =
		ext2fs_initialize(name, EXT2_FLAG_64BITS, &super, &fsys_io_manager, &fsys->ext2);
	if (code)
		return fsys_error(fsys, code, err, "laying out %s",
				  filesystem_kind_name(options->kind));
	fsys->writable = true;
	fsys->has_extents = ext2fs_has_feature_extents(fsys->ext2->super);
	identity_set(fsys, options);
	r = fill(fsys, err);
	if (r == 0)
		*ret_fsys = take(&fsys);
	return r;
}
