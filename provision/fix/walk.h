/* Paths inside a tree that is not ours: symlinks are followed as in a chroot, and one that climbs
 * out of the tree is an error. */
#pragma once
#include "base/err.h"

enum node_kind { NODE_NONE, NODE_FILE, NODE_FOLDER, NODE_LINK, NODE_OTHER };

struct walk_node {
	enum node_kind kind;
	char *target; /* of a link, owned */
};

/* What has that name in a folder, whose own path holds no symlinks. NODE_NONE is no failure. */
typedef int (*walk_look)(void *context, const char *folder, const char *name,
			 struct walk_node *ret_node, struct err *err);

/* Where a path leads: ret_real is free of symlinks, the caller frees it. The last name may be
 * missing (NODE_NONE). -ENOENT: a folder on the way is missing, or a symlink leads nowhere;
 * -EBADMSG: a symlink leads out of the tree or in a circle. */
int walk_path(const char *path, walk_look look, void *context, char **ret_real,
	      enum node_kind *ret_kind, struct err *err);
