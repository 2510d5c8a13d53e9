#include "pxe/initrd_add.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "compose/boot_source.h"
#include "fix/cpio.h"
#include "image/cpio_pack.h"

#define FILE_MAX_BYTES ((size_t)256 << 20)
#define KERNEL_PREFIX  "vmlinuz-"
/* compose/initramfs.h: how it is known, and where it looks for more. */
#define MODULES	  "lib/modules/"
#define LIST	  "etc/modules"
#define MORE_LIST "etc/modules-disk"

struct initrd {
	char *path; /* in the root file system */
	char *data;
	size_t length;
	struct strv modules; /* "lib/modules/ahci.ko" */
	bool is_ours;
};

static void initrd_done(struct initrd *initrd)
{
	free(initrd->path);
	free(initrd->data);
	strv_done(&initrd->modules);
}

static void name_note(void *context, const char *path)
{
	struct initrd *initrd = context;

	initrd->is_ours |= str_equal(path, LIST);
	if (str_starts(path, MODULES))
		strv_add(&initrd->modules, path);
}

/* is_ours is false if there is none, or one that cannot be read. */
static int initrd_read(struct fsys *root, const char *release, struct initrd *ret_initrd,
		       struct err *err)
{
	static const char *const forms[] = { "/boot/initrd.img-", "/boot/initrd-" };

	for (size_t i = 0; i < 2 && !ret_initrd->path; i++) {
		CLEANUP(free_cleanup) char *path = str_format("%s%s", forms[i], release);

		if (fsys_exists(root, path))
			ret_initrd->path = take(&path);
	}
	if (!ret_initrd->path)
		return 0;
	int r = fsys_read(root, ret_initrd->path, FILE_MAX_BYTES, &ret_initrd->data,
			  &ret_initrd->length, err);
	if (r == 0 &&
	    cpio_each_name(ret_initrd->data, ret_initrd->length, name_note, ret_initrd, NULL) < 0)
		ret_initrd->is_ours = false;
	return r;
}

/* "lib/modules/nvme.ko" from "kernel/drivers/nvme/host/nvme.ko.xz"; the caller frees. */
static char *place_of(const char *path)
{
	const char *file = path_name(path), *end = strstr(file, ".ko");

	return str_format(MODULES "%.*s.ko", end ? (int)(end - file) : 0, file);
}

static int module_pack(struct fsys *root, const char *release, const char *path, const char *place,
		       struct cpio_pack *pack, struct err *err)
{
	CLEANUP(members_done) struct members module = { 0 };
	CLEANUP(free_cleanup) char *from = str_format("/lib/modules/%s/%s", release, path);
	char *data = NULL;
	size_t length = 0;
	int r = fsys_read(root, from, FILE_MAX_BYTES, &data, &length, err);

	if (r < 0)
		return r;
	members_add(&module, path, data, length);
	r = member_uncompress(&module.items[0], err);
	return r < 0 ? r
		     : cpio_pack_add(pack, place, S_IFREG | 0644, module.items[0].data,
				     module.items[0].length, err);
}

/* *ret_names: the modules that were packed, none if nothing is missing. */
static int missing_pack(struct fsys *root, const char *release, const struct initrd *initrd,
			const struct strv *paths, struct cpio_pack *pack, struct strv *ret_names,
			struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < paths->count; i++) {
		CLEANUP(free_cleanup) char *place = place_of(paths->items[i]);

		if (strv_has(&initrd->modules, place))
			continue;
		r = module_pack(root, release, paths->items[i], place, pack, err);
		strv_add(ret_names, place + strlen(MODULES));
	}
	if (r < 0 || ret_names->count == 0)
		return r;
	CLEANUP(free_cleanup) char *list = strv_join(ret_names, "\n");
	CLEANUP(free_cleanup) char *text = str_format("%s\n", list);
	return cpio_pack_add(pack, MORE_LIST, S_IFREG | 0644, text, strlen(text), err);
}

/* A second archive behind the first: Linux Documentation/driver-api/early-userspace/
 * buffer-format.rst. */
static int initrd_append(struct fsys *root, const struct initrd *initrd, struct cpio_pack *pack,
			 struct err *err)
{
	CLEANUP(buf_done) struct buf whole = { 0 };
	CLEANUP(free_cleanup) char *more = NULL;
	size_t length = 0;
	int r = cpio_pack_end(pack, &more, &length, err);

	if (r < 0)
		return r;
	buf_add(&whole, initrd->data, initrd->length);
	while (whole.length % 4)
		buf_add(&whole, "", 1);
	buf_add(&whole, more, length);
	return fsys_put(root, initrd->path, whole.data, whole.length, NULL, err);
}

static int kernel_serve(struct fsys *root, const char *release, const struct strv *drivers,
			struct strv *said, struct err *err)
{
	CLEANUP(initrd_done) struct initrd initrd = { 0 };
	CLEANUP(cpio_pack_cleanup) struct cpio_pack *pack = NULL;
	CLEANUP(strv_done) struct strv paths = { 0 };
	CLEANUP(strv_done) struct strv names = { 0 };
	CLEANUP(free_cleanup) char *list = str_format("/lib/modules/%s/modules.dep", release);
	CLEANUP(free_cleanup) char *dependencies = NULL;
	int r = initrd_read(root, release, &initrd, err);

	if (r < 0 || !initrd.is_ours || !fsys_exists(root, list))
		return r;
	r = fsys_read(root, list, FILE_MAX_BYTES, &dependencies, NULL, err);
	for (size_t i = 0; r == 0 && i < drivers->count; i++)
		driver_paths(dependencies, drivers->items[i], &paths);
	if (r == 0)
		r = cpio_pack_new("the drivers of the disk", CPIO_PLAIN, &pack, err);
	if (r == 0)
		r = missing_pack(root, release, &initrd, &paths, pack, &names, err);
	if (r < 0 || names.count == 0)
		return r;
	CLEANUP(free_cleanup) char *added = strv_join(&names, ", ");
	strv_format(said, "%s gets %s", initrd.path, added);
	return initrd_append(root, &initrd, pack, err);
}

static int release_note(void *context, const struct fsys_entry *entry)
{
	if (S_ISREG(entry->mode) && str_starts(entry->name, KERNEL_PREFIX))
		strv_add(context, entry->name + strlen(KERNEL_PREFIX));
	return 0;
}

int initrd_add_drivers(struct fsys *root, const struct strv *drivers, struct strv *ret_said,
		       struct err *err)
{
	CLEANUP(strv_done) struct strv releases = { 0 };
	int r = fsys_list(root, "/boot", release_note, &releases, err);

	for (size_t i = 0; r == 0 && i < releases.count; i++)
		r = kernel_serve(root, releases.items[i], drivers, ret_said, err);
	return r < 0 ? err_wrap(err, r, "adding the drivers of the disk to the initramfs") : 0;
}
