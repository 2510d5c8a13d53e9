/* Symptoms: what the console or the agent shows when a level fails, with cause and cure.
 * The rows are those that nested stacks are known for. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "profile/stack.h"
#include "verify/l0.h"
#include "verify/stage.h"

struct symptom_input {
	const struct layer *layer;
	const char *console; /* recent text of the layer's console, "" if there is none */
	const char *message; /* the agent's error, the toolstack's message; "" if there is none */
	const char *driver;  /* of the layer's NIC, as the agent saw it; "" if it is not known */
	bool booted;	     /* the agent spoke */
	bool network;	     /* address and echo */
	bool outer_offline;  /* the layer around it is up without network */
	enum l0_kind l0;
};

struct symptom {
	const char *id; /* stable, for scripts */
	const char
		*pattern; /* POSIX extended regular expression over console and message; or NULL */
	bool (*holds)(const struct symptom_input *input); /* and this, if it is not NULL */
	const char *symptom;				  /* in words */
	const char *cause;
	const char *cure;
};

/* The first row that fits, the most specific stand first; NULL: none. */
const struct symptom *symptom_find(const struct symptom_input *input);
/* Of two that symptom_find gave, the one that stands first; NULL where both are. */
const struct symptom *symptom_more_specific(const struct symptom *one, const struct symptom *other);
const struct symptom *symptom_at(size_t index); /* NULL after the last */
