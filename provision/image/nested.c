/* The store of an image inside another: a file of fsys_node.h, written in any order. */
#include "image/nested.h"

#include <sys/stat.h>

#include "image/fsys_node.h"

#define PERMISSION_BITS 07777u

static int nested_read(void *context, uint64_t offset, void *data, size_t length, struct err *err)
{
	return fsys_file_read(context, offset, data, length, err);
}

static int nested_write(void *context, uint64_t offset, const void *data, size_t length,
			struct err *err)
{
	return fsys_file_write(context, offset, data, length, err);
}

static int nested_zero(void *context, uint64_t offset, uint64_t length, struct err *err)
{
	return fsys_file_zero(context, offset, length, err);
}

static int nested_next_data(void *context, uint64_t offset, uint64_t end, struct extent *ret_run,
			    struct err *err)
{
	return fsys_file_next_data(context, offset, end, ret_run, err);
}

static int nested_finish(void *context, struct err *err)
{
	return fsys_file_close(context, err);
}

static void nested_discard(void *context)
{
	fsys_file_discard(context);
}

static const struct image_store nested_store = {
	.read = nested_read,
	.write = nested_write,
	.zero = nested_zero,
	.next_data = nested_next_data,
	.finish = nested_finish,
	.discard = nested_discard,
};

int nested_create(struct fsys *outer, const char *path, uint64_t size_bytes,
		  const struct fsys_attributes *attributes, struct image **ret_image,
		  struct err *err)
{
	struct fsys_node node = { .mode = S_IFREG | 0600 };
	struct fsys_file *file;

	node.modification.seconds = fsys_time_seconds(outer);
	if (attributes) {
		node.mode = S_IFREG | (attributes->mode & PERMISSION_BITS);
		node.uid = attributes->uid;
		node.gid = attributes->gid;
		node.modification.seconds = attributes->time_seconds;
	}
	node.access = node.change = node.modification;
	int r = fsys_node_make(outer, path, &node, &file, err);
	if (r < 0)
		return err_wrap(err, r, "beginning the image %s", path);
	fsys_file_set_size(file, size_bytes);
	*ret_image = image_on(&nested_store, file, path, size_bytes);
	return 0;
}

int nested_open(struct fsys *outer, const char *path, struct image **ret_image, struct err *err)
{
	struct fsys_file *file;
	int r = fsys_file_open(outer, path, &file, err);

	if (r < 0)
		return r;
	*ret_image = image_on(&nested_store, file, path, fsys_file_size(file));
	return 0;
}
