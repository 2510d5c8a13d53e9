/* A disk image as a target: its root file system, with a /boot of its own laid over it, seen as
 * one tree. All edits are made in memory first (overlay.h) and committed together. */
#include "fix/target_internal.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/fs.h"
#include "fix/busy.h"
#include "fix/commit.h"
#include "fix/e2fsck.h"
#include "fix/root_find.h"
#include "fix/tree_mount.h"

#define FSTAB_MAX_BYTES ((size_t)1 << 20)
#define MOUNTS		3

/* What was seen in a folder: a lookup of each name on a path would read it again and again. */
struct folder {
	char *path;
	struct walk_node *nodes;
	struct strv names; /* in the order of nodes */
	bool has_case;
	struct folder *next;
};

struct image_target {
	struct image *base;
	struct overlay *overlay; /* NULL: for reading alone */
	struct image *image;	 /* over the overlay, else the base */
	struct disk disk;
	struct tree_mount mounts[MOUNTS];
	size_t mount_count;
	struct folder *folders;
	struct overlay_change *changes; /* that were committed */
	size_t change_count;
};

/* --- the tree -------------------------------------------------------------------------------- */

/* The file system that holds a path, and the path in there. */
static const struct tree_mount *mount_of(const struct image_target *target, const char *real,
					 const char **ret_inside)
{
	for (size_t i = target->mount_count; i-- > 1;) {
		const struct tree_mount *mount = &target->mounts[i];
		size_t length = strlen(mount->point);

		if (str_starts(real, mount->point) && (!real[length] || real[length] == '/')) {
			*ret_inside = real[length] ? real + length : "/";
			return mount;
		}
	}
	*ret_inside = real;
	return &target->mounts[0];
}

static void entry_keep(void *context, const char *name, struct walk_node node)
{
	struct folder *folder = context;
	size_t count = folder->names.count;

	if ((count & (count - 1)) == 0)
		folder->nodes =
			mem_grow(folder->nodes, count ? 2 * count : 1, sizeof *folder->nodes);
	folder->nodes[count] = (struct walk_node){ node.kind, str_copy(node.target) };
	strv_add(&folder->names, name);
}

static void folder_free(struct folder *folder)
{
	for (size_t i = 0; i < folder->names.count; i++)
		free(folder->nodes[i].target);
	free(folder->nodes);
	free(folder->path);
	strv_done(&folder->names);
	free(folder);
}

static void folders_forget(struct image_target *target)
{
	while (target->folders) {
		struct folder *folder = target->folders;

		target->folders = folder->next;
		folder_free(folder);
	}
}

static int folder_get(struct image_target *target, const char *real, struct folder **ret_folder,
		      struct err *err)
{
	struct folder *folder = target->folders;
	const char *inside;

	while (folder && strcmp(folder->path, real) != 0)
		folder = folder->next;
	if (!folder) {
		const struct tree_mount *mount = mount_of(target, real, &inside);

		folder = mem_alloc(sizeof *folder);
		folder->path = str_copy(real);
		folder->has_case = tree_mount_has_case(mount);
		int r = tree_mount_list(mount, inside, entry_keep, folder, err);
		if (r < 0) {
			folder_free(folder);
			return r;
		}
		folder->next = target->folders;
		target->folders = folder;
	}
	*ret_folder = folder;
	return 0;
}

/* A folder of the root is there for every mount, whether it is on the disk or not. */
static bool is_mount_point(const struct image_target *target, const char *folder, const char *name)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, name);

	for (size_t i = 1; i < target->mount_count; i++)
		if (str_equal(target->mounts[i].point, path))
			return true;
	return false;
}

static bool same_name(const struct folder *folder, const char *a, const char *b)
{
	return (folder->has_case ? strcmp(a, b) : strcasecmp(a, b)) == 0;
}

static int image_look(void *context, const char *real, const char *name, struct walk_node *ret_node,
		      struct err *err)
{
	struct folder *folder;

