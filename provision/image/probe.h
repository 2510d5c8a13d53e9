/* What lies in a partition, by libblkid. Reads alone. */
#pragma once
#include "image/image.h"

#define PROBE_UUID_BYTES 40 /* with the NUL */

struct probe {
	char type[32]; /* "ext4", "swap", "LVM2_member", "crypto_LUKS", "" if nothing is known */
	char uuid[PROBE_UUID_BYTES];
	char label[260];
};

/* -EBADMSG: it has the signatures of several file systems; -EIO: it cannot be read. */
int probe_extent(struct image *image, const struct extent *where, struct probe *ret_probe,
		 struct err *err);

/* What a partition table calls a partition; "": nothing. */
struct part_names {
	char uuid[40];	 /* PARTUUID; MBR: of the disk's signature and the number */
	char label[112]; /* GPT alone: 36 characters of up to three bytes */
};

/* The same of a block device, with its names if it is a partition. False: it cannot be read, or
 * holds nothing that is known. */
bool probe_device(const char *path, struct probe *ret_probe, struct part_names *ret_names);
