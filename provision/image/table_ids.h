/* Stable identifiers for a partition table: libparted draws them at random and offers no way to
 * set them, so their bytes are replaced afterwards. */
#pragma once
#include "profile/stack.h"

/* fd: a disk whose table was just written. MBR: the disk signature. GPT: disk and partition GUIDs
 * in both copies, checksums mended. All derived from disk_id. -EBADMSG if there is no such table.
 */
int table_set_ids(int fd, enum table_kind kind, const char *disk_id, struct err *err);
