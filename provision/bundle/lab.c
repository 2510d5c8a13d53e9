#include "bundle/lab.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "packages/lock.h"

#define FILE_BYTES ((size_t)64 << 20)

static int path_add(const char *path, struct strv *paths, struct err *err)
{
	CLEANUP(free_cleanup) char *real = realpath(path, NULL);

	if (!real)
		return err_errno(err, errno, "%s: cannot be found", path);
	strv_add(paths, real);
	return 0;
}

/* Everything that was read for the stack, as real paths. */
static int paths_find(const struct stack *stack, struct strv *paths, struct err *err)
{
	int r = path_add(stack->path, paths, err);

	for (size_t i = 0; r == 0 && i < stack->sources.count; i++)
		r = path_add(stack->sources.items[i], paths, err);
	for (size_t i = 0; r == 0 && i < stack->layer_count; i++)
		for (size_t j = 0; r == 0 && j < stack->layers[i]->file_count; j++)
			if (stack->layers[i]->files[j].source)
				r = path_add(stack->layers[i]->files[j].source, paths, err);
	strv_sort(paths);
	return r;
}

/* Length of the folder that all are in, with its slash. */
static size_t root_length(const struct strv *paths)
{
	const char *first = paths->items[0], *last = paths->items[paths->count - 1];
	size_t length = 0;

	/* They are sorted: what the first and the last share, all share. */
	for (size_t i = 0; first[i] && first[i] == last[i]; i++)
		if (first[i] == '/')
			length = i + 1;
	if (paths->count == 1)
		length = (size_t)(path_name(first) - first);
	return length;
}

static int file_put(const char *from, const char *folder, const char *name, struct err *err)
{
	CLEANUP(free_cleanup) char *to = path_join(folder, name);
	CLEANUP(free_cleanup) char *above = path_folder(to);
	CLEANUP(free_cleanup) char *text = NULL;
	size_t length = 0;
	int r = file_read(from, FILE_BYTES, &text, &length, err);

	if (r == 0)
		r = dir_make(above, 0755, err);
	return r < 0 ? r : file_write(to, text, length, 0644, err);
}

/* The gathered stack reads nothing but gathered files. */
static int gathered_check(const char *path, const char *folder, struct err *err)
{
	CLEANUP(stack_cleanup) struct stack *stack = NULL;
	CLEANUP(free_cleanup) char *root = realpath(folder, NULL);
	CLEANUP(strv_done) struct strv paths = { 0 };
	int r = stack_load(path, &stack, err);

	if (r == 0)
		r = paths_find(stack, &paths, err);
	for (size_t i = 0; r == 0 && i < paths.count; i++) {
		const char *file = paths.items[i];

		if (!root || !str_starts(file, root) || file[strlen(root)] != '/')
			r = err_set(err, -EINVAL,
				    "%s: is named by an absolute path, which means nothing on "
				    "another machine: name it relative to the file that needs it",
				    file);
	}
	return r;
}

int lab_gather(const struct stack *stack, const char *lock_path, const char *folder,
	       char **ret_stack, struct err *err)
{
	CLEANUP(free_cleanup) char *real = realpath(stack->path, NULL);
	CLEANUP(strv_done) struct strv paths = { 0 };

	if (!real)
		return err_errno(err, errno, "%s: cannot be found", stack->path);
	int r = paths_find(stack, &paths, err);
	if (r < 0)
		return r;
	assert(paths.count > 0); /* the stack file at least */
	size_t root = root_length(&paths);
	for (size_t i = 0; r == 0 && i < paths.count; i++)
		r = file_put(paths.items[i], folder, paths.items[i] + root, err);
	CLEANUP(free_cleanup) char *lock = lock_path_default(real + root);
	if (r == 0)
		r = file_put(lock_path, folder, lock, err);
	CLEANUP(free_cleanup) char *gathered = path_join(folder, real + root);
	if (r == 0)
		r = gathered_check(gathered, folder, err);
	if (r == 0)
		*ret_stack = str_copy(real + root);
	return r;
}
