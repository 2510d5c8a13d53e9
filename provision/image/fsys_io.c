/* libext2fs's view of a part of an image: an io_manager that reads and writes through image.h, so
 * that a file system needs neither a device nor a file of its own. Zero blocks become holes. */
#include "image/fsys_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct channel {
	struct fsys_io_source *source;
};

/* libext2fs hands a manager nothing but a name: ours is the address of the source, as the number
 * of a descriptor is for its own unixfd_io_manager. */
char *fsys_io_name(struct fsys_io_source *source)
{
	return str_format("%" PRIxPTR, (uintptr_t)source);
}

static errcode_t io_open(const char *name, int flags, io_channel *ret_channel)
{
	io_channel channel = mem_alloc(sizeof *channel);
	struct channel *data = mem_alloc(sizeof *data);

	(void)flags;
	data->source = (struct fsys_io_source *)(uintptr_t)strtoull(name, NULL, 16);
	channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
	channel->manager = &fsys_io_manager;
	channel->name = str_copy(name);
	channel->block_size = 1024;
	channel->refcount = 1;
	channel->private_data = data;
	*ret_channel = channel;
	return 0;
}

static errcode_t io_close(io_channel channel)
{
	if (--channel->refcount > 0)
		return 0;
	free(channel->private_data);
	free(channel->name);
	free(channel);
	return 0;
}

static errcode_t io_set_block_size(io_channel channel, int block_size)
{
	channel->block_size = block_size;
	return 0;
}

/* Where a request lies in the image. A negative count is a number of bytes. */
static errcode_t io_range(io_channel channel, unsigned long long block, long long count,
			  struct extent *ret_range)
{
	const struct channel *data = channel->private_data;
	uint64_t block_size = (uint64_t)channel->block_size;
	uint64_t length = count < 0 ? (uint64_t)-count : (uint64_t)count * block_size;
	uint64_t size = data->source->where.size_bytes;

	if (block > size / block_size || length > size - block * block_size)
		return EXT2_ET_SHORT_READ;
	ret_range->start_bytes = data->source->where.start_bytes + block * block_size;
	ret_range->size_bytes = length;
	return 0;
}

int fsys_io_read(const struct fsys_io_source *source, uint64_t offset_bytes, void *data,
		 size_t length, struct err *err)
{
	return source->gather ? gather_read(source->gather, offset_bytes, data, length, err)
			      : image_read(source->image, offset_bytes, data, length, err);
}

static int source_write(const struct fsys_io_source *source, uint64_t offset, const void *data,
			size_t length, struct err *err)
{
	return source->gather ? gather_write(source->gather, offset, data, length, err)
			      : image_write(source->image, offset, data, length, err);
}

static int source_zero(const struct fsys_io_source *source, uint64_t offset, uint64_t length,
		       struct err *err)
{
	return source->gather ? gather_zero(source->gather, offset, length, err)
			      : image_zero(source->image, offset, length, err);
}

/* Where the first failure is kept; nowhere after it. */
static struct err *failure(const struct channel *data)
{
	return data->source->failed.code ? NULL : &data->source->failed;
}

static errcode_t io_read(io_channel channel, unsigned long long block, int count, void *buffer)
{
	const struct channel *data = channel->private_data;
	struct extent range;
	errcode_t code = io_range(channel, block, count, &range);

	if (code)
		return code;
	return -fsys_io_read(data->source, range.start_bytes, buffer, range.size_bytes,
			     failure(data));
}

static errcode_t io_write(io_channel channel, unsigned long long block, int count,
			  const void *buffer)
{
	const struct channel *data = channel->private_data;
	struct extent range;
	errcode_t code = io_range(channel, block, count, &range);

	if (code)
		return code;
	if (count > 0 && mem_is_zero(buffer, range.size_bytes))
		return -source_zero(data->source, range.start_bytes, range.size_bytes,
				    failure(data));
	return -source_write(data->source, range.start_bytes, buffer, range.size_bytes,
			     failure(data));
}

static errcode_t io_read_32(io_channel channel, unsigned long block, int count, void *buffer)
{
	return io_read(channel, block, count, buffer);
}

static errcode_t io_write_32(io_channel channel, unsigned long block, int count, const void *buffer)
{
	return io_write(channel, block, count, buffer);
}

static errcode_t io_write_byte(io_channel channel, unsigned long offset, int count,
			       const void *buffer)
{
	const struct channel *data = channel->private_data;
	uint64_t size = data->source->where.size_bytes;

	if (count < 0 || offset > size || (uint64_t)count > size - offset)
		return EXT2_ET_SHORT_WRITE;
	return -source_write(data->source, data->source->where.start_bytes + offset, buffer,
			     (size_t)count, failure(data));
}

static errcode_t io_zero(io_channel channel, unsigned long long block, unsigned long long count)
{
	const struct channel *data = channel->private_data;
	struct extent range;
	errcode_t code = io_range(channel, block, (long long)count, &range);

	if (code)
		return code;
	return -source_zero(data->source, range.start_bytes, range.size_bytes, failure(data));
}

static errcode_t io_flush(io_channel channel)
{
	(void)channel;
	return 0;
}

static errcode_t io_set_option(io_channel channel, const char *option, const char *value)
{
	(void)channel;
	(void)option;
	(void)value;
	return 0;
}

struct struct_io_manager fsys_io_manager = {
	.magic = EXT2_ET_MAGIC_IO_MANAGER,
	.name = "nestctl image",
	.open = io_open,
	.close = io_close,
	.set_blksize = io_set_block_size,
	.read_blk = io_read_32,
	.write_blk = io_write_32,
	.flush = io_flush,
	.write_byte = io_write_byte,
	.set_option = io_set_option,
	.read_blk64 = io_read,
	.write_blk64 = io_write,
	.discard = io_zero,
	.zeroout = io_zero,
};
