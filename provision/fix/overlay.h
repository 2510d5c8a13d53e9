/* An image over another: reads go through, writes are kept in memory until they are committed. So
 * a whole repair can be made, or given up, before the first byte of the real image changes. */
#pragma once
#include "image/image.h"

struct overlay;

/* One run of bytes that a repair changes. */
struct overlay_change {
	uint64_t offset_bytes;
	size_t length;
	char *before, *after; /* length bytes each */
};

/* base is borrowed and must stay open. ret_image is the image to work on; it does not own the
 * overlay, which is freed after it. */
struct overlay *overlay_new(struct image *base, struct image **ret_image);
void overlay_free(struct overlay *overlay);
/* What differs from the base, in the order of the offsets; the caller frees with
 * overlay_changes_free. */
int overlay_changes(struct overlay *overlay, struct overlay_change **ret_changes, size_t *ret_count,
		    struct err *err);
void overlay_changes_free(struct overlay_change *changes, size_t count);
/* Forgets what was written: reads show the base again. */
void overlay_forget(struct overlay *overlay);
