/* Chosen members of a tar archive, read into memory. By libarchive. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct member {
	char *path; /* without a leading / or ./ */
	char *data; /* NUL-terminated */
	size_t length;
};

struct members {
	struct member *items;
	size_t count;
};

/* Regular files for which wanted() is true, in the archive's order. One larger than 256 MiB is
 * -EFBIG. members_done it, also after a failure. */
int members_read(const char *archive_path, bool (*wanted)(void *context, const char *path),
		 void *context, struct members *ret_members, struct err *err);
/* A copy of path; owns the data, which the caller allocated. */
void members_add(struct members *members, const char *path, char *data, size_t length);
void members_done(struct members *members);
/* By its path; NULL if it is not there. */
const struct member *members_find(const struct members *members, const char *path);
/* Unpacks the content of a member that is compressed by itself (a module in .ko.xz); any other
 * stays as it is. */
int member_uncompress(struct member *member, struct err *err);
