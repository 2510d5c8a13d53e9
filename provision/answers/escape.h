/* Values as each format writes them. Pure: a text and where it goes. None of the profile's values
 * has a newline, but the content of files, which is written in base64 only. */
#pragma once
#include "base/str.h"

/* Character data and attribute values of XML 1.0. */
void escape_xml(const char *text, struct buf *out);
/* One word of a kickstart command, which Python's shlex reads. */
void escape_kickstart(const char *text, struct buf *out);
/* A basic string of TOML 1.0, with its quotes. */
void escape_toml(const char *text, struct buf *out);
/* True for words of letters, digits, and - _ . : only, which partman's recipes, debconf's lines and
 * the names in /dev/disk take as they are. */
bool escape_not_needed(const char *text);
