#include "compose/initramfs.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* What the kernel and busybox expect to find. */
static const char *const folders[] = { "bin",  "dev",  "etc", "etc/nestctl", "lib", "lib/modules",
				       "proc", "root", "run", "sys",	     "tmp", NULL };

struct cpio {
	struct archive *archive;
	struct archive_entry *entry;
	struct buf data;
};

static la_ssize_t cpio_write(struct archive *archive, void *context, const void *data,
			     size_t length)
{
	struct cpio *cpio = context;

	(void)archive;
	buf_add(&cpio->data, data, length);
	return (la_ssize_t)length;
}

static int cpio_failed(struct cpio *cpio, struct err *err)
{
	return err_set(err, -EIO, "the initramfs cannot be packed: %s",
		       archive_error_string(cpio->archive));
}

/* data is a file's content or a link's target. */
static int cpio_add(struct cpio *cpio, const char *path, uint32_t mode, const void *data,
		    size_t length, struct err *err)
{
	archive_entry_clear(cpio->entry);
	archive_entry_set_pathname(cpio->entry, path[0] == '/' ? path + 1 : path);
	archive_entry_set_mode(cpio->entry, mode);
	archive_entry_set_nlink(cpio->entry, S_ISDIR(mode) ? 2 : 1);
	archive_entry_set_mtime(cpio->entry, 0, 0);
	if (S_ISLNK(mode))
		archive_entry_set_symlink(cpio->entry, data);
	else if (S_ISCHR(mode))
		archive_entry_set_rdev(cpio->entry, makedev(5, 1)); /* the console */
	archive_entry_set_size(cpio->entry, S_ISREG(mode) ? (la_int64_t)length : 0);
	if (archive_write_header(cpio->archive, cpio->entry) != ARCHIVE_OK)
		return cpio_failed(cpio, err);
	if (S_ISREG(mode) && length > 0 &&
	    archive_write_data(cpio->archive, data, length) != (la_ssize_t)length)
		return cpio_failed(cpio, err);
	return 0;
}

static int skeleton_add(struct cpio *cpio, struct err *err)
{
	int r = 0;

	for (const char *const *folder = folders; r == 0 && *folder; folder++)
		r = cpio_add(cpio, *folder, S_IFDIR | 0755, NULL, 0, err);
	/* The kernel opens it before anything is mounted on /dev. */
	return r < 0 ? r : cpio_add(cpio, "dev/console", S_IFCHR | 0600, NULL, 0, err);
}

static int modules_add(struct cpio *cpio, const struct boot_source *source, struct err *err)
{
	CLEANUP(free_cleanup) char *list = strv_join(&source->order, "\n");
	CLEANUP(free_cleanup) char *text = str_format("%s\n", list);

	for (size_t i = 0; i < source->order.count; i++) {
		const char *file = source->order.items[i];
		const struct member *module = boot_source_module(source, file);
		CLEANUP(free_cleanup) char *path = str_format("lib/modules/%s", file);
		int r = cpio_add(cpio, path, S_IFREG | 0644, module->data, module->length, err);

		if (r < 0)
			return r;
	}
	return cpio_add(cpio, "etc/modules", S_IFREG | 0644, text, strlen(text), err);
}

static int extra_add(struct cpio *cpio, const struct overlay *extra, struct err *err)
{
	for (size_t i = 0; i < extra->count; i++) {
		const struct overlay_entry *entry = &extra->entries[i];
		uint32_t mode = entry->mode ? S_IFREG | entry->mode : S_IFLNK | 0777;
		int r = cpio_add(cpio, entry->path, mode, entry->data, entry->length, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int all_add(struct cpio *cpio, const struct boot_source *source, const struct overlay *extra,
		   struct err *err)
{
	const struct member *busybox = boot_source_busybox(source);
	int r = skeleton_add(cpio, err);

	if (r == 0)
		r = cpio_add(cpio, "bin/busybox", S_IFREG | 0755, busybox->data, busybox->length,
			     err);
	if (r == 0)
		r = modules_add(cpio, source, err);
	if (r == 0)
		r = extra_add(cpio, extra, err);
	if (r == 0 && archive_write_close(cpio->archive) != ARCHIVE_OK)
		r = cpio_failed(cpio, err);
	return r;
}

int initramfs_make(const struct boot_source *source, const struct overlay *extra, char **ret_data,
		   size_t *ret_length, struct err *err)
{
	struct cpio cpio = { .archive = archive_write_new(), .entry = archive_entry_new() };
	int r = 0;

	archive_write_set_format_cpio_newc(cpio.archive);
	archive_write_set_bytes_in_last_block(cpio.archive, 4);
	if (archive_write_open(cpio.archive, &cpio, NULL, cpio_write, NULL) != ARCHIVE_OK)
		r = cpio_failed(&cpio, err);
	if (r == 0)
		r = all_add(&cpio, source, extra, err);
	archive_entry_free(cpio.entry);
	archive_write_free(cpio.archive);
	if (r < 0) {
		buf_done(&cpio.data);
		return r;
	}
	*ret_length = cpio.data.length;
	*ret_data = cpio.data.data;
	return 0;
}
