/* What both kinds of target have in common: paths, backups. */
#include "fix/target_internal.h"

#include <errno.h>

#include "base/fs.h"

struct target {
	const struct target_ops *ops;
	void *context; /* owned by way of ops->close */
	char *name;
	bool is_image;
	struct disk *disk; /* of the context */
};

struct target *target_new(const struct target_ops *ops, void *context, const char *name,
			  bool is_image, struct disk *disk)
{
	struct target *target = mem_alloc(sizeof *target);

	target->ops = ops;
	target->context = context;
	target->name = str_copy(name);
	target->is_image = is_image;
	target->disk = disk;
	return target;
}

void target_close(struct target *target)
{
	if (!target)
		return;
	target->ops->close(target->context);
	free(target->name);
	free(target);
}

void target_cleanup(struct target **target)
{
	target_close(*target);
}

const char *target_name(const struct target *target)
{
	return target->name;
}

bool target_is_image(const struct target *target)
{
	return target->is_image;
}

struct disk *target_disk(struct target *target)
{
	return target->disk;
}

int target_find(struct target *target, const char *path, char **ret_real, enum node_kind *ret_kind,
		struct err *err)
{
	int r = walk_path(path, target->ops->look, target->context, ret_real, ret_kind, err);

	return r < 0 ? err_wrap(err, r, "%s", target->name) : 0;
}

bool target_exists(struct target *target, const char *path)
{
	CLEANUP(free_cleanup) char *real = NULL;
	enum node_kind kind;

	return target_find(target, path, &real, &kind, NULL) == 0 && kind != NODE_NONE;
}

int target_read(struct target *target, const char *path, size_t max_bytes, char **ret_data,
		size_t *ret_length, struct err *err)
{
	CLEANUP(free_cleanup) char *real = NULL;
	enum node_kind kind;
	int r = target_find(target, path, &real, &kind, err);

	if (r < 0)
		return r;
	if (kind == NODE_NONE)
		return err_set(err, -ENOENT, "%s: there is no %s", target->name, path);
	if (kind != NODE_FILE)
		return err_set(err, -EBADMSG, "%s: %s is no regular file", target->name, path);
	r = target->ops->read(target->context, real, max_bytes, ret_data, ret_length, err);
	if (r == -EFBIG)
		return err_set(err, -EBADMSG,
			       "%s: %s has more than %zu bytes: it is not what its name says",
			       target->name, path, max_bytes);
	return r < 0 ? err_wrap(err, r, "%s", target->name) : 0;
}

int target_list(struct target *target, const char *path, struct strv *ret_names, struct err *err)
{
	CLEANUP(free_cleanup) char *real = NULL;
	enum node_kind kind;
	int r = target_find(target, path, &real, &kind, err);

	if (r == -ENOENT || (r == 0 && kind != NODE_FOLDER)) {
		if (err)
			err_clear(err);
		return 0;
	}
	if (r == 0)
		r = target->ops->list(target->context, real, ret_names, err);
	if (r < 0)
		return r;
	strv_sort(ret_names);
	return 0;
}

/* The file as it was, the first time it is changed. */
static int backup(struct target *target, const char *real, struct err *err)
{
	CLEANUP(free_cleanup) char *path = str_format("%s%s", real, TARGET_BACKUP_SUFFIX);
	CLEANUP(free_cleanup) char *folder = path_folder(real);
	CLEANUP(free_cleanup) char *data = NULL;
	struct walk_node node = { NODE_NONE, NULL };
	size_t length;
	int r = target->ops->look(target->context, folder, path_name(path), &node, err);

	free(node.target);
	if (r < 0 || node.kind != NODE_NONE)
		return r;
	r = target->ops->read(target->context, real, SIZE_MAX / 2, &data, &length, err);
	if (r == -ENOENT) { /* a new file has no backup */
		if (err)
			err_clear(err);
		return 0;
	}
	if (r < 0)
		return r;
	return target->ops->put(target->context, path, real, data, length, err);
}

int target_replace(struct target *target, const char *real, const void *data, size_t length,
		   struct err *err)
{
	int r = backup(target, real, err);

	if (r == 0)
		r = target->ops->put(target->context, real, real, data, length, err);
	return r < 0 ? err_wrap(err, r, "%s: writing %s", target->name, real) : 0;
}

int target_check(struct target *target, struct err *err)
{
	return target->ops->check(target->context, err);
}

int target_commit(struct target *target, struct err *err)
{
	return target->ops->commit(target->context, err);
}

int target_revert(struct target *target, struct err *err)
{
	return target->ops->revert(target->context, err);
}
