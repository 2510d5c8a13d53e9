/* GRUB 2 for BIOS machines, installed into an image without running it there: grub-mkimage makes
 * core.img with all modules that the menu needs, boot.img goes into the first sector. */
#pragma once
#include "image/layout.h"

/* Writes both into the image. root_uuid names the file system with /boot/grub/grub.cfg. -EFBIG if
 * core.img does not fit before the first partition. The partition table stays as it is. */
int grub2_bios_install(struct image *image, const struct layout *layout, const char *root_uuid,
		       struct err *err);
