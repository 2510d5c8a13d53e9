/* The products whose machines can be L1's outer level without nestctl: one row each, a folder of
 * its own in out/NAME/emit, a template for its part of the README. */
#pragma once
#include "guest/format.h"

#define EMIT_FORMATS 3

struct emit_product {
	const char *name;	 /* of its folder, and of its template in templates/emit */
	const char *disk_suffix; /* of the disk's file in the folder, behind the layer's name */
	bool vhdx;		 /* the disk is a VHDX image; else raw */
	const struct guest_format *formats[EMIT_FORMATS]; /* the first is never NULL */
};

/* The i-th, NULL after the last. */
const struct emit_product *emit_product_at(size_t index);
/* -EINVAL: one of its formats cannot say what the layer is, with the keys. */
int emit_product_check(const struct emit_product *product, const struct layer *layer,
		       struct err *err);
