/* Between the files of images.c. */
#pragma once
#include "packages/lock.h"
#include "pxe/image_boot.h"
#include "pxe/images.h"

/* How well a tree serves to boot unknown machines. */
enum tree_rank { TREE_NONE, TREE_OTHER_FAMILY, TREE_INNER, TREE_OUTERMOST };

struct image_facts {
	struct stream_facts stream; /* sha256 "": it has none */
	char boot_uuid[PROBE_UUID_BYTES];
};

struct lab_images {
	struct lab_images_request request; /* out is not kept */
	char *folder;
	int lock;
	struct image_facts *facts; /* one a machine */
	bool looked;		   /* whether this machine can build */

	enum tree_rank rank; /* of the best tree that was seen */
	const struct lab_machine *tree_machine;
	char tree_key[HASH_HEX_LENGTH + 1];
	char *tree; /* once it was asked for */
	int tree_hold;
};

struct machine_plan { /* machine_plan_done it */
	struct lock lock;
	struct plan *plan;
};

void machine_plan_done(struct machine_plan *plan);

/* Of a stack as it is built in out; with its lock file, if it has one. */
int images_plan(const struct lab_images *images, const struct stack *stack, const char *out,
		struct machine_plan *ret_plan, struct err *err);
char *images_machine_folder(const struct lab_images *images, const struct lab_machine *machine);

/* images_tree.c: remembers the best tree for the netboot system. */
void images_tree_look(struct lab_images *images, const struct plan *plan,
		      const struct lab_machine *machine);
