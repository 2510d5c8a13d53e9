/* What a profile names and only the unpacked system can tell: whether it has such services, such a
 * time zone. systemd and libc pass over what is not there without a word. */
#pragma once
#include "image/fsys.h"
#include "profile/stack.h"

/* root holds the layer's packages and its own files. -EINVAL names the key and what was found. */
int presence_check(const struct layer *layer, struct fsys *root, struct err *err);
