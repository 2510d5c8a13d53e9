/* ext3 and ext4 inside an image, by libext2fs: made, filled and edited without a mount. */
#pragma once
#include <sys/types.h>

#include "image/image.h"
#include "profile/stack.h"

struct fsys;

struct fsys_options {
	enum filesystem_kind kind; /* FILESYSTEM_EXT3 or FILESYSTEM_EXT4 */
	const char *label;
	uint8_t uuid[16];     /* also the source of the directory hash seed */
	int64_t time_seconds; /* every time stamp that the file system itself carries */
};

/* Makes a file system in that part of the image. ret_fsys keeps the image busy until closed. */
int fsys_format(struct image *image, const struct extent *where, const struct fsys_options *options,
		struct fsys **ret_fsys, struct err *err);
/* -EBADMSG: no ext file system, damaged, or a journal that must be replayed first. */
int fsys_open(struct image *image, const struct extent *where, bool writable,
	      struct fsys **ret_fsys, struct err *err);
/* Writes all that is pending and frees. */
int fsys_close(struct fsys *fsys, struct err *err);
/* Frees without a promise about what is pending: for the error path. NULL is allowed. */
void fsys_discard(struct fsys *fsys);
void fsys_cleanup(struct fsys **fsys);

/* Streams a tar archive (any compression libarchive reads) into the root directory. Kept: owner,
 * mode, nanosecond times, xattrs and capabilities, ACLs, hard links, symlinks, devices, fifos,
 * holes. Names that leave the root are refused (-EBADMSG). */
int fsys_unpack(struct fsys *fsys, const char *archive_path, struct err *err);

struct fsys_attributes {
	uint32_t mode; /* permission bits; of what is there with the type bits */
	uint32_t uid, gid;
	int64_t time_seconds;
	const char *like; /* a file there whose extended attributes are copied; NULL: none */
};

/* Puts a regular file, whole, replacing what was there in one step: the directory entry is
 * switched last. Missing folders are made (0755, root). attributes NULL: those of the file that is
 * replaced, 0644 root for a new one. */
int fsys_put(struct fsys *fsys, const char *path, const void *data, size_t length,
	     const struct fsys_attributes *attributes, struct err *err);
/* The same from an open file, holes kept: an image inside an image. */
int fsys_put_file(struct fsys *fsys, const char *path, int from,
		  const struct fsys_attributes *attributes, struct err *err);
/* Replaces what was there, as fsys_put does; 0777 root. */
int fsys_put_symlink(struct fsys *fsys, const char *path, const char *target, struct err *err);
/* Those missing above it too. One that is there gets the attributes, if there are any; new ones
 * 0755 root without. */
int fsys_make_dir(struct fsys *fsys, const char *path, const struct fsys_attributes *attributes,
		  struct err *err);
/* The permission bits of what a path leads to, symlinks followed; its type stays. -ENOENT. */
int fsys_set_mode(struct fsys *fsys, const char *path, uint32_t mode, struct err *err);
/* A file, a link, an empty folder. -ENOENT; -ENOTEMPTY. */
int fsys_remove(struct fsys *fsys, const char *path, struct err *err);

/* A regular file, symlinks followed inside the file system (never out of it). At most max_bytes,
 * -EFBIG beyond; -ENOENT. NUL-terminated, the caller frees. */
int fsys_read(struct fsys *fsys, const char *path, size_t max_bytes, char **ret_data,
	      size_t *ret_length, struct err *err);
/* The same, of any size, to a descriptor, holes kept where it can seek. */
int fsys_read_to(struct fsys *fsys, const char *path, int to, struct err *err);

struct fsys_entry {
	const char *name;
	uint32_t mode; /* with the type bits */
	uint32_t uid, gid;
	uint64_t size_bytes;
	int64_t time_seconds;
	const char *target; /* symlinks */
};

/* Calls each() for every entry of a folder (not . and ..), sorted by name; stops at a negative
 * return and hands it on. For a file: once, for itself. */
int fsys_list(struct fsys *fsys, const char *path,
	      int (*each)(void *context, const struct fsys_entry *entry), void *context,
	      struct err *err);
/* Of whatever has that name; a symlink at the end is not followed. -ENOENT. */
int fsys_get_attributes(struct fsys *fsys, const char *path, struct fsys_attributes *ret_attributes,
			struct err *err);
bool fsys_exists(struct fsys *fsys, const char *path);
uint64_t fsys_free_bytes(const struct fsys *fsys);
/* The time that it was made with, or was last written at: what new things get that have none. */
int64_t fsys_time_seconds(const struct fsys *fsys);
