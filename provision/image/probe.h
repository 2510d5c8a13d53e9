/* What lies in a partition, by libblkid. */
#pragma once
#include "image/image.h"

struct probe {
	char type[32]; /* "ext4", "swap", "LVM2_member", "crypto_LUKS", "" if nothing is known */
	char uuid[40];
	char label[260];
	char usage[16]; /* "filesystem", "other", "raid", "crypto" */
};

int probe_extent(struct image *image, const struct extent *where, struct probe *ret_probe,
		 struct err *err);
