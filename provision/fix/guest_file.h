/* The repair of one guest config, a plain file on this machine. */
#pragma once
#include "grubfix/grubfix.h"

struct guest_file {
	char *path, *text;
	size_t length;
	struct grubfix_result result;
};

/* Reads it and applies the rules; type GRUBFIX_UNKNOWN: found out. guest_file_done it, after a
 * failure too. */
int guest_file_plan(const char *path, enum grubfix_type type, const struct grubfix_guest *guest,
		    struct guest_file *ret_file, struct err *err);
/* Writes it if it changed: what was there is kept once as PATH.nestctl-orig; owner and mode stay.
 * A symlink is followed. */
int guest_file_write(const struct guest_file *file, struct err *err);
void guest_file_done(struct guest_file *file);
