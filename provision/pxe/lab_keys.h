/* The keys of a lab file, and a lab file as it was read: with the nodes that say where each value
 * stands. Only the files lab*.c see it.
 */
#pragma once
#include "profile/keys.h"
#include "pxe/lab.h"

/* One item of machines: as many machines as its any says, else one. */
struct machine_row {
	char *name, *mac, *uuid, *stack;
	unsigned any; /* 0: it is known by mac or uuid */
	enum lab_way way;
	enum lab_boot boot;
	char *disk_size, *disk_serial, *disk_by_id; /* "" where not given */
	bool wipe;

	const struct node *map;
	struct strv wrong;   /* keys whose values are stand-ins */
	size_t first, count; /* its machines in the lab */
	bool sound;	     /* nothing is wrong with their stacks */
};

struct lab_file {
	struct lab lab;
	char *range; /* "10.20.0.100-10.20.0.199" or "" */

	struct node *root;
	struct strv wrong; /* as above */
	struct machine_row *rows;
	size_t row_count;
	struct diagnostics *diagnostics;
};

extern const struct key_row lab_keys[];	    /* into struct lab_file */
extern const struct key_row machine_keys[]; /* into struct machine_row */

/* Ends with NULL; the index is the enum value. */
extern const char *const lab_dhcp_names[];

/* "FIRST-LAST" and "SIZE..SIZE", either size may be missing; false if it is none. */
bool range_parse(const char *text, char **ret_first, char **ret_last);
bool disk_sizes_parse(const char *text, uint64_t *ret_min, uint64_t *ret_max);

/* ---- lab_check.c: what must hold between the keys ---- */

void lab_check(const struct lab_file *file);
/* lab_unique.c: no two machines have the same name or address, their layers neither. */
void lab_check_unique(const struct lab_file *file);

/* Adds "machines[N].KEY: ..." at the key's place, else at that of the row. */
__attribute__((format(printf, 4, 5))) void lab_row_wrong(const struct lab_file *file,
							 const struct machine_row *row,
							 const char *key, const char *format, ...);
/* The stack file says which; else it is derived, or the machine's. */
bool layer_has_own_mac(const struct layer *layer);
