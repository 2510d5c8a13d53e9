#include "image/gather.h"

#include <string.h>

#include "base/str.h"

/* One for the data that is streamed in, the others for the tables that change beside it. */
#define PILE_COUNT  4
#define PILE_BYTES  ((size_t)1 << 20)
#define LARGE_BYTES (PILE_BYTES / 4) /* need no gathering */

/* Bytes of the image from start on that have not reached it. Piles never overlap. */
struct pile {
	uint64_t start, used; /* used: when, to find the oldest */
	size_t length;	      /* 0: free */
	char *data;	      /* PILE_BYTES, NULL before its first use */
};

struct gather {
	struct image *image;
	struct pile piles[PILE_COUNT];
	uint64_t uses;
};

struct gather *gather_new(struct image *image)
{
	struct gather *gather = mem_alloc(sizeof *gather);

	gather->image = image;
	return gather;
}

void gather_free(struct gather *gather)
{
	if (!gather)
		return;
	for (size_t i = 0; i < PILE_COUNT; i++)
		free(gather->piles[i].data);
	free(gather);
}

static int pile_flush(struct gather *gather, struct pile *pile, struct err *err)
{
	size_t length = pile->length;

	pile->length = 0;
	return length ? image_write(gather->image, pile->start, pile->data, length, err) : 0;
}

static bool pile_meets(const struct pile *pile, uint64_t offset, uint64_t length)
{
	return pile->start < offset + length && offset < pile->start + pile->length;
}

/* All piles but that one (NULL: all) that have bytes of the range. */
static int others_flush(struct gather *gather, const struct pile *except, uint64_t offset,
			uint64_t length, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < PILE_COUNT; i++)
		if (&gather->piles[i] != except && pile_meets(&gather->piles[i], offset, length))
			r = pile_flush(gather, &gather->piles[i], err);
	return r;
}

/* The pile that the byte at offset lies in, or would lie in at the end of; NULL: none has room. */
static struct pile *pile_for(struct gather *gather, uint64_t offset)
{
	for (size_t i = 0; i < PILE_COUNT; i++) {
		struct pile *pile = &gather->piles[i];

		if (pile->length > 0 && offset >= pile->start &&
		    offset <= pile->start + pile->length && offset < pile->start + PILE_BYTES)
			return pile;
	}
	return NULL;
}

/* The pile that was left alone for longest, emptied, to begin at offset. */
static int pile_begin(struct gather *gather, uint64_t offset, struct pile **ret_pile,
		      struct err *err)
{
	struct pile *oldest = &gather->piles[0];

	for (size_t i = 1; i < PILE_COUNT; i++)
		if (gather->piles[i].used < oldest->used)
			oldest = &gather->piles[i];
	int r = pile_flush(gather, oldest, err);
	if (!oldest->data)
		oldest->data = mem_alloc(PILE_BYTES);
	oldest->start = offset;
	*ret_pile = oldest;
	return r;
}

int gather_write(struct gather *gather, uint64_t offset_bytes, const void *data, size_t length,
		 struct err *err)
{
	const char *next = data;
	int r = 0;

	if (length >= LARGE_BYTES) {
		r = others_flush(gather, NULL, offset_bytes, length, err);
		return r < 0 ? r : image_write(gather->image, offset_bytes, data, length, err);
	}
	while (r == 0 && length > 0) {
		struct pile *pile = pile_for(gather, offset_bytes);

		if (!pile)
			r = pile_begin(gather, offset_bytes, &pile, err);
		size_t within = (size_t)(offset_bytes - pile->start), room = PILE_BYTES - within;
		size_t part = length < room ? length : room;

		if (r == 0)
			r = others_flush(gather, pile, offset_bytes, part, err);
		if (r < 0)
			return r;
		memcpy(pile->data + within, next, part);
		if (within + part > pile->length)
			pile->length = within + part;
		pile->used = ++gather->uses;
		if (pile->length == PILE_BYTES)
			r = pile_flush(gather, pile, err);
		offset_bytes += part;
		next += part;
		length -= part;
	}
	return r;
}

int gather_read(struct gather *gather, uint64_t offset_bytes, void *data, size_t length,
		struct err *err)
{
	for (size_t i = 0; i < PILE_COUNT; i++) {
		const struct pile *pile = &gather->piles[i];

		if (offset_bytes < pile->start ||
		    offset_bytes + length > pile->start + pile->length)
			continue;
		memcpy(data, pile->data + (offset_bytes - pile->start), length);
		return 0;
	}
	int r = others_flush(gather, NULL, offset_bytes, length, err);
	return r < 0 ? r : image_read(gather->image, offset_bytes, data, length, err);
}

int gather_zero(struct gather *gather, uint64_t offset_bytes, uint64_t length_bytes,
		struct err *err)
{
	int r = others_flush(gather, NULL, offset_bytes, length_bytes, err);

	return r < 0 ? r : image_zero(gather->image, offset_bytes, length_bytes, err);
}

int gather_flush(struct gather *gather, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < PILE_COUNT; i++)
		r = pile_flush(gather, &gather->piles[i], err);
	return r;
}
