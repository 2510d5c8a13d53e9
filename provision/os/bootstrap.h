/* Base trees: an OS with a pattern's packages as a tar archive, the same for every layer that has
 * the same packages. What differs between layers is composed on top later. */
#pragma once
#include "packages/list.h"
#include "profile/stack.h"
#include "store/inputs.h"

struct base_request {
	enum os_family_id family;
	const char *release;
	const char *mirror; /* "": this machine's own */
	const char *locale; /* "C.UTF-8" needs nothing */
	const char *name;   /* of the pattern, or of what the tree is for */
	bool extract;	    /* unpacked, not configured: a source of files, no system */
	const char *const *excluded_paths;    /* NULL at the end; or NULL */
	const char *const *initramfs_modules; /* likewise */
	struct strv packages;		      /* all of them, sorted */
};

/* From a layer: the pattern's packages, the groups', the extra ones. base_request_done it; it
 * borrows strings of the layer. -EINVAL if the family lacks the pattern. */
int base_request_make(const struct layer *layer, struct base_request *ret_request, struct err *err);
/* The tree with the files of the layer's boot loader. False if it needs none. */
bool base_request_for_loader(const struct layer *layer, struct base_request *ret_request);
void base_request_done(struct base_request *request);

/* All that goes into the tree. The mirror is no part of it: it does not matter where the same
 * packages come from. inputs_done *ret_inputs, also after a failure. */
int base_request_inputs(const struct base_request *request, struct inputs *ret_inputs,
			struct err *err);

/* By which a lock file knows the tree: what was asked for, whatever this version of nestctl makes
 * of it. */
void base_request_key(const struct base_request *request, char ret_key[HASH_HEX_LENGTH + 1]);

struct base_options {
	struct store *store;		   /* keeps the packages */
	const struct package_list *locked; /* these and no others; NULL: asked for now */
	bool offline;			   /* from the store alone */
	const char *lists;		   /* a folder that keeps package lists from one tree to the
					    * next; NULL: they are read anew */
	const char *log_path;		   /* what the programs say */
};

/* Which packages the tree is made from, asked now. -ENOTSUP: the family cannot tell beforehand. */
int base_resolve(const struct base_request *request, const struct base_options *options,
		 struct package_list *ret_list, struct err *err);

/* Makes the tree as folder/tree.tar, as root or in a user namespace, and beside it packages.json,
 * what it was made from. Minutes of work: progress is shown. */
int base_bootstrap(const struct base_request *request, const struct base_options *options,
		   const char *folder, struct err *err);
/* Has the packages that the tree would be made from in the store. */
int base_fetch(const struct base_request *request, const struct base_options *options,
	       struct err *err);
