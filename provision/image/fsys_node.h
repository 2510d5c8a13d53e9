/* Making things inside a file system: what tree.c (archives) and the offline edits share. Free of
 * any library's types. */
#pragma once
#include <sys/types.h>

#include "image/fsys.h"

struct fsys_time {
	int64_t seconds;
	uint32_t nanoseconds;
};

struct fsys_xattr {
	char *name; /* "security.capability"; ACLs as system.posix_acl_access in the kernel's form
		     */
	void *value;
	size_t length;
};

struct fsys_node {
	uint32_t mode; /* with the type bits */
	uint32_t uid, gid;
	uint32_t device_major, device_minor;
	struct fsys_time access, change, modification;
	const char *target; /* symlinks */
	struct fsys_xattr *xattrs;
	size_t xattr_count;
};

/* Frees its attributes; the node itself and its target are the caller's. */
void fsys_node_done(struct fsys_node *node);
/* Copies name and value. */
void fsys_node_add_xattr(struct fsys_node *node, const char *name, const void *value,
			 size_t length);

/* Makes what the node says at that path; something else than a folder that has the name already
 * is replaced. A folder that is there gets the node's attributes. For regular files ret_file is
 * a file to write to, then fsys_file_close gives it its name. */
struct fsys_file;

int fsys_node_make(struct fsys *fsys, const char *path, const struct fsys_node *node,
		   struct fsys_file **ret_file, struct err *err);
/* Another name for something that is there and is no folder. */
int fsys_node_link(struct fsys *fsys, const char *path, const char *target, struct err *err);

/* A regular file that is there, to be written to where it lies: as it grows and shrinks it keeps
 * its inode and its name. fsys_file_discard leaves it half written. */
int fsys_file_open(struct fsys *fsys, const char *path, struct fsys_file **ret_file,
		   struct err *err);

/* A new regular file without a name, in an fsys. Any offset may be written, in any order; what is
 * never written is a hole. */
int fsys_file_write(struct fsys_file *file, uint64_t offset_bytes, const void *data, size_t length,
		    struct err *err);
uint64_t fsys_file_size(const struct fsys_file *file);
/* The size, if it goes beyond what was written. */
void fsys_file_set_size(struct fsys_file *file, uint64_t size_bytes);
/* Reads back; what is a hole or lies behind the end is zeros. */
int fsys_file_read(struct fsys_file *file, uint64_t offset_bytes, void *data, size_t length,
		   struct err *err);
/* Makes that part read as zeros; whole blocks are given back and become holes. */
int fsys_file_zero(struct fsys_file *file, uint64_t offset_bytes, uint64_t length_bytes,
		   struct err *err);
/* As image_next_data. */
int fsys_file_next_data(struct fsys_file *file, uint64_t offset_bytes, uint64_t end_bytes,
			struct extent *ret_run, struct err *err);
/* Writes what is pending, gives the file its name and frees it, on failure too. */
int fsys_file_close(struct fsys_file *file, struct err *err);
/* Gives blocks and inode back; NULL is allowed. */
void fsys_file_discard(struct fsys_file *file);
void fsys_file_cleanup(struct fsys_file **file);

/* Lets memory go that folders take; between two entries of an archive. */
int fsys_node_settle(struct fsys *fsys, struct err *err);
