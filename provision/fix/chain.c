/* Follows every menu through what it loads. Menus that are not repaired themselves are read for
 * that; what cannot be read ends the way. */
#include "fix/chain.h"

#include <errno.h>

#define WAY_MAX 64 /* a longer way is not followed to its end */

struct chain {
	struct target *target;
	const struct fix_files *files;
	const struct grubfix_facts *facts;
	struct strv way;  /* the menus from the first one to here */
	struct strv done; /* menus that lead into no circle */
};

static const struct fix_file *file_of(const struct chain *chain, const char *real)
{
	for (size_t i = 0; i < chain->files->count; i++)
		if (str_equal(chain->files->items[i].real, real))
			return &chain->files->items[i];
	return NULL;
}

/* The menus that this one loads. */
static void next_menus(const struct chain *chain, const char *real, enum grubfix_type type,
		       struct strv *ret_paths)
{
	const struct fix_file *file = file_of(chain, real);
	struct grubfix_request request = { .name = real, .type = type, .facts = chain->facts };
	CLEANUP(free_cleanup) char *text = NULL;

	if (file) {
		request.text = file->result.text;
		request.length = file->result.length;
	} else if (target_read(chain->target, real, GRUBFIX_MAX_BYTES, &text, &request.length,
			       NULL) == 0) {
		request.text = text;
	} else {
		return;
	}
	grubfix_next_menus(&request, ret_paths, NULL);
}

static int circle_error(const struct chain *chain, const char *real, struct err *err)
{
	CLEANUP(free_cleanup) char *way = strv_join(&chain->way, ", ");

	return err_set(
		err, -EBADMSG,
		"%s: %s is loaded again by the menus that it loads (%s): GRUB would go round "
		"and never start a kernel; take that configfile or source line out",
		target_name(chain->target), real, way);
}

static int follow(struct chain *chain, const char *path, enum grubfix_type type, struct err *err)
{
	CLEANUP(free_cleanup) char *real = NULL;
	CLEANUP(strv_done) struct strv next = { 0 };
	enum node_kind kind;
	int r = 0;

	if (target_find(chain->target, path, &real, &kind, NULL) < 0 || kind != NODE_FILE ||
	    strv_has(&chain->done, real) || chain->way.count == WAY_MAX)
		return 0;
	if (strv_has(&chain->way, real))
		return circle_error(chain, real, err);
	strv_add(&chain->way, real);
	next_menus(chain, real, type, &next);
	for (size_t i = 0; i < next.count && r == 0; i++)
		r = follow(chain, next.items[i], type, err);
	if (r < 0)
		return r;
	free(chain->way.items[--chain->way.count]);
	chain->way.items[chain->way.count] = NULL;
	strv_add(&chain->done, real);
	return 0;
}

int chain_check(struct target *target, const struct fix_files *files,
		const struct grubfix_facts *facts, struct err *err)
{
	struct chain chain = { .target = target, .files = files, .facts = facts };
	int r = 0;

	for (size_t i = 0; i < files->count && r == 0; i++)
		if (files_is_menu(&files->items[i]))
			r = follow(&chain, files->items[i].path, files->items[i].type, err);
	strv_done(&chain.way);
	strv_done(&chain.done);
	return r;
}
