#include "fix/tree_mount.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

int tree_mount_open(struct image *image, bool writable, struct tree_mount *mount, struct err *err)
{
	const struct disk_part *part = mount->part;

	mount->image = image;
	if (disk_part_is_ext(part))
		return disk_part_open(image, part, writable, &mount->fsys, err);
	if (str_equal(part->probe.type, "vfat"))
		return fat_open(image, &part->where, time(NULL), &mount->fat, err);
	return err_set(err, -EBADMSG,
		       "%s: %s is partition %u, which holds %s: mount the system and run nestctl "
		       "fix --root DIR",
		       image_path(image), mount->point, part->number,
		       part->probe.type[0] ? part->probe.type : "nothing that is known");
}

int tree_mount_finish(struct tree_mount *mount, struct err *err)
{
	int r = mount->fsys  ? fsys_close(take(&mount->fsys), err)
		: mount->fat ? fat_store(mount->fat, mount->image, &mount->part->where, err)
			     : 0;

	tree_mount_discard(mount);
	return r;
}

void tree_mount_discard(struct tree_mount *mount)
{
	fsys_discard(take(&mount->fsys));
	fat_free(take(&mount->fat));
}

bool tree_mount_has_case(const struct tree_mount *mount)
{
	return mount->fat == NULL;
}

/* --- listing ---------------------------------------------------------------------------------- */

struct lister {
	void (*each)(void *context, const char *name, struct walk_node node);
	void *context;
};

static enum node_kind kind_of(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return NODE_FILE;
	case S_IFDIR:
		return NODE_FOLDER;
	case S_IFLNK:
		return NODE_LINK;
	default:
		return NODE_OTHER;
	}
}

static int fsys_entry_hand_on(void *context, const struct fsys_entry *entry)
{
	const struct lister *lister = context;
	char *target = (char *)(uintptr_t)entry->target;

	lister->each(lister->context, entry->name,
		     (struct walk_node){ kind_of(entry->mode), target });
	return 0;
}

static void fat_entry_hand_on(void *context, const char *name, bool is_folder)
{
	const struct lister *lister = context;

	lister->each(lister->context, name,
		     (struct walk_node){ is_folder ? NODE_FOLDER : NODE_FILE, NULL });
}

int tree_mount_list(const struct tree_mount *mount, const char *folder,
		    void (*each)(void *context, const char *name, struct walk_node node),
		    void *context, struct err *err)
{
	struct lister lister = { each, context };

	return mount->fat ? fat_list(mount->fat, folder, fat_entry_hand_on, &lister, err)
			  : fsys_list(mount->fsys, folder, fsys_entry_hand_on, &lister, err);
}

/* --- files ------------------------------------------------------------------------------------ */

int tree_mount_read(const struct tree_mount *mount, const char *path, size_t max_bytes,
		    char **ret_data, size_t *ret_length, struct err *err)
{
	return mount->fat ? fat_read(mount->fat, path, max_bytes, ret_data, ret_length, err)
			  : fsys_read(mount->fsys, path, max_bytes, ret_data, ret_length, err);
}

int tree_mount_put(const struct tree_mount *mount, const char *path, const void *data,
		   size_t length, const struct fsys_attributes *attributes, struct err *err)
{
	const struct fsys_attributes fresh = { .mode = 0644, .time_seconds = time(NULL) };

	if (!attributes)
		attributes = &fresh;
	return mount->fat ? fat_put(mount->fat, path, data, length, err)
			  : fsys_put(mount->fsys, path, data, length, attributes, err);
}

bool tree_mount_attributes(const struct tree_mount *mount, const char *path,
			   struct fsys_attributes *ret_attributes)
{
	return mount->fsys && fsys_get_attributes(mount->fsys, path, ret_attributes, NULL) == 0;
}
