/* UTF-8 (RFC 3629): what may stand in a JSON string. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at text, 0 where no valid one begins. */
size_t utf8_length(const char *text, size_t length);
/* Writes a code point that is no surrogate; returns the number of bytes, at most 4. */
size_t utf8_put(uint32_t code, char out[4]);
