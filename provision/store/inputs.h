/* What goes into a step, name by name: the step's key is their hash, and two lists side by side
 * tell which of them changed. */
#pragma once
#include "base/hash.h"
#include "base/str.h"

struct input {
	char *name;
	char *value; /* a hash, a key, a short text */
};

/* A zeroed struct is an empty list. */
struct inputs {
	struct input *items;
	size_t count;
};

/* Copies. */
void inputs_add(struct inputs *inputs, const char *name, const char *value);
void inputs_add_number(struct inputs *inputs, const char *name, int64_t value);
/* A long text, or one that is nobody's business: only its hash is kept. */
void inputs_add_hash(struct inputs *inputs, const char *name, const char *text);
void inputs_done(struct inputs *inputs);
const char *inputs_value(const struct inputs *inputs, const char *name); /* NULL: no such input */

/* The hash of all of them, in their order. */
void inputs_key(const struct inputs *inputs, char ret_key[HASH_HEX_LENGTH + 1]);

/* Names of those that have another value in now than in before, or are in one of them alone: "base,
 * own files". "" if none. The caller frees. */
char *inputs_changed(const struct inputs *before, const struct inputs *now);
