/* Opening and closing ext file systems inside images, and the errors of libext2fs. */
#include "image/fsys_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* What our writers keep right. Anything else may be read, not written. */
#define WRITE_INCOMPAT                                                                             \
	(EXT2_FEATURE_INCOMPAT_FILETYPE | EXT3_FEATURE_INCOMPAT_EXTENTS |                          \
	 EXT2_FEATURE_INCOMPAT_META_BG | EXT4_FEATURE_INCOMPAT_FLEX_BG |                           \
	 EXT4_FEATURE_INCOMPAT_64BIT | EXT4_FEATURE_INCOMPAT_CSUM_SEED |                           \
	 EXT4_FEATURE_INCOMPAT_LARGEDIR)
#define WRITE_RO_COMPAT                                                                            \
	(EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER | EXT2_FEATURE_RO_COMPAT_LARGE_FILE |                 \
	 EXT4_FEATURE_RO_COMPAT_HUGE_FILE | EXT4_FEATURE_RO_COMPAT_DIR_NLINK |                     \
	 EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE | EXT4_FEATURE_RO_COMPAT_GDT_CSUM |                    \
	 EXT4_FEATURE_RO_COMPAT_METADATA_CSUM)

static int code_errno(errcode_t code)
{
	switch (code) {
	case EXT2_ET_BLOCK_ALLOC_FAIL:
	case EXT2_ET_INODE_ALLOC_FAIL:
	case EXT2_ET_EA_NO_SPACE:
		return -ENOSPC;
	case EXT2_ET_FILE_TOO_BIG:
		return -EFBIG;
	default:
		return code > 0 && code < 256 ? (int)-code : -EBADMSG;
	}
}

int fsys_error(const struct fsys *fsys, errcode_t code, struct err *err, const char *format, ...)
{
	CLEANUP(free_cleanup) char *what = NULL;
	int number = code_errno(code);
	const char *remedy = "";
	va_list args;

	va_start(args, format);
	what = str_vformat(format, args);
	va_end(args);
	if (fsys->source.failed.code)
		return err_set(err, fsys->source.failed.code, "%s: %s", what,
			       fsys->source.failed.text);
	if (code == EXT2_ET_BLOCK_ALLOC_FAIL || code == EXT2_ET_INODE_ALLOC_FAIL)
		remedy = ": the file system is full, make its partition larger";
	else if (number == -EBADMSG)
		remedy = ": the file system is damaged, e2fsck -fy may mend it";
	return err_set(err, number, "%s: %s: %s%s", image_path(fsys->image), what,
		       error_message(code), remedy);
}

int fsys_check_writable(const struct fsys *fsys, struct err *err)
{
	if (fsys->writable)
		return 0;
	return err_set(err, -EROFS, "%s: was opened for reading alone", image_path(fsys->image));
}

static int check_settled(const struct fsys *fsys, bool writable, struct err *err)
{
	struct ext2_super_block *super = fsys->ext2->super;
	const char *path = image_path(fsys->image);
	uint64_t offset = fsys->where.start_bytes;

	if (ext2fs_has_feature_journal_needs_recovery(super) ||
	    ext2fs_has_feature_orphan_present(super))
		return err_set(err, -EBADMSG,
			       "%s: the file system at byte %" PRIu64
			       " has a journal to be replayed: boot the machine once and shut it "
			       "down, or run e2fsck -fy '%s?offset=%" PRIu64 "'",
			       path, offset, path, offset);
	if (writable && (super->s_state & EXT2_ERROR_FS))
		return err_set(err, -EBADMSG,
			       "%s: the file system at byte %" PRIu64
			       " is marked as damaged: run e2fsck -fy '%s?offset=%" PRIu64 "'",
			       path, offset, path, offset);
	return 0;
}

static int check_features(const struct fsys *fsys, struct err *err)
{
	const struct ext2_super_block *super = fsys->ext2->super;
	uint32_t incompat = super->s_feature_incompat & ~(uint32_t)WRITE_INCOMPAT;
	uint32_t ro_compat = super->s_feature_ro_compat & ~(uint32_t)WRITE_RO_COMPAT;

	if (!incompat && !ro_compat)
		return 0;
	return err_set(err, -ENOTSUP,
		       "%s: the file system has features (incompat 0x%x, ro_compat 0x%x) that "
		       "nestctl cannot write: boot the machine and edit there",
		       image_path(fsys->image), incompat, ro_compat);
}

