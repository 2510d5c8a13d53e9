/* After a build: is everything on the disk that was ordered? Read back by libblkid, which had no
 * part in the writing. */
#pragma once
#include "image/layout.h"

/* -EBADMSG names the first partition that is not where it should be or does not hold the file
 * system and label that the spec says. */
int image_check(struct image *image, const struct layout *layout, const struct disk_spec *spec,
		struct err *err);
