/* The file systems of one disk, each at its mount point: a path of the layer finds its own. */
#pragma once
#include "image/fsys.h"
#include "image/layout.h"

struct volumes;

/* Makes every file system and swap area of the disk in the image. */
int volumes_format(struct image *image, const struct layout *layout, const char *stack_name,
		   const struct layer *layer, struct volumes **ret_volumes, struct err *err);

/* Those of the layer's complete disk, but FAT ones, to be written to. Of an installed layer they
 * are what its partition table and its fstab say, -EBADMSG if that cannot be made out. */
int volumes_open(struct image *image, const struct layer *layer, struct volumes **ret_volumes,
		 struct err *err);

/* Never NULL; it belongs to volumes. */
struct fsys *volumes_root(struct volumes *volumes);
/* The file system that holds an absolute path, and the path inside it (part of path); NULL if that
 * is a FAT one. */
struct fsys *volumes_resolve(struct volumes *volumes, const char *path, const char **ret_below);

/* Puts a regular file of root's at an absolute path, into whichever of them holds it. */
int volumes_put(struct volumes *volumes, const char *path, const void *data, size_t length,
		uint32_t mode, struct err *err);

/* Writes what is pending; then free them. */
int volumes_close(struct volumes *volumes, struct err *err);
void volumes_free(struct volumes *volumes);
void volumes_cleanup(struct volumes **volumes);
