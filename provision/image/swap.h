/* Swap areas: makes a Linux swap signature inside an image. Knows nothing of partition tables or
 * of what the layer is for. */
#pragma once
#include "image/image.h"

#define SWAP_LABEL_MAX 15 /* bytes, as mkswap */

/* The signature and nothing else: all other bytes stay as they are. label may be NULL; at most
 * SWAP_LABEL_MAX bytes of it are kept. -EINVAL if the extent has less than 10 pages. */
int swap_format(struct image *image, const struct extent *where, const char *label,
		const uint8_t uuid[16], struct err *err);
