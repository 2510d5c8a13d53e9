/* Inodes: made from a node's attributes, read, written, given back. Both sizes: 128 bytes (ext3)
 * and 256 with nanoseconds and birth time (ext4). */
#include "image/fsys_internal.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#define NANOSECONDS_SHIFT 2 /* below them: two more bits of seconds; kernel fs/ext4/ext4.h */

struct ext2_inode *fsys_inode_small(struct fsys_inode *inode)
{
	return (struct ext2_inode *)(void *)&inode->raw;
}

static bool inode_is_large(const struct fsys *fsys)
{
	return EXT2_INODE_SIZE(fsys->ext2->super) > EXT2_GOOD_OLD_INODE_SIZE;
}

static int inode_bytes(const struct fsys *fsys)
{
	size_t size = EXT2_INODE_SIZE(fsys->ext2->super);

	return (int)(size < sizeof(struct ext2_inode_large) ? size
							    : sizeof(struct ext2_inode_large));
}

int fsys_inode_read(struct fsys *fsys, ext2_ino_t number, struct fsys_inode *ret_inode,
		    struct err *err)
{
	errcode_t code;

	memset(ret_inode, 0, sizeof *ret_inode);
	ret_inode->number = number;
	code = ext2fs_read_inode_full(fsys->ext2, number, fsys_inode_small(ret_inode),
				      inode_bytes(fsys));
	return code ? fsys_error(fsys, code, err, "reading inode %u", number) : 0;
}

int fsys_inode_write(struct fsys *fsys, struct fsys_inode *inode, struct err *err)
{
	errcode_t code = ext2fs_write_inode_full(fsys->ext2, inode->number, fsys_inode_small(inode),
						 inode_bytes(fsys));

	return code ? fsys_error(fsys, code, err, "writing inode %u", inode->number) : 0;
}

/* Seconds beyond what the inode can hold become the nearest that it can. */
static void time_put(const struct fsys *fsys, const struct fsys_time *time, uint32_t *low,
		     uint32_t *extra)
{
	int64_t seconds = time->seconds, max = INT32_MAX;

	if (inode_is_large(fsys))
		max += INT64_C(3) << 32;
	if (seconds < INT32_MIN)
		seconds = INT32_MIN;
	if (seconds > max)
		seconds = max;
	*low = (uint32_t)seconds;
	*extra = (uint32_t)((seconds - (int32_t)*low) >> 32) & 3;
	*extra |= time->nanoseconds << NANOSECONDS_SHIFT;
}

static void device_put(const struct fsys_node *node, struct ext2_inode_large *raw)
{
	uint32_t major = node->device_major, minor = node->device_minor;

	/* Source: kernel include/linux/kdev_t.h, old_encode_dev and new_encode_dev. */
	if (major < 256 && minor < 256)
		raw->i_block[0] = (major << 8) | minor;
	else
		raw->i_block[1] = (minor & 0xff) | (major << 8) | ((minor & ~0xffu) << 12);
}

void fsys_inode_set(struct fsys *fsys, const struct fsys_node *node, struct fsys_inode *inode)
{
	struct ext2_inode_large *raw = &inode->raw;
	uint32_t access_extra, change_extra, modification_extra;

	raw->i_mode = (uint16_t)node->mode;
	raw->i_uid = (uint16_t)node->uid;
	raw->osd2.linux2.l_i_uid_high = (uint16_t)(node->uid >> 16);
	raw->i_gid = (uint16_t)node->gid;
	raw->osd2.linux2.l_i_gid_high = (uint16_t)(node->gid >> 16);
	time_put(fsys, &node->access, &raw->i_atime, &access_extra);
	time_put(fsys, &node->change, &raw->i_ctime, &change_extra);
	time_put(fsys, &node->modification, &raw->i_mtime, &modification_extra);
	if (inode_is_large(fsys)) {
		raw->i_atime_extra = access_extra;
		raw->i_ctime_extra = change_extra;
		raw->i_mtime_extra = modification_extra;
	}
	if (S_ISCHR(node->mode) || S_ISBLK(node->mode))
		device_put(node, raw);
}

int fsys_inode_new(struct fsys *fsys, const struct fsys_node *node, struct fsys_inode *ret_inode,
		   struct err *err)
{
	ext2_filsys ext2 = fsys->ext2;
	ext2_ino_t first = EXT2_FIRST_INODE(ext2->super), last = ext2->super->s_inodes_count;
	ext2_ino_t goal = fsys->inode_goal, number;
	errcode_t code;

	if (goal < first || goal > last)
		goal = first;
	code = ext2fs_find_first_zero_inode_bitmap2(ext2->inode_map, goal, last, &number);
	if (code == ENOENT && goal > first)
		code = ext2fs_find_first_zero_inode_bitmap2(ext2->inode_map, first, goal - 1,
							    &number);
	if (code == ENOENT)
		code = EXT2_ET_INODE_ALLOC_FAIL;
	if (code)
		return fsys_error(fsys, code, err, "taking an inode");
	ext2fs_inode_alloc_stats2(ext2, number, +1, S_ISDIR(node->mode));
	fsys->inode_goal = number + 1;

