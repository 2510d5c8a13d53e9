/* The table of boot files, and the search for them in a target. */
#include "fix/files.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

/* Any component may be a pattern. GRUBFIX_UNKNOWN: the content tells. The main menus come before
 * what is included by them, and all menus before the files that name an entry of theirs. */
static const struct file_row {
	const char *pattern;
	enum grubfix_type type;
} rows[] = {
	{ "/boot/grub/menu.lst", GRUBFIX_LEGACY },
	{ "/boot/grub/grub.conf", GRUBFIX_LEGACY },
	{ "/etc/grub.conf", GRUBFIX_UNKNOWN }, /* SUSE: commands; Red Hat: a link to the menu */
	{ "/boot/grub/device.map", GRUBFIX_DEVICE_MAP },
	{ "/boot/grub2/device.map", GRUBFIX_DEVICE_MAP },
	{ "/boot/grub/grub.cfg", GRUBFIX_GRUB_CFG },
	{ "/boot/grub2/grub.cfg", GRUBFIX_GRUB_CFG },
	{ "/boot/efi/EFI/*/grub.cfg", GRUBFIX_GRUB_CFG },
	{ "/boot/grub/custom.cfg", GRUBFIX_GRUB_CFG },
	{ "/boot/grub2/custom.cfg", GRUBFIX_GRUB_CFG },
	{ "/boot/efi/EFI/*/custom.cfg", GRUBFIX_GRUB_CFG },
	/* A script whose entries go into grub.cfg as they stand, when that is made anew. */
	{ "/etc/grub.d/40_custom", GRUBFIX_GRUB_CFG },
	{ "/boot/grub/grubenv", GRUBFIX_GRUBENV },
	{ "/boot/grub2/grubenv", GRUBFIX_GRUBENV },
	{ "/boot/efi/EFI/*/grubenv", GRUBFIX_GRUBENV },
	{ "/boot/loader/entries/*.conf", GRUBFIX_BLS },
	{ "/boot/efi/xen.cfg", GRUBFIX_XEN_CFG },
	/* Named as the program is: xen.efi, xen-4.17.efi, or the one that firmware starts by
	   itself. */
	{ "/boot/efi/EFI/*/xen*.cfg", GRUBFIX_XEN_CFG },
	{ "/boot/efi/EFI/*/BOOTX64*.cfg", GRUBFIX_XEN_CFG },
	{ "/etc/default/grub", GRUBFIX_DEFAULT_GRUB },
	{ "/etc/default/grub.d/*.cfg", GRUBFIX_DEFAULT_GRUB },
	{ "/etc/sysconfig/bootloader", GRUBFIX_SYSCONFIG },
	{ "/etc/kernel/cmdline", GRUBFIX_CMDLINE },
	{ "/etc/fstab", GRUBFIX_FSTAB },
	{ "/etc/crypttab", GRUBFIX_CRYPTTAB },
};

static bool is_pattern(const char *text, size_t length)
{
	return memchr(text, '*', length) != NULL;
}

/* Adds every path that fits: prefix is done, rest is still to be matched. */
static int expand(struct target *target, const char *prefix, const char *rest,
		  struct strv *ret_paths, struct err *err)
{
	size_t length = strcspn(rest + 1, "/");
	const char *next = rest + 1 + length;
	CLEANUP(free_cleanup) char *name = str_format("%.*s", (int)length, rest + 1);
	CLEANUP(strv_done) struct strv names = { 0 };
	int r = 0;

	if (is_pattern(name, length))
		r = target_list(target, prefix, &names, err);
	else
		strv_add(&names, name);
	for (size_t i = 0; i < names.count && r == 0; i++) {
		CLEANUP(free_cleanup)
		char *path = str_format("%s/%s", prefix, names.items[i]);

		if (fnmatch(name, names.items[i], FNM_PERIOD) != 0)
			continue;
		if (*next)
			r = expand(target, path, next, ret_paths, err);
		else
			strv_add(ret_paths, path);
	}
	return r;
}

