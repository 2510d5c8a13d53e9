/* A mirror's list of packages ("Packages"), as apt keeps it, uncompressed. Source: the Debian
 * repository format, https://wiki.debian.org/DebianRepository/Format, "Packages" indices. */
#pragma once
#include "base/str.h"
#include "packages/list.h"

/* Adds those packages whose SHA-256 is wanted and that the list does not have yet. hashes is
 * sorted. -EBADMSG: what the index says of one of them cannot be. */
int index_read(const char *path, const char *suite, const struct strv *hashes,
	       struct package_list *list, struct err *err);
