/* What lies in a partition, by libblkid. Reads alone. */
#pragma once
#include "image/image.h"

struct probe {
	char type[32]; /* "ext4", "swap", "LVM2_member", "crypto_LUKS", "" if nothing is known */
	char uuid[40];
	char label[260];
};

/* -EBADMSG: it has the signatures of several file systems; -EIO: it cannot be read. */
int probe_extent(struct image *image, const struct extent *where, struct probe *ret_probe,
		 struct err *err);

#define PARTUUID_BYTES 40

/* The same of a block device, with the UUID that its table has for it: "" if it is no partition.
 * False: it cannot be read, or holds nothing that is known. */
bool probe_device(const char *path, struct probe *ret_probe, char ret_partuuid[PARTUUID_BYTES]);
