/* What an image holds, gathered for people and programs. Reads alone. */
#pragma once
#include "base/str.h"
#include "image/fsys.h"
#include "image/probe.h"
#include "image/table.h"

struct inspected_partition {
	unsigned number; /* 0: no table, the whole image */
	struct extent where;
	bool active;
	char type[40];	   /* of the table entry, "" without a table */
	const char *holds; /* "ext4", "swap", "LVM physical volume", "BIOS boot area", "unknown" */
	struct probe probe;
	bool opened; /* ext2, ext3 or ext4, and in order: the fields below are set */
	uint64_t free_bytes;
	bool is_root;	  /* has /etc */
	char *os_name;	  /* PRETTY_NAME, or NULL */
	char *menu_path;  /* of the boot menu that was found, or NULL */
	struct strv menu; /* its titles, in order */
	char *note;	  /* why it could not be opened, or NULL */
};

struct inspection {
	const char *table; /* "mbr", "gpt", "none" */
	uint64_t size_bytes, allocated_bytes;
	const char *boot_loader; /* "GRUB 2", "GRUB Legacy", "EFI", "unknown", "none" */
	struct inspected_partition *partitions;
	size_t partition_count;
};

/* The caller calls inspection_done, after a failure too. -EBADMSG for a damaged table. A file
 * system that is damaged is no error: its note says so. */
int image_inspect(struct image *image, struct inspection *ret_inspection, struct err *err);
void inspection_done(struct inspection *inspection);

/* Opens the file system of partition `number`; 0: the first that has an /etc. -ENOENT if there is
 * none such, else what fsys_open says. */
int image_open_root(struct image *image, unsigned number, bool writable, struct fsys **ret_fsys,
		    struct err *err);
