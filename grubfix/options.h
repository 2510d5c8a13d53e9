/* The command line of the grubfix program: one table parses it and prints the help. */
#pragma once
#include <stdio.h>

#include "base/str.h"
#include "grubfix.h"

struct options {
	struct strv inputs; /* "-": standard input; several with dry_run alone */
	const char *type, *style, *to;
	const char *root_uuid, *root_label, *swap_uuid, *boot_uuid;
	const char *files; /* a file that lists the paths in the image */
	const char *disk, *default_entry, *com1, *dom0_console, *dom0_mem;
	const char *serial, *tsc_mode, *hdtype;
	struct strv devices, partitions, disk_names, xen_args, dom0_args, only, skip;
	bool adopt_root, default_xen, no_grubenv, console, nested;
	bool list_rules, markdown, dry_run, json, explain, help;
};

/* Strings are borrowed from argv. -EINVAL says what is wrong with the command line. */
int options_parse(int argc, char **argv, struct options *ret_options, struct err *err);
void options_done(struct options *options);
void options_print_help(FILE *out);

/* What the options say of the world. The facts borrow from the options and from this struct. */
struct option_facts {
	struct grubfix_facts facts;
	struct grubfix_filesystem *filesystems; /* owned */
	struct grubfix_device *devices;		/* owned */
	struct strv texts;			/* strings cut out of options */
	struct strv paths;			/* files of the image, sorted */
};

/* -EINVAL: an option's value is wrong; -errno of reading --files. */
int option_facts_make(const struct options *options, struct option_facts *ret_facts,
		      struct err *err);
void option_facts_done(struct option_facts *facts);