struct fsys *fsys_new(struct image *image, const struct extent *where)
{
	struct fsys *fsys = mem_alloc(sizeof *fsys);

	initialize_ext2_error_table();
	fsys->image = image;
	fsys->where = *where;
	fsys->source = (struct fsys_io_source){ .image = image, .where = *where };
	return fsys;
}

static int ext2_open(struct fsys *fsys, struct err *err)
{
	CLEANUP(free_cleanup) char *name = fsys_io_name(&fsys->source);
	int flags = EXT2_FLAG_64BITS | (fsys->writable ? EXT2_FLAG_RW : 0);
	errcode_t code = ext2fs_open2(name, NULL, flags, 0, 0, &fsys_io_manager, &fsys->ext2);

	if (code == EXT2_ET_BAD_MAGIC || code == EXT2_ET_SHORT_READ)
		return err_set(err, -EBADMSG,
			       "%s: no ext2, ext3 or ext4 file system at byte %" PRIu64,
			       image_path(fsys->image), fsys->where.start_bytes);
	if (code)
		return fsys_error(fsys, code, err, "opening the file system at byte %" PRIu64,
				  fsys->where.start_bytes);
	return 0;
}

static int check_size(const struct fsys *fsys, struct err *err)
{
	uint64_t blocks = ext2fs_blocks_count(fsys->ext2->super);

	if (blocks <= fsys->where.size_bytes / fsys->ext2->blocksize)
		return 0;
	return err_set(err, -EBADMSG,
		       "%s: the file system has %" PRIu64 " blocks of %u bytes, its partition "
		       "%" PRIu64 " bytes: the image is cut short or the partition too small",
		       image_path(fsys->image), blocks, fsys->ext2->blocksize,
		       fsys->where.size_bytes);
}

int fsys_open(struct image *image, const struct extent *where, bool writable,
	      struct fsys **ret_fsys, struct err *err)
{
	CLEANUP(fsys_cleanup) struct fsys *fsys = fsys_new(image, where);
	int r;

	fsys->writable = writable;
	r = ext2_open(fsys, err);
	if (r == 0)
		r = check_size(fsys, err);
	if (r == 0)
		r = check_settled(fsys, writable, err);
	if (r == 0 && writable)
		r = check_features(fsys, err);
	if (r < 0)
		return r;
	if (writable) {
		errcode_t code = ext2fs_read_bitmaps(fsys->ext2);

		if (code)
			return fsys_error(fsys, code, err, "reading the bitmaps");
	}
	/* The same input gives the same bytes: no clock. */
	fsys->ext2->now = fsys->ext2->super->s_wtime ? fsys->ext2->super->s_wtime : 1;
	fsys->has_extents = ext2fs_has_feature_extents(fsys->ext2->super);
	*ret_fsys = take(&fsys);
	return 0;
}

static int all_store(struct fsys *fsys, struct err *err)
{
	int r = fsys_dirs_store(fsys, err);

	if (r < 0)
		return r;
	errcode_t code = ext2fs_flush2(fsys->ext2, EXT2_FLAG_FLUSH_NO_SYNC);
	if (code || fsys->source.failed.code)
		return fsys_error(fsys, code, err, "writing the last of the file system");
	return fsys->source.gather ? gather_flush(fsys->source.gather, err) : 0;
}

int fsys_close(struct fsys *fsys, struct err *err)
{
	int r = fsys->writable ? all_store(fsys, err) : 0;

	fsys_discard(fsys);
	return r;
}

void fsys_discard(struct fsys *fsys)
{
	if (!fsys)
		return;
	fsys_dirs_free(fsys);
	if (fsys->ext2)
		ext2fs_free(fsys->ext2); /* not ext2fs_close: nothing is written */
	err_clear(&fsys->source.failed);
	gather_free(fsys->source.gather);
	free(fsys->spare_stage);
	free(fsys);
}

void fsys_cleanup(struct fsys **fsys)
{
	fsys_discard(*fsys);
}

bool fsys_exists(struct fsys *fsys, const char *path)
{
	struct place place;

	return fsys_find(fsys, path, PLACE_FOLLOW, &place, NULL) == 0;
}

uint64_t fsys_free_bytes(const struct fsys *fsys)
{
	return ext2fs_free_blocks_count(fsys->ext2->super) * fsys->ext2->blocksize;
}

int64_t fsys_time_seconds(const struct fsys *fsys)
{
	return fsys->ext2->now;
}
