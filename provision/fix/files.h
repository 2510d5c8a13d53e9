/* Which files are repaired, and what the rules made of each. */
#pragma once
#include "fix/target.h"
#include "grubfix/grubfix.h"

struct fix_file {
	char *path; /* as the system names it */
	char *real; /* free of symlinks: what is written */
	enum grubfix_type type;
	char *text; /* as it is on the disk; "" for a new one */
	size_t length;
	bool is_new;
	char *menu; /* what takes its place before the rules are applied (--menu-from), or NULL */
	size_t menu_length;
	struct grubfix_result result; /* once it was planned */
	bool changed;		      /* result.text is not text */
};

struct fix_files {
	struct fix_file *items;
	size_t count;
};

/* Reads every file of the table that is there, each once. What is odd but no error goes to
 * remarks. -EBADMSG: a symlink leads out, or a file is too large. files_done it, after a failure
 * too. */
int files_collect(struct target *target, struct fix_files *ret_files, struct strv *remarks,
		  struct err *err);
void files_done(struct fix_files *files);
/* The first of a type that is no part of another (custom.cfg); NULL: none. */
struct fix_file *files_first(const struct fix_files *files, enum grubfix_type type);
bool files_is_menu(const struct fix_file *file);
/* Adds one that is not there yet. path must be free of symlinks. */
struct fix_file *files_add_new(struct fix_files *files, const char *path, enum grubfix_type type);
