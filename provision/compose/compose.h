/* Layers made whole, one after the other, in one image: the outermost layer is a disk image; every
 * layer inside it is written straight to its place in the file system around it, a disk image
 * again, or a kernel and an initramfs that its host boots directly. */
#pragma once
#include "image/image.h"
#include "profile/stack.h"
#include "store/inputs.h"

/* What the steps before made, by their keys. */
struct compose_keys {
	const char *base;
	const char *loader;	 /* NULL: the boot loader has no tree of its own */
	const char *before;	 /* of the layer that the image got before this one; or NULL */
	const char *before_name; /* of that layer */
};

/* All that goes into the image up to this layer. inputs_done *ret_inputs, also after a failure. */
int compose_inputs(const char *stack_name, const struct layer *layer,
		   const struct compose_keys *keys, struct inputs *ret_inputs, struct err *err);

/* Paths of the archives that a layer is made from; borrowed. */
struct compose_trees {
	const char *base;   /* a tree; of an installed layer its disk */
	const char *loader; /* of the boot loader's own files; NULL if it has none */
};

struct compose_request {
	const char *stack_name;
	const struct layer *layer;
	struct compose_trees trees;
	/* The outermost layer's: empty for that layer itself; for the others it holds the layers
	 * around, each of them complete. */
	struct image *image;
	const char *scratch; /* path for a file that compose_layer may make, and removes */
};

/* Begins the image of the outermost layer at path, where nothing is: empty, or, of an installed
 * layer, a copy of its disk with boot menu and fstab repaired. request->image is not looked at. */
int compose_begin(const struct compose_request *request, const char *path, struct image **ret_image,
		  struct err *err);

/* Puts the layer into the image; all that is in the image is complete before and after. Nothing is
 * synced: the caller publishes. */
int compose_layer(const struct compose_request *request, struct err *err);
