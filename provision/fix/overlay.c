/* Blocks that were written, in a hash table by their number. */
#include "fix/overlay.h"

#include <string.h>

#include "base/str.h"

#define BLOCK_BYTES ((uint64_t)4096)
#define BUCKETS	    4096

struct block {
	uint64_t number;
	struct block *next; /* in its bucket */
	char data[BLOCK_BYTES];
};

struct overlay {
	struct image *base; /* borrowed */
	struct block *buckets[BUCKETS];
	size_t count;
};

static struct block *block_find(const struct overlay *overlay, uint64_t number)
{
	struct block *block = overlay->buckets[number % BUCKETS];

	while (block && block->number != number)
		block = block->next;
	return block;
}

/* The last block of an image may be a part of one. */
static size_t block_length(const struct overlay *overlay, uint64_t number)
{
	uint64_t left = image_size_bytes(overlay->base) - number * BLOCK_BYTES;

	return left < BLOCK_BYTES ? (size_t)left : (size_t)BLOCK_BYTES;
}

static int block_get(struct overlay *overlay, uint64_t number, struct block **ret_block,
		     struct err *err)
{
	struct block *block = block_find(overlay, number);

	if (!block) {
		block = mem_alloc(sizeof *block);
		int r = image_read(overlay->base, number * BLOCK_BYTES, block->data,
				   block_length(overlay, number), err);
		if (r < 0) {
			free(block);
			return r;
		}
		block->number = number;
		block->next = overlay->buckets[number % BUCKETS];
		overlay->buckets[number % BUCKETS] = block;
		overlay->count++;
	}
	*ret_block = block;
	return 0;
}

static size_t part_of_block(uint64_t offset, uint64_t length)
{
	uint64_t room = BLOCK_BYTES - offset % BLOCK_BYTES;

	return (size_t)(length < room ? length : room);
}

static int overlay_read(void *context, uint64_t offset, void *data, size_t length, struct err *err)
{
	struct overlay *overlay = context;
	char *next = data;
	int r = image_read(overlay->base, offset, data, length, err);

	while (r == 0 && length > 0) {
		size_t part = part_of_block(offset, length);
		const struct block *block = block_find(overlay, offset / BLOCK_BYTES);

		if (block)
			memcpy(next, block->data + offset % BLOCK_BYTES, part);
		next += part;
		offset += part;
		length -= part;
	}
	return r;
}

/* data NULL: zeros. */
static int store(struct overlay *overlay, uint64_t offset, const char *data, uint64_t length,
		 struct err *err)
{
	while (length > 0) {
		size_t part = part_of_block(offset, length);
		struct block *block;
		int r = block_get(overlay, offset / BLOCK_BYTES, &block, err);

		if (r < 0)
			return r;
		if (data)
			memcpy(block->data + offset % BLOCK_BYTES, data, part);
		else
			memset(block->data + offset % BLOCK_BYTES, 0, part);
		data = data ? data + part : NULL;
		offset += part;
		length -= part;
	}
	return 0;
}

static int overlay_write(void *context, uint64_t offset, const void *data, size_t length,
			 struct err *err)
{
	return store(context, offset, data, length, err);
}

static int overlay_zero(void *context, uint64_t offset, uint64_t length, struct err *err)
{
	return store(context, offset, NULL, length, err);
}

/* Holes are not looked for: whoever asks gets all of it as data. */
static int overlay_next_data(void *context, uint64_t offset, uint64_t end, struct extent *ret_run,
			     struct err *err)
{
	(void)context;
	(void)err;
	*ret_run = (struct extent){ offset, end - offset };
	return 1;
}

static const struct image_store overlay_store = {
	.read = overlay_read,
	.write = overlay_write,
	.zero = overlay_zero,
	.next_data = overlay_next_data,
};

struct overlay *overlay_new(struct image *base, struct image **ret_image)
{
	struct overlay *overlay = mem_alloc(sizeof *overlay);

	overlay->base = base;
	*ret_image = image_on(&overlay_store, overlay, image_path(base), image_size_bytes(base));
	return overlay;
}

void overlay_forget(struct overlay *overlay)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (overlay->buckets[i]) {
			struct block *block = overlay->buckets[i];

			overlay->buckets[i] = block->next;
			free(block);
		}
	overlay->count = 0;
}

void overlay_free(struct overlay *overlay)
{
	if (!overlay)
		return;
	overlay_forget(overlay);
	free(overlay);
}

static int change_order(const void *a, const void *b)
{
	const struct overlay_change *left = a, *right = b;

	return left->offset_bytes < right->offset_bytes ? -1 : 1;
}

/* Adds the block to the list if it differs from the base. */
static int change_add(struct overlay *overlay, const struct block *block,
		      struct overlay_change *changes, size_t *count, struct err *err)
{
	size_t length = block_length(overlay, block->number);
	CLEANUP(free_cleanup) char *before = mem_alloc(length);
	int r = image_read(overlay->base, block->number * BLOCK_BYTES, before, length, err);

	if (r < 0 || memcmp(before, block->data, length) == 0)
		return r;
	changes[*count] = (struct overlay_change){
		.offset_bytes = block->number * BLOCK_BYTES,
		.length = length,
		.before = take(&before),
		.after = mem_alloc(length),
	};
	memcpy(changes[(*count)++].after, block->data, length);
	return 0;
}

int overlay_changes(struct overlay *overlay, struct overlay_change **ret_changes, size_t *ret_count,
		    struct err *err)
{
	struct overlay_change *changes = mem_alloc((overlay->count + 1) * sizeof *changes);
	size_t count = 0;
	int r = 0;

	for (size_t i = 0; i < BUCKETS && r == 0; i++)
		for (struct block *block = overlay->buckets[i]; block && r == 0;
		     block = block->next)
			r = change_add(overlay, block, changes, &count, err);
	if (r < 0) {
		overlay_changes_free(changes, count);
		return r;
	}
	qsort(changes, count, sizeof *changes, change_order);
	*ret_changes = changes;
	*ret_count = count;
	return 0;
}

void overlay_changes_free(struct overlay_change *changes, size_t count)
{
	for (size_t i = 0; changes && i < count; i++) {
		free(changes[i].before);
		free(changes[i].after);
	}
	free(changes);
}
