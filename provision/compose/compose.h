/* A layer made whole: its base tree, its own files, its boot loader and the layers inside it become
 * one disk image, or a kernel and an initramfs that the layer around it boots directly. */
#pragma once
#include "profile/stack.h"
#include "store/inputs.h"

struct compose_request {
	const char *stack_name;
	const struct layer *layer;
	const char *base_tar;		  /* path of the base tree */
	const char *loader_tar;		  /* of the boot loader's own tree; NULL if it has none */
	const char *const *inner_folders; /* what compose_layer made for each of layer->inner */
	const char *folder;    /* exists; gets disk0.raw, vmlinuz, initrd.img, as needed */
	const char *disk_name; /* "disk0.raw" */
};

/* What the steps before made, by their keys. */
struct compose_keys {
	const char *base;
	const char *loader;	  /* NULL: the boot loader has no tree of its own */
	const char *const *inner; /* one for each of layer->inner */
};

/* All that goes into the result. inputs_done *ret_inputs, also after a failure. */
int compose_inputs(const char *stack_name, const struct layer *layer,
		   const struct compose_keys *keys, struct inputs *ret_inputs, struct err *err);

/* Writes the files into request->folder. Nothing is synced: the caller publishes. */
int compose_layer(const struct compose_request *request, struct err *err);
