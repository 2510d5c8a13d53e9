/* The product of a build: out/l1.raw, with a record beside it (out/l1.json) of the layers that were
 * put into it, one after the other. What each of them overwrote is kept in out/undo, so that the
 * next build takes back the layers from the first one that changed, and puts those alone. */
#pragma once
#include <stdbool.h>

#include "base/err.h"
#include "base/hash.h"
#include "image/image.h"

struct product_layer {
	char key[HASH_HEX_LENGTH + 1];	/* of the step that put it */
	char undo[HASH_HEX_LENGTH + 1]; /* hash of out/undo/INDEX; "": it cannot be taken back */
};

/* A zeroed struct: nothing is there, or nobody knows what it is. */
struct product {
	struct product_layer *layers;
	size_t count;
	const char *lack; /* why the image of a record cannot be used; or NULL */
};

/* What the record says, if out/l1.raw is still as the build left it. product_done it. */
void product_read(const char *out, struct product *ret_product);
void product_done(struct product *product);
void product_add(struct product *product, const char *key);
/* True if the layer of that index is in it, as the step with that key puts it. */
bool product_has(const struct product *product, size_t index, const char *key);

/* The image in the making, out/.making/l1.raw: the path where the caller begins it (and frees), or
 * the old one without its layers from kept_layers on. -EBUSY, -EBADMSG: the old one cannot serve,
 * it is as it was. */
int product_begin(const char *out, char **ret_path, struct err *err);
int product_reopen(const char *out, struct product *product, size_t kept_layers,
		   struct image **ret_image, struct err *err);
/* Path for a file that is needed meanwhile; the caller frees. */
char *product_scratch(const char *out);
/* Around the putting of a layer other than the first: what it overwrites is kept. */
int product_layer_begin(const char *out, struct image *image, size_t index, struct undo **ret_undo,
			struct err *err);
int product_layer_end(struct image *image, struct undo *undo, struct product_layer *layer,
		      struct err *err);
/* Syncs, gives the image its name and writes the record. */
int product_publish(const char *out, const struct product *product, struct err *err);
/* Removes what is in the making. */
int product_clear(const char *out, struct err *err);
