/* A stack made whole: the outermost layer becomes a disk image; every layer inside it is written
 * straight to its place in the file system around it, a disk image again, or a kernel and an
 * initramfs that its host boots directly. Nothing here knows how deep it is. */
#pragma once
#include "profile/stack.h"
#include "store/inputs.h"

/* What the steps before made, by their keys. */
struct compose_keys {
	const char *base;
	const char *loader;	  /* NULL: the boot loader has no tree of its own */
	const char *const *inner; /* one for each of layer->inner */
};

/* All that goes into a layer and those inside it. inputs_done *ret_inputs, also after a failure. */
int compose_inputs(const char *stack_name, const struct layer *layer,
		   const struct compose_keys *keys, struct inputs *ret_inputs, struct err *err);

/* Paths of the archives that a layer is made from; borrowed. */
struct compose_trees {
	const char *base;
	const char *loader; /* of the boot loader's own files; NULL if it has none */
};

struct compose_request {
	const char *stack_name;
	const struct layer *layer; /* the outermost */
	const char *folder;	   /* exists; gets the image */
	const char *disk_name;	   /* "l1.raw" */
	struct compose_trees (*trees_of)(void *context, const struct layer *layer);
	/* A layer is complete, those inside it were before; seconds: its own share. */
	void (*on_layer)(void *context, const struct layer *layer, double seconds);
	void *context;
};

/* Makes the image. Nothing is synced: the caller publishes. */
int compose_stack(const struct compose_request *request, struct err *err);
