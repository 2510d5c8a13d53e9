#include "compose/volumes.h"

#include <errno.h>
#include <string.h>

#include "compose/names.h"
#include "fix/root_find.h"
#include "image/fat.h"
#include "image/swap.h"

struct volume {
	struct fsys *fsys; /* NULL: a FAT one */
	struct fat *fat;
	struct extent where;
	char *mount_point; /* owned */
};

#define FSTAB_MAX_BYTES (1u << 20)

struct volumes {
	struct image *image;
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

static struct volume *volume_of(struct volumes *volumes, const char *path, const char **ret_below)
{
	struct volume *best = NULL;
	size_t best_length = 0;

	for (size_t i = 0; i < volumes->count; i++) {
		size_t length = below_length(volumes->items[i].mount_point, path);

		if (length <= best_length)
			continue;
		best = &volumes->items[i];
		best_length = length;
	}
	*ret_below = best_length > 1 ? path + best_length : path;
	return best;
}

struct fsys *volumes_resolve(struct volumes *volumes, const char *path, const char **ret_below)
{
	const struct volume *volume = volume_of(volumes, path, ret_below);

	return volume ? volume->fsys : NULL;
}

int volumes_put(struct volumes *volumes, const char *path, const void *data, size_t length,
		uint32_t mode, struct err *err)
{
	const struct fsys_attributes attributes = { .mode = mode,
						    .time_seconds = compose_time_seconds() };
	const char *below = NULL;
	struct volume *volume = volume_of(volumes, path, &below);

	return volume->fat ? fat_put(volume->fat, below, data, length, err)
			   : fsys_put(volume->fsys, below, data, length, &attributes, err);
}

struct fsys *volumes_root(struct volumes *volumes)
{
	const char *below;

	return volumes_resolve(volumes, "/", &below);
}

static int esp_format(const struct extent *where, const struct partition_spec *spec,
		      const uint8_t uuid[16], struct volumes *volumes, struct err *err)
{
	const struct fat_options options = {
		.size_bytes = where->size_bytes,
		.label = spec->label,
		.volume_id = compose_fat_id(uuid),
		.time_seconds = compose_time_seconds(),
	};
	struct volume volume = { .where = *where };
	int r = fat_format(&options, &volume.fat, err);

	if (r < 0)
		return r;
	volume.mount_point = str_copy(spec->mount_point);
	volumes->items[volumes->count++] = volume;
	return 0;
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
	if (spec->filesystem == FILESYSTEM_VFAT)
		return esp_format(where, spec, options.uuid, volumes, err);
	if (!*spec->mount_point) {
		CLEANUP(fsys_cleanup) struct fsys *fsys = NULL;
		int r = fsys_format(image, where, &options, &fsys, err);

		return r < 0 ? r : fsys_close(take(&fsys), err);
	}
	struct volume *volume = &volumes->items[volumes->count];
	int r = fsys_format(image, where, &options, &volume->fsys, err);
	if (r < 0)
		return r;
	volume->mount_point = str_copy(spec->mount_point);
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

	volumes->image = image;
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

static int planned_open(struct volumes *volumes, const struct layer *layer, struct err *err)
{
	struct layout layout;
	int r = layout_plan(&layer->disk, &layout, err);

	for (size_t i = 0; r == 0 && i < layout.partition_count; i++) {
		const struct partition_spec *spec = &layer->disk.partitions[i];
		struct volume *volume = &volumes->items[volumes->count];

		if (spec->filesystem == FILESYSTEM_SWAP || spec->filesystem == FILESYSTEM_VFAT ||
		    !*spec->mount_point)
			continue;
		r = fsys_open(volumes->image, &layout.partitions[i], true, &volume->fsys, err);
		if (r < 0)
			return r;
		volume->mount_point = str_copy(spec->mount_point);
		volumes->count++;
	}
	return r;
}

/* ---- disks that an installer made ---- */

static int found_open(struct volumes *volumes, const struct disk_part *part,
		      const char *mount_point, struct err *err)
{
	struct volume *volume = &volumes->items[volumes->count];

	if (volumes->count == LAYOUT_MAX_PARTITIONS)
		return err_set(err, -EBADMSG, "%s: has more than %d file systems that are mounted",
			       image_path(volumes->image), LAYOUT_MAX_PARTITIONS);
	int r = disk_part_open(volumes->image, part, true, &volume->fsys, err);
	if (r < 0)
		return r;
	volume->mount_point = str_copy(mount_point);
	volumes->count++;
	return 0;
}

static int root_open(struct volumes *volumes, struct disk *disk, struct err *err)
{
	struct disk_part *root = NULL;
	int r = root_find(volumes->image, disk, 0, &root, err);

	return r < 0 ? r : found_open(volumes, root, "/", err);
}

static int disk_open(struct volumes *volumes, struct disk *disk, struct err *err)
{
	CLEANUP(free_cleanup) char *fstab = NULL;
	int r = disk_read(volumes->image, disk, err);

	if (r == 0)
		r = root_open(volumes, disk, err);
	if (r == 0)
		r = fsys_read(volumes_root(volumes), "/etc/fstab", FSTAB_MAX_BYTES, &fstab, NULL,
			      err);
	if (r < 0)
		return r;
	disk_read_fstab(disk, fstab);
	for (size_t i = 0; r == 0 && i < disk->count; i++) {
		const struct disk_part *part = &disk->parts[i];

		if (part->mount_point && !part->is_root && disk_part_is_ext(part))
			r = found_open(volumes, part, part->mount_point, err);
	}
	return r;
}

static int installed_open(struct volumes *volumes, struct err *err)
{
	struct disk disk = { 0 };
	int r = disk_open(volumes, &disk, err);

	disk_done(&disk);
	return r;
}

int volumes_open(struct image *image, const struct layer *layer, struct volumes **ret_volumes,
		 struct err *err)
{
	CLEANUP(volumes_cleanup) struct volumes *volumes = mem_alloc(sizeof *volumes);

	volumes->image = image;
	int r = layer_is_installed(layer) ? installed_open(volumes, err)
					  : planned_open(volumes, layer, err);
	if (r < 0)
		return r;
	*ret_volumes = take(&volumes);
	return 0;
}

int volumes_close(struct volumes *volumes, struct err *err)
{
	while (volumes->count > 0) {
		struct volume *volume = &volumes->items[--volumes->count];
		int r = volume->fat ? fat_store(volume->fat, volumes->image, &volume->where, err)
				    : fsys_close(take(&volume->fsys), err);

		fat_free(take(&volume->fat));
		free(take(&volume->mount_point));
		if (r < 0)
			return r;
	}
	return 0;
}

void volumes_free(struct volumes *volumes)
{
	if (!volumes)
		return;
	for (size_t i = 0; i < volumes->count; i++) {
		fsys_discard(volumes->items[i].fsys);
		fat_free(volumes->items[i].fat);
		free(volumes->items[i].mount_point);
	}
	free(volumes);
}

void volumes_cleanup(struct volumes **volumes)
{
	volumes_free(*volumes);
}