	*ret_node = (struct walk_node){ NODE_NONE, NULL };
	if (is_mount_point(context, real, name)) {
		ret_node->kind = NODE_FOLDER;
		return 0;
	}
	int r = folder_get(context, real, &folder, err);
	for (size_t i = 0; r == 0 && i < folder->names.count; i++)
		if (same_name(folder, folder->names.items[i], name)) {
			*ret_node = folder->nodes[i];
			ret_node->target = str_copy(folder->nodes[i].target);
			break;
		}
	return r;
}

static int image_list(void *context, const char *real, struct strv *ret_names, struct err *err)
{
	struct folder *folder;
	int r = folder_get(context, real, &folder, err);

	if (r == 0)
		strv_add_all(ret_names, &folder->names);
	return r;
}

static int image_read_file(void *context, const char *real, size_t max_bytes, char **ret_data,
			   size_t *ret_length, struct err *err)
{
	const char *inside;
	const struct tree_mount *mount = mount_of(context, real, &inside);

	return tree_mount_read(mount, inside, max_bytes, ret_data, ret_length, err);
}

static int image_put(void *context, const char *real, const char *like, const void *data,
		     size_t length, struct err *err)
{
	struct image_target *target = context;
	const char *inside, *like_inside;
	const struct tree_mount *mount = mount_of(target, real, &inside);
	const struct tree_mount *like_mount = mount_of(target, like, &like_inside);
	struct fsys_attributes attributes;
	bool known = tree_mount_attributes(like_mount, like_inside, &attributes);

	if (known && str_equal(real, like))
		attributes.time_seconds = time(NULL);
	else if (known)
		attributes.mode &= TARGET_BACKUP_MODE;
	if (known && like_mount == mount)
		attributes.like = like_inside;
	folders_forget(target);
	return tree_mount_put(mount, inside, data, length, known ? &attributes : NULL, err);
}

/* --- keeping and giving up -------------------------------------------------------------------- */

static void mounts_close(struct image_target *target)
{
	for (size_t i = 0; i < target->mount_count; i++)
		tree_mount_discard(&target->mounts[i]);
	folders_forget(target);
}

static int mounts_open(struct image_target *target, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < target->mount_count && r == 0; i++)
		r = tree_mount_open(target->image, target->overlay != NULL, &target->mounts[i],
				    err);
	return r;
}

/* Reads show the image as it is from now on. */
static int reload(struct image_target *target, struct err *err)
{
	mounts_close(target);
	overlay_forget(target->overlay);
	return mounts_open(target, err);
}

static int image_check_all(void *context, struct err *err)
{
	struct image_target *target = context;
	int r = 0;

	for (size_t i = 0; i < target->mount_count && r == 0; i++)
		if (target->mounts[i].fsys)
			r = e2fsck_check(target->base, &target->mounts[i].part->where, err);
	return r;
}

static int image_commit(void *context, struct err *err)
{
	struct image_target *target = context;
	int r = 0;

	for (size_t i = 0; i < target->mount_count && r == 0; i++)
		r = tree_mount_finish(&target->mounts[i], err);
	if (r == 0)
		r = overlay_changes(target->overlay, &target->changes, &target->change_count, err);
	if (r == 0)
		r = commit_changes(target->base, target->changes, target->change_count, err);
	return r < 0 ? r : reload(target, err);
}

static int image_revert(void *context, struct err *err)
{
	struct image_target *target = context;
	int r = commit_undo(target->base, target->changes, target->change_count, err);

	return r < 0 ? r : reload(target, err);
}

static void image_target_close(void *context)
{
	struct image_target *target = context;

	mounts_close(target);
	overlay_changes_free(target->changes, target->change_count);
	if (target->overlay)
		image_close(target->image);
	overlay_free(target->overlay);
	image_close(target->base);
	disk_done(&target->disk);
	free(target);
}

static const struct target_ops image_ops = {
	.look = image_look,
	.read = image_read_file,
	.list = image_list,
	.put = image_put,
	.check = image_check_all,
	.commit = image_commit,
	.revert = image_revert,
	.close = image_target_close,
};

/* --- opening ---------------------------------------------------------------------------------- */

