/* The walk, one name at a time, over whatever keeps the tree. It knows no disk and no folder. */
#include "fix/walk.h"

#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"

#define LINKS_MAX 40 /* as the kernel's MAXSYMLINKS */

struct walk {
	const char *path; /* as it was given, for messages */
	walk_look look;
	void *context;
	char *real; /* owned; where we are, "" is the root */
	char *rest; /* owned; what is left to go */
	size_t at;  /* in rest */
	unsigned links;
	enum node_kind kind;
};

static int step_up(struct walk *walk, struct err *err)
{
	char *slash = strrchr(walk->real, '/');

	if (!slash)
		return err_set(err, -EBADMSG,
			       "%s: a symlink on the way leads out of the root of the image: "
			       "nothing outside is touched, correct the link",
			       walk->path);
	*slash = '\0';
	walk->kind = NODE_FOLDER;
	return 0;
}

/* The target goes in front of what is left. */
static int follow(struct walk *walk, const char *target, struct err *err)
{
	if (++walk->links > LINKS_MAX)
		return err_set(err, -EBADMSG, "%s: its symlinks lead in a circle", walk->path);
	char *rest = str_format("%s/%s", target, walk->rest + walk->at);

	free(walk->rest);
	walk->rest = rest;
	walk->at = 0;
	if (target[0] == '/')
		walk->real[0] = '\0';
	walk->kind = NODE_FOLDER;
	return 0;
}

static void step_into(struct walk *walk, const char *name)
{
	char *real = str_format("%s/%s", walk->real, name);

	free(walk->real);
	walk->real = real;
}

static int step(struct walk *walk, const char *name, struct err *err)
{
	struct walk_node node = { NODE_NONE, NULL };
	int r;

	if (walk->kind == NODE_NONE)
		return err_set(err, -ENOENT, "%s: there is no %s", walk->path, walk->real);
	if (walk->kind != NODE_FOLDER)
		return err_set(err, -ENOENT, "%s: %s is no folder", walk->path, walk->real);
	r = walk->look(walk->context, *walk->real ? walk->real : "/", name, &node, err);
	CLEANUP(free_cleanup) char *target = node.target;
	if (r < 0)
		return r;
	if (node.kind == NODE_LINK)
		return follow(walk, target, err);
	step_into(walk, name);
	walk->kind = node.kind;
	return 0;
}

static int walk_all(struct walk *walk, struct err *err)
{
	while (walk->rest[walk->at]) {
		size_t start = walk->at + strspn(walk->rest + walk->at, "/");
		size_t length = strcspn(walk->rest + start, "/");
		CLEANUP(free_cleanup)
		char *name = str_format("%.*s", (int)length, walk->rest + start);
		int r = 0;

		walk->at = start + length;
		if (str_equal(name, "..") && walk->kind != NODE_FOLDER)
			r = err_set(err, -ENOENT, "%s: %s is no folder", walk->path, walk->real);
		else if (str_equal(name, ".."))
			r = step_up(walk, err);
		else if (*name && !str_equal(name, "."))
			r = step(walk, name, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int walk_path(const char *path, walk_look look, void *context, char **ret_real,
	      enum node_kind *ret_kind, struct err *err)
{
	struct walk walk = {
		.path = path,
		.look = look,
		.context = context,
		.real = str_copy(""),
		.rest = str_copy(path),
		.kind = NODE_FOLDER,
	};
	int r = walk_all(&walk, err);

	free(walk.rest);
	if (r == 0) {
		if (*walk.real == '\0') {
			free(walk.real);
			walk.real = str_copy("/");
		}
		*ret_real = take(&walk.real);
		*ret_kind = walk.kind;
	}
	free(walk.real);
	return r;
}
