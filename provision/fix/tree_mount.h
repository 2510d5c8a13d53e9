/* A file system of an image at its place in the tree: ext2, ext3, ext4 or FAT. */
#pragma once
#include "fix/disk.h"
#include "fix/walk.h"
#include "image/fat.h"

struct tree_mount {
	const char *point; /* "" for the root */
	const struct disk_part *part;
	struct image *image; /* borrowed */
	struct fsys *fsys;   /* one of both */
	struct fat *fat;
};

/* -EBADMSG: neither ext nor FAT, damaged, a journal to be replayed. */
int tree_mount_open(struct image *image, bool writable, struct tree_mount *mount, struct err *err);
/* Writes what is pending, then closes. */
int tree_mount_finish(struct tree_mount *mount, struct err *err);
void tree_mount_discard(struct tree_mount *mount);
/* Does it tell names apart by case? */
bool tree_mount_has_case(const struct tree_mount *mount);

/* For each entry of a folder; target is borrowed. */
int tree_mount_list(const struct tree_mount *mount, const char *folder,
		    void (*each)(void *context, const char *name, struct walk_node node),
		    void *context, struct err *err);
int tree_mount_read(const struct tree_mount *mount, const char *path, size_t max_bytes,
		    char **ret_data, size_t *ret_length, struct err *err);
/* attributes NULL: a new file of root, 0644. */
int tree_mount_put(const struct tree_mount *mount, const char *path, const void *data,
		   size_t length, const struct fsys_attributes *attributes, struct err *err);
/* false: there is no such file, or the file system has no attributes. */
bool tree_mount_attributes(const struct tree_mount *mount, const char *path,
			   struct fsys_attributes *ret_attributes);
