/* Partition tables, by libparted. */
#pragma once
#include "image/layout.h"
#include "image/probe.h"

/* Writes the table into the image. disk_id makes GUIDs and the MBR signature stable. The
 * partition that is mounted at "/" is marked active on MBR. */
int table_write(struct image *image, const struct layout *layout, const struct disk_spec *spec,
		const char *disk_id, struct err *err);

struct table_entry {
	unsigned number; /* as in sda1 */
	struct extent where;
	bool active;
	char type[40]; /* "83", "82", GPT type GUID */
	struct part_names names;
};

struct table {
	bool present;
	enum table_kind kind;
	struct table_entry entries[128];
	size_t count;
};

/* -EBADMSG for a table that is damaged or reaches over the end of the image (truncated). No table
 * at all is no error: present is false. */
int table_read(struct image *image, struct table *ret_table, struct err *err);

/* The disk has become larger than its table knows: a GPT's second copy moves to the end, and
 * partition `number` reaches up to there. *ret_where is where it lies then: as before, if another
 * lies behind it. -ENOTSUP: the table has logical partitions, nothing was changed. */
int table_grow(struct image *image, unsigned number, struct extent *ret_where, struct err *err);
