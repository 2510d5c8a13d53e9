/* One value of a profile: read as its row of the key table says, or reported. */
#pragma once
#include "profile/keys.h"

struct value {
	const struct key_row *row;
	const struct node *node; /* NULL: the default's */
	const char *text;
	struct mark mark;
	const char *prefix;
	struct diagnostics *diagnostics;
};

/* Puts the value into the object of the row; a stand-in where it is wrong, which is reported. */
void value_parse(const struct value *value, void *object);

/* Adds "KEY: found ...; allowed is ...": allowed, or what the row says. */
void value_report(const struct value *value, const char *allowed);
void value_wrong(const struct value *value);
/* A size with its unit, within the limits of the row. */
bool value_size_read(const struct key_row *row, const char *text, uint64_t *ret_bytes);
