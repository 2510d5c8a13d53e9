#include "compose/initramfs.h"

#include <string.h>
#include <sys/stat.h>

#include "image/cpio_pack.h"

/* What the kernel and busybox expect to find. */
static const char *const folders[] = { "bin",  "dev",  "etc", "etc/nestctl", "lib", "lib/modules",
				       "proc", "root", "run", "sys",	     "tmp", NULL };

static int skeleton_add(struct cpio_pack *pack, struct err *err)
{
	int r = 0;

	for (const char *const *folder = folders; r == 0 && *folder; folder++)
		r = cpio_pack_add(pack, *folder, S_IFDIR | 0755, NULL, 0, err);
	/* The kernel opens it before anything is mounted on /dev. */
	return r < 0 ? r : cpio_pack_add(pack, "dev/console", S_IFCHR | 0600, NULL, 0, err);
}

static int modules_add(struct cpio_pack *pack, const struct boot_source *source, struct err *err)
{
	CLEANUP(free_cleanup) char *list = strv_join(&source->order, "\n");
	CLEANUP(free_cleanup) char *text = str_format("%s\n", list);

	for (size_t i = 0; i < source->order.count; i++) {
		const char *file = source->order.items[i];
		const struct member *module = boot_source_module(source, file);
		CLEANUP(free_cleanup) char *path = str_format("lib/modules/%s", file);
		int r = cpio_pack_add(pack, path, S_IFREG | 0644, module->data, module->length,
				      err);

		if (r < 0)
			return r;
	}
	return cpio_pack_add(pack, "etc/modules", S_IFREG | 0644, text, strlen(text), err);
}

/* The kernel makes no folders by itself. made: those that are in the archive already. */
static int parents_add(struct cpio_pack *pack, const char *path, struct strv *made, struct err *err)
{
	for (const char *end = strchr(path + 1, '/'); end; end = strchr(end + 1, '/')) {
		CLEANUP(free_cleanup)
		char *folder = str_format("%.*s", (int)(end - path - 1), path + 1);

		if (strv_has(made, folder))
			continue;
		strv_add(made, folder);
		int r = cpio_pack_add(pack, folder, S_IFDIR | 0755, NULL, 0, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int extra_add(struct cpio_pack *pack, const struct overlay *extra, struct err *err)
{
	CLEANUP(strv_done) struct strv made = { 0 };
	int r = 0;

	strv_add_names(&made, folders);
	for (size_t i = 0; r == 0 && i < extra->count; i++) {
		const struct overlay_entry *entry = &extra->entries[i];
		uint32_t mode = entry->mode ? S_IFREG | entry->mode : S_IFLNK | 0777;

		r = parents_add(pack, entry->path, &made, err);
		if (r == 0)
			r = cpio_pack_add(pack, entry->path, mode, entry->data, entry->length, err);
	}
	return r;
}

static int all_add(struct cpio_pack *pack, const struct boot_source *source,
		   const struct overlay *extra, struct err *err)
{
	const struct member *busybox = boot_source_busybox(source);
	int r = skeleton_add(pack, err);

	if (r == 0)
		r = cpio_pack_add(pack, "bin/busybox", S_IFREG | 0755, busybox->data,
				  busybox->length, err);
	if (r == 0)
		r = modules_add(pack, source, err);
	return r < 0 ? r : extra_add(pack, extra, err);
}

int initramfs_make(const struct boot_source *source, const struct overlay *extra, char **ret_data,
		   size_t *ret_length, struct err *err)
{
	CLEANUP(cpio_pack_cleanup) struct cpio_pack *pack = NULL;
	int r = cpio_pack_new("the initramfs", CPIO_PLAIN, &pack, err);

	if (r == 0)
		r = all_add(pack, source, extra, err);
	return r < 0 ? r : cpio_pack_end(pack, ret_data, ret_length, err);
}
