/* Media as folders that can be served: each is unpacked once, under a name that says which it is.
 */
#pragma once
#include "media/medium.h"

struct vendor_medium {
	char *wanted;  /* as the profile names it */
	char *path;    /* as it was brought */
	char *root;    /* the folder with its files */
	int root_fd;   /* all that is opened is below it */
	bool any_case; /* file names count as equal in either case, as on ISO 9660 */
	struct medium *medium;
};

/* wanted: as the profile names it; path: where it lies; folder: where it is unpacked, unless it is
 * a folder already. The caller owns *ret_medium. */
int vendor_medium_open(const char *wanted, const char *path, const char *folder,
		       struct vendor_medium **ret_medium, struct err *err);
void vendor_medium_free(struct vendor_medium *medium);
void vendor_medium_cleanup(struct vendor_medium **medium);

/* A regular file below the root, and not outside of it by any link. A descriptor, or -ENOENT. */
int vendor_medium_file(const struct vendor_medium *medium, const char *name, struct err *err);
