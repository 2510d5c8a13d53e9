/* What e2fsck -fn says of a file system inside an image. */
#pragma once
#include "image/image.h"

/* -EBADMSG: not clean, with its last lines. Success, with a warning, if e2fsck is not installed. */
int e2fsck_check(struct image *image, const struct extent *where, struct err *err);
