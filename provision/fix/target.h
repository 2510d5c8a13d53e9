/* What is repaired: a disk image, or a folder with an unpacked or mounted system. Whoever edits
 * files in one need not know which. Paths are absolute, as the system in there sees them. */
#pragma once
#include "fix/disk.h"
#include "fix/walk.h"

#define TARGET_BACKUP_SUFFIX ".nestctl-orig"

struct target;

/* root_partition 0: find it. Refused with -EBADMSG and nothing changed: in use, cut short, no
 * root, two roots, a journal to be replayed, ... the message says what to do. Not writable: opened
 * for reading alone. */
int target_open_image(const char *path, unsigned root_partition, bool writable,
		      struct target **ret_target, struct err *err);
/* A folder. Nothing outside of it is read or written, whatever its symlinks say. */
int target_open_folder(const char *path, struct target **ret_target, struct err *err);
void target_close(struct target *target);
void target_cleanup(struct target **target);

/* For messages: the image or folder as it was named. */
const char *target_name(const struct target *target);
bool target_is_image(const struct target *target);
/* The parts of the disk with what they are for; borrowed, may be added to. */
struct disk *target_disk(struct target *target);

/* Where a path leads, see walk_path. */
int target_find(struct target *target, const char *path, char **ret_real, enum node_kind *ret_kind,
		struct err *err);
bool target_exists(struct target *target, const char *path);
/* -ENOENT; -EBADMSG if it is larger than max_bytes or no regular file. The caller frees. */
int target_read(struct target *target, const char *path, size_t max_bytes, char **ret_data,
		size_t *ret_length, struct err *err);
/* Names in a folder, sorted; none if there is no such folder. */
int target_list(struct target *target, const char *path, struct strv *ret_names, struct err *err);

/* Puts a file in one step, owner and mode kept; what was there is kept beside it as
 * NAME.nestctl-orig, the first time. real is free of symlinks. */
int target_replace(struct target *target, const char *real, const void *data, size_t length,
		   struct err *err);
/* Is the file system in order, as e2fsck -fn says? Of a folder: always. */
int target_check(struct target *target, struct err *err);
/* All that was replaced is on the disk when this returns, and reads show what is there. */
int target_commit(struct target *target, struct err *err);
/* All is as it was before the first replace, backups too. */
int target_revert(struct target *target, struct err *err);
