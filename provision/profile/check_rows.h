/* The tables of check.c: what is checked, each with the keys that it looks at. One that could not
 * be read is told of once, and keeps only its own checks from being made. */
#pragma once
#include "profile/check.h"

struct check {
	const struct layer *layer;
	const struct stack_check *request;
	struct diagnostics *diagnostics;
};

struct check_row {
	void (*run)(const struct check *check); /* NULL ends a table */
	const char *keys[16];			/* groups of keys too; ends with NULL */
};

extern const struct check_row layer_checks[];  /* check_layer.c: a layer's keys among each other */
extern const struct check_row source_checks[]; /* check_source.c: packages or an installer */
extern const struct check_row disk_checks[];   /* check_disk.c */
extern const struct check_row nested_checks[]; /* check_nested.c: a layer and what is inside */

/* Adds "KEY: ..." at the place of the layer's key, else at the layer's. */
__attribute__((format(printf, 3, 4))) void check_wrong(const struct check *check, const char *key,
						       const char *format, ...);
/* Whether the values of these keys (and groups of keys) of a layer of the stack were read; keys
 * ends with NULL. */
bool check_known(const struct stack_check *request, const struct layer *layer,
		 const char *const *keys);
