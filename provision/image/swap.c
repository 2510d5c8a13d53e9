/* Swap areas: the header page that mkswap would write. */
#include "image/swap.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/str.h"

#define PAGE_BYTES 4096
#define MIN_PAGES  10 /* as mkswap: less is no use */
#define MAGIC	   "SWAPSPACE2"

/* The header page: 1024 bytes of boot block, then the v1 fields, the magic at its end.
 * Source: Linux include/linux/swap.h, union swap_header. */
struct swap_header {
	uint8_t boot_block[1024];
	uint32_t version, last_page, bad_pages;
	uint8_t uuid[16];
	char label[16];
	uint8_t unused[PAGE_BYTES - 1024 - 12 - 32 - 10];
	char magic[10];
};

_Static_assert(sizeof(struct swap_header) == PAGE_BYTES, "the swap header is one page");

int swap_format(struct image *image, const struct extent *where, const char *label,
		const uint8_t uuid[16], struct err *err)
{
	struct swap_header header = { .version = htole32(1) };
	uint64_t pages = where->size_bytes / PAGE_BYTES;
	size_t label_length = label ? strlen(label) : 0;

	if (pages < MIN_PAGES)
		return err_set(err, -EINVAL,
			       "%s: %" PRIu64 " bytes are too small for swap (at least %d)",
			       image_path(image), where->size_bytes, MIN_PAGES * PAGE_BYTES);
	if (label_length > SWAP_LABEL_MAX)
		label_length = SWAP_LABEL_MAX;
	header.last_page = htole32(pages - 1 < UINT32_MAX ? (uint32_t)(pages - 1) : UINT32_MAX);
	memcpy(header.uuid, uuid, sizeof header.uuid);
	if (label_length > 0)
		memcpy(header.label, label, label_length);
	memcpy(header.magic, MAGIC, sizeof header.magic);

	int r = image_write(image, where->start_bytes, &header, sizeof header, err);
	return r < 0 ? err_wrap(err, r, "writing a swap header") : 0;
}
