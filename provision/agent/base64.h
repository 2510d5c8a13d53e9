/* Base64 (RFC 4648, section 4, with padding): byte strings inside JSON. */
#pragma once
#include <stdbool.h>

#include "buf.h"

void base64_encode(const void *data, size_t length, struct buf *out);
/* Appends the bytes to out. False for anything but whole, padded groups; out is unchanged then. */
bool base64_decode(const char *text, size_t length, struct buf *out);
