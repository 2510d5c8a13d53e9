#include "compose/volumes.h"

#include <errno.h>
#include <string.h>

#include "compose/names.h"
#include "image/swap.h"

struct volume {
	struct fsys *fsys;
	const char *mount_point; /* of the spec */
};

struct volumes {
	struct volume items[LAYOUT_MAX_PARTITIONS];
	size_t count;
};

/* Length of the mount point's part of path, 0 if path is not below it. "/" counts as 1. */
static size_t below_length(const char *mount_point, const char *path)
{
	size_t length = strlen(mount_point);

	if (str_equal(mount_point, "/"))
		return 1;
	return str_starts(path, mount_point) && (path[length] == '/' || !path[length]) ? length : 0;
}

struct fsys *volumes_resolve(struct volumes *volumes, const char *path, const char **ret_below)
{
	const struct volume *best = NULL;
	size_t best_length = 0;

	for (size_t i = 0; i < volumes->count; i++) {
		size_t length = below_length(volumes->items[i].mount_point, path);

		if (length <= best_length)
			continue;
		best = &volumes->items[i];
		best_length = length;
	}
	*ret_below = best_length > 1 ? path + best_length : path;
	return best ? best->fsys : NULL;
}

struct fsys *volumes_root(struct volumes *volumes)
{
	const char *below;

	return volumes_resolve(volumes, "/", &below);
}

static int partition_format(struct image *image, const struct extent *where, const char *stack_name,
			    const struct layer *layer, size_t index, struct volumes *volumes,
			    struct err *err)
{
	const struct partition_spec *spec = &layer->disk.partitions[index];
	CLEANUP(free_cleanup) char *part = compose_partition_part(&layer->disk, index);
	struct fsys_options options = {
		.kind = spec->filesystem,
		.label = spec->label,
		.time_seconds = compose_time_seconds(),
	};

	compose_uuid(stack_name, layer, part, options.uuid);
	if (spec->filesystem == FILESYSTEM_SWAP)
		return swap_format(image, where, spec->label, options.uuid, err);
	if (!*spec->mount_point) {
		CLEANUP(fsys_cleanup) struct fsys *fsys = NULL;
		int r = fsys_format(image, where, &options, &fsys, err);

		return r < 0 ? r : fsys_close(take(&fsys), err);
	}
	struct volume *volume = &volumes->items[volumes->count];
	int r = fsys_format(image, where, &options, &volume->fsys, err);
	if (r < 0)
		return r;
	volume->mount_point = spec->mount_point;
	volumes->count++;
	return 0;
}

/* Inside the others' trees every mount point must be a folder. */
static int mount_points_make(struct volumes *volumes, struct err *err)
{
	for (size_t i = 0; i < volumes->count; i++) {
		const char *mount_point = volumes->items[i].mount_point;

		if (str_equal(mount_point, "/"))
			continue;
		int r = fsys_make_dir(volumes_root(volumes), mount_point, NULL, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int volumes_format(struct image *image, const struct layout *layout, const char *stack_name,
		   const struct layer *layer, struct volumes **ret_volumes, struct err *err)
{
	CLEANUP(volumes_cleanup) struct volumes *volumes = mem_alloc(sizeof *volumes);
	int r = 0;

	for (size_t i = 0; r == 0 && i < layout->partition_count; i++)
		r = partition_format(image, &layout->partitions[i], stack_name, layer, i, volumes,
				     err);
	if (r == 0 && !volumes_root(volumes))
		r = err_set(err, -EINVAL, "%s: no partition is mounted at /", layer->name);
	if (r == 0)
		r = mount_points_make(volumes, err);
	if (r == 0)
		*ret_volumes = take(&volumes);
	return r;
}

int volumes_close(struct volumes *volumes, struct err *err)
{
	while (volumes->count > 0) {
		int r = fsys_close(take(&volumes->items[--volumes->count].fsys), err);

		if (r < 0)
			return r;
	}
	return 0;
}

void volumes_free(struct volumes *volumes)
{
	if (!volumes)
		return;
	for (size_t i = 0; i < volumes->count; i++)
		fsys_discard(volumes->items[i].fsys);
	free(volumes);
}

void volumes_cleanup(struct volumes **volumes)
{
	volumes_free(*volumes);
}