	memset(ret_inode, 0, sizeof *ret_inode);
	ret_inode->number = number;
	ret_inode->raw.i_links_count = 1;
	if (inode_is_large(fsys)) {
		struct fsys_time birth = { .seconds = ext2->now };

		ret_inode->raw.i_extra_isize = ext2->super->s_want_extra_isize;
		time_put(fsys, &birth, &ret_inode->raw.i_crtime, &ret_inode->raw.i_crtime_extra);
	}
	fsys_inode_set(fsys, node, ret_inode);
	return 0;
}

static int inode_free(struct fsys *fsys, struct fsys_inode *inode, struct err *err)
{
	struct ext2_inode *small = fsys_inode_small(inode);
	bool is_dir = LINUX_S_ISDIR(inode->raw.i_mode);
	errcode_t code = ext2fs_free_ext_attr(fsys->ext2, inode->number, &inode->raw);

	if (!code && ext2fs_inode_has_valid_blocks2(fsys->ext2, small))
		code = ext2fs_punch(fsys->ext2, inode->number, small, NULL, 0, ~0ULL);
	if (code)
		return fsys_error(fsys, code, err, "giving back inode %u", inode->number);
	inode->raw.i_dtime = (uint32_t)fsys->ext2->now;
	inode->raw.i_links_count = 0;
	ext2fs_inode_alloc_stats2(fsys->ext2, inode->number, -1, is_dir);
	return fsys_inode_write(fsys, inode, err);
}

int fsys_inode_release(struct fsys *fsys, ext2_ino_t number, struct err *err)
{
	struct fsys_inode inode;
	int r = fsys_inode_read(fsys, number, &inode, err);

	if (r < 0)
		return r;
	if (!LINUX_S_ISDIR(inode.raw.i_mode) && inode.raw.i_links_count > 1) {
		inode.raw.i_links_count--;
		return fsys_inode_write(fsys, &inode, err);
	}
	return inode_free(fsys, &inode, err);
}

struct xattr_walk {
	struct ext2_xattr_handle *handle;
	struct fsys_node *node;
	errcode_t code;
};

/* The value is asked for by name: so it has the kernel's form, as fsys_node.h wants it. */
static int xattr_take(char *name, char *value, size_t length, void *context)
{
	struct xattr_walk *walk = context;
	void *got = NULL;

	(void)value;
	if (strcmp(name, "system.data") == 0) /* content that lies in the inode */
		return 0;
	walk->code = ext2fs_xattr_get(walk->handle, name, &got, &length);
	if (walk->code)
		return XATTR_ABORT;
	fsys_node_add_xattr(walk->node, name, got, length);
	ext2fs_free_mem(&got);
	return 0;
}

int fsys_inode_get_xattrs(struct fsys *fsys, ext2_ino_t number, struct fsys_node *node,
			  struct err *err)
{
	struct xattr_walk walk = { .node = node };
	errcode_t code = ext2fs_xattrs_open(fsys->ext2, number, &walk.handle);

	if (code)
		return fsys_error(fsys, code, err, "extended attributes");
	code = ext2fs_xattrs_read(walk.handle);
	if (!code)
		code = ext2fs_xattrs_iterate(walk.handle, xattr_take, &walk);
	ext2fs_xattrs_close(&walk.handle);
	if (!code)
		code = walk.code;
	return code ? fsys_error(fsys, code, err, "extended attributes") : 0;
}

int fsys_inode_set_xattrs(struct fsys *fsys, const struct fsys_node *node, ext2_ino_t number,
			  struct err *err)
{
	struct ext2_xattr_handle *handle;
	errcode_t code = ext2fs_xattrs_open(fsys->ext2, number, &handle);

	if (code)
		return fsys_error(fsys, code, err, "extended attributes");
	code = ext2fs_xattrs_read(handle);
	for (size_t i = 0; i < node->xattr_count && !code; i++) {
		const struct fsys_xattr *xattr = &node->xattrs[i];

		code = ext2fs_xattr_set(handle, xattr->name, xattr->value, xattr->length);
		if (code) {
			ext2fs_xattrs_close(&handle);
			return fsys_error(fsys, code, err, "extended attribute %s", xattr->name);
		}
	}
	errcode_t close_code = ext2fs_xattrs_close(&handle); /* writes what has changed */
	if (!code)
		code = close_code;
	return code ? fsys_error(fsys, code, err, "extended attributes") : 0;
}

uint64_t fsys_inode_size(const struct fsys_inode *inode)
{
	return ((uint64_t)inode->raw.i_size_high << 32) | inode->raw.i_size;
}

int64_t fsys_inode_time(const struct fsys_inode *inode)
{
	int64_t seconds = (int32_t)inode->raw.i_mtime;

	if (inode->raw.i_extra_isize >=
	    offsetof(struct ext2_inode_large, i_mtime_extra) + 4 - EXT2_GOOD_OLD_INODE_SIZE)
		seconds += (int64_t)(inode->raw.i_mtime_extra & 3) << 32;
	return seconds;
}
