/* What lies in a partition, by libblkid. */
#pragma once
#include "image/image.h"

#define PROBE_UUID_BYTES 40 /* with the NUL */

struct probe {
	char type[32]; /* "ext4", "swap", "LVM2_member", "crypto_LUKS", "" if nothing is known */
	char uuid[PROBE_UUID_BYTES];
	char label[260];
	char usage[16]; /* "filesystem", "other", "raid", "crypto" */
};

int probe_extent(struct image *image, const struct extent *where, struct probe *ret_probe,
		 struct err *err);
