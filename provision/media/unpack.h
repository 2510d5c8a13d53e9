/* A medium as a folder, for a server that hands out its files. */
#pragma once
#include "media/contents.h"

/* Makes the folder, which is not there yet, with the medium's folders, files and symbolic links;
 * links lead where the medium says, so whoever opens one looks where that is. Modes are 0755 and
 * 0644. What is there after a failure is not removed. -EBADMSG: damaged, a name that leads out of
 * the folder, or more than a medium can have. */
int medium_unpack(const struct contents *contents, const char *folder, struct err *err);
