/* What a name for a disk means on this image: kernel names, by-id paths, UUID=, LABEL=. Pure: the
 * partition table and the superblocks come in as facts. */
#pragma once
#include "grubfix.h"

enum device_kind {
	DEVICE_FOUND,	 /* a file system of the image */
	DEVICE_SOME,	 /* a partition of the image, but no fact says which file system is on it */
	DEVICE_UNKNOWN,	 /* cannot be resolved; reason says why */
	DEVICE_NO_DISK,	 /* nothing on a disk: nfs, ram, a virtual file system */
	DEVICE_VARIABLE, /* has a $variable that is filled in at boot */
};

struct device {
	enum device_kind kind;
	const struct grubfix_filesystem *filesystem; /* DEVICE_FOUND */
	bool stable; /* the name holds whatever driver finds the disk */
	bool listed; /* the facts say what the name means */
	unsigned partition;
	char *reason; /* owned; DEVICE_UNKNOWN */
};

/* Never fails: what cannot be resolved is a DEVICE_UNKNOWN with its reason. device_done it. */
void device_resolve(const struct grubfix_facts *facts, const char *name, struct device *ret_device);
void device_done(struct device *device);

/* The name that root=, resume= and fstab shall use. NULL if the file system has neither UUID nor
 * label nor PARTUUID and is no volume. The caller frees. */
char *device_name(const struct grubfix_facts *facts, const struct grubfix_filesystem *filesystem);
/* "partition 2 (ext3, UUID 1234)": for reasons. The caller frees. */
char *device_describe(const struct grubfix_filesystem *filesystem);

/* The only file system with this property; NULL if there is none or more than one. */
const struct grubfix_filesystem *facts_root(const struct grubfix_facts *facts);
const struct grubfix_filesystem *facts_swap(const struct grubfix_facts *facts);
/* Where /boot is: the separate /boot, else the root. */
const struct grubfix_filesystem *facts_boot(const struct grubfix_facts *facts);
bool facts_separate_boot(const struct grubfix_facts *facts);
/* The file system with this UUID, NULL: none. */
const struct grubfix_filesystem *facts_by_uuid(const struct grubfix_facts *facts, const char *uuid);
/* Has any file system this label? */
bool facts_label_is_there(const struct grubfix_facts *facts, const char *label);
/* Has the caller looked at the partition table? */
bool facts_have_partitions(const struct grubfix_facts *facts);