static struct fix_file *file_add(struct fix_files *files)
{
	files->items = mem_grow(files->items, files->count + 1, sizeof *files->items);
	struct fix_file *file = &files->items[files->count++];
	*file = (struct fix_file){ 0 };
	return file;
}

struct fix_file *files_add_new(struct fix_files *files, const char *path, enum grubfix_type type)
{
	struct fix_file *file = file_add(files);

	file->path = str_copy(path);
	file->real = str_copy(path);
	file->type = type;
	file->text = str_copy("");
	file->is_new = true;
	return file;
}

static bool is_known(const struct fix_files *files, const char *real)
{
	for (size_t i = 0; i < files->count; i++)
		if (str_equal(files->items[i].real, real))
			return true;
	return false;
}

/* Nothing to read there: worth a remark if somebody meant it to be. */
static bool is_missing(const char *path, const char *real, enum node_kind kind,
		       struct strv *remarks)
{
	if (kind == NODE_FILE)
		return false;
	if (kind == NODE_NONE && !str_equal(path, real))
		strv_format(remarks, "%s is left: it is a symlink to %s, which is not there", path,
			    real);
	else if (kind != NODE_NONE)
		strv_format(remarks, "%s is left: it is no regular file", path);
	return true;
}

static int file_collect(struct target *target, const char *path, enum grubfix_type type,
			struct fix_files *files, struct strv *remarks, struct err *err)
{
	CLEANUP(free_cleanup) char *real = NULL;
	CLEANUP(free_cleanup) char *text = NULL;
	enum node_kind kind;
	struct err missing = { 0 };
	size_t length;
	int r = target_find(target, path, &real, &kind, &missing);

	if (r < 0) {
		if (r != -ENOENT)
			err_set(err, r, "%s", missing.text);
		err_clear(&missing);
		return r == -ENOENT ? 0 : r;
	}
	if (is_missing(path, real, kind, remarks) || is_known(files, real))
		return 0;
	r = target_read(target, real, GRUBFIX_MAX_BYTES, &text, &length, err);
	if (r < 0)
		return r;
	if (type == GRUBFIX_UNKNOWN)
		type = grubfix_type_find(path, text, length);
	if (type == GRUBFIX_UNKNOWN) {
		strv_format(remarks, "%s is left: its content does not tell what it is", path);
		return 0;
	}
	if (type == GRUBFIX_GRUBENV && length == 0) { /* the menus load it if it has content */
		strv_format(remarks, "%s is left: it is empty, which GRUB takes as missing", path);
		return 0;
	}
	struct fix_file *file = file_add(files);
	file->path = str_copy(path);
	file->real = take(&real);
	file->type = type;
	file->text = take(&text);
	file->length = length;
	return 0;
}

int files_collect(struct target *target, struct fix_files *ret_files, struct strv *remarks,
		  struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < sizeof rows / sizeof *rows && r == 0; i++) {
		CLEANUP(strv_done) struct strv paths = { 0 };

		r = expand(target, "", rows[i].pattern, &paths, err);
		for (size_t j = 0; j < paths.count && r == 0; j++)
			r = file_collect(target, paths.items[j], rows[i].type, ret_files, remarks,
					 err);
	}
	return r;
}

void files_done(struct fix_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		struct fix_file *file = &files->items[i];

		free(file->path);
		free(file->real);
		free(file->text);
		free(file->menu);
		grubfix_result_done(&file->result);
	}
	free(files->items);
	*files = (struct fix_files){ 0 };
}

struct fix_file *files_first(const struct fix_files *files, enum grubfix_type type)
{
	for (size_t i = 0; i < files->count; i++)
		if (files->items[i].type == type && !grubfix_is_included(files->items[i].path))
			return &files->items[i];
	return NULL;
}

bool files_is_menu(const struct fix_file *file)
{
	return file->type == GRUBFIX_LEGACY || file->type == GRUBFIX_GRUB_CFG;
}
