/* "This disk is ours": what an installer leaves on a disk as long as the install of this machine is
 * not finished, so that the next try may overwrite it without `wipe`. */
#pragma once
#include "base/err.h"
#include "base/hash.h"

/* Which lab (its certificate) and which machine of it. Not a token: each try has new ones. */
int disk_mark_owner(const char *ca_path, const char *machine, char ret_owner[HASH_HEX_LENGTH + 1],
		    struct err *err);

#define DISK_MARK_BYTES 512
/* Into the first part of a disk as an image has it, before that is written: the last sector between
 * the partition table and the first partition that holds nothing. Where; 0: there is none. */
size_t disk_mark_put(char *head, size_t length, const char *owner);
/* Is there one of that owner? */
bool disk_mark_is(const char *head, size_t length, const char *owner);
/* Takes those of that owner off the disk, and syncs. */
int disk_mark_clear(const char *path, const char *owner, struct err *err);
