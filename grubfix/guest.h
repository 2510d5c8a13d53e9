/* A guest config as settings, whatever its format: what the guest rules ask and change. */
#pragma once
#include "fix.h"

enum guest_kind { GUEST_HVM, GUEST_PV, GUEST_OTHER };

struct guest_format {
	unsigned types; /* TYPE_BIT */
	enum guest_kind (*kind)(const struct doc *doc);
	/* The value of "hap", "nestedhvm", "tsc_mode", "hdtype", "serial", "altp2m"; of
	 * libvirt also "nesting-required". NULL: it is not said. ret_token gets a token to name a
	 * line by. */
	const char *(*get)(struct doc *doc, const char *key, uint32_t *ret_token);
	/* Sets one of these and reports it; false: the format has no such setting. */
	bool (*set)(struct fix *fix, const char *key, const char *value, const char *reason);
	/* Takes the PV-only network type out of every vif. */
	void (*drop_netfront)(struct fix *fix, const char *reason);
};

extern const struct guest_format guest_flat, guest_sxp, guest_libvirt;

/* The last assignment of a name in a flat config; NULL: none. */
const struct statement *flat_find(const struct doc *doc, const char *name);
/* Writes a scalar: numbers bare, anything else in the quotes that stand there, or in '"'. */
void flat_write(struct doc *doc, const struct statement *statement, const char *value);
/* "name=value" in the way this file writes assignments; the caller frees. */
char *flat_line(const struct doc *doc, const char *name, const char *value);

/* A vif is pieces "key=value" with commas between them: where the one that begins at a token ends
 * (its comma, or the quote behind the last), and whether it is this one, blanks left aside. */
uint32_t flat_piece_end(const struct doc *doc, const struct word *item, uint32_t first);
bool flat_piece_is(const struct doc *doc, uint32_t first, uint32_t end, const char *text);