/* Formats that hold a disk in a form of their own. */
static int format_check(struct image *image, struct err *err)
{
	static const struct {
		const char *magic, *name;
	} formats[] = {
		{ "QFI\xfb", "qcow2" },
		{ "KDMV", "vmdk" },
		{ "conectix", "vpc" },
		{ "vhdxfile", "vhdx" },
		{ "<<< Oracle VM VirtualBox", "vdi" },
	};
	char head[64] = { 0 };
	int r = image_read(image, 0, head, sizeof head, err);

	for (size_t i = 0; r == 0 && i < sizeof formats / sizeof *formats; i++)
		if (memcmp(head, formats[i].magic, strlen(formats[i].magic)) == 0)
			return err_set(err, -EBADMSG,
				       "%s: is a %s image, not a raw one: convert it with qemu-img "
				       "convert -O raw, and back after the repair",
				       image_path(image), formats[i].name);
	return r;
}

static int mount_add(struct image_target *target, const char *point, const struct disk_part *part,
		     struct err *err)
{
	struct tree_mount *mount = &target->mounts[target->mount_count];

	*mount = (struct tree_mount){ .point = point, .part = part };
	int r = tree_mount_open(target->image, target->overlay != NULL, mount, err);
	target->mount_count += r == 0;
	return r;
}

/* What fstab mounts there, and it alone; /boot before what lies in it. */
static int boot_mount(struct image_target *target, struct err *err)
{
	static const char *const points[MOUNTS - 1] = { "/boot", "/boot/efi" };
	CLEANUP(free_cleanup) char *fstab = NULL;
	size_t length;
	int r = tree_mount_read(&target->mounts[0], "/etc/fstab", FSTAB_MAX_BYTES, &fstab, &length,
				NULL);

	/* None, or none that can be read: nothing is known of a /boot. */
	disk_read_fstab(&target->disk, r < 0 ? "" : fstab);
	for (size_t i = 0; i < MOUNTS - 1; i++)
		for (size_t j = 0; j < target->disk.count; j++) {
			const struct disk_part *part = &target->disk.parts[j];

			if (!str_equal(part->mount_point, points[i]))
				continue;
			r = mount_add(target, points[i], part, err);
			if (r < 0)
				return r;
		}
	return 0;
}

static int state_check(struct image_target *target, bool writable, struct err *err)
{
	const char *path = image_path(target->base);
	int r = busy_check(image_fd(target->base), path, writable, err);

	if (r == 0 && writable)
		r = commit_finish_pending(target->base, err);
	else if (r == 0 && commit_is_pending(path))
		r = err_set(err, -EBADMSG,
			    "%s: a repair of it was interrupted: run nestctl fix without "
			    "--dry-run, which finishes it first",
			    path);
	return r < 0 ? r : format_check(target->base, err);
}

static int image_target_open(struct image_target *target, unsigned root_partition, bool writable,
			     struct err *err)
{
	struct disk_part *root = NULL;
	int r = state_check(target, writable, err);

	target->image = target->base;
	if (r == 0 && writable)
		target->overlay = overlay_new(target->base, &target->image);
	if (r == 0)
		r = disk_read(target->base, &target->disk, err);
	if (r == 0)
		r = root_find(target->base, &target->disk, root_partition, &root, err);
	if (r == 0)
		r = mount_add(target, "", root, err);
	return r < 0 ? r : boot_mount(target, err);
}

/* One status for every image that is refused, whatever the reason. */
static int refused(int r, struct err *err)
{
	if (r != -EBUSY && r != -ENOTSUP && r != -EFBIG)
		return r;
	if (err)
		err->code = -EBADMSG;
	return -EBADMSG;
}

int target_open_image(const char *path, unsigned root_partition, bool writable,
		      struct target **ret_target, struct err *err)
{
	CLEANUP(image_cleanup) struct image *base = NULL;
	int r = image_open(path, writable, &base, err);

	if (r < 0)
		return refused(r, err);
	struct image_target *context = mem_alloc(sizeof *context);
	context->base = take(&base);
	CLEANUP(target_cleanup)
	struct target *target = target_new(&image_ops, context, path, true, &context->disk);
	r = image_target_open(context, root_partition, writable, err);
	if (r < 0)
		return refused(r, err);
	*ret_target = take(&target);
	return 0;
}
