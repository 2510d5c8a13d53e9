#include "compose/boot_source.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"

#define FILE_MAX_BYTES ((size_t)256 << 20)

/* "ahci" or "xen_netfront" from "kernel/drivers/ata/ahci.ko.xz": the name, with _ for -. */
static char *module_name(const char *path)
{
	char *name = str_copy(path_name(path));
	char *end = strstr(name, ".ko");

	if (end)
		*end = '\0';
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	return name;
}

static bool same_module(const char *path, const char *name)
{
	CLEANUP(free_cleanup) char *have = module_name(path);
	CLEANUP(free_cleanup) char *wanted = module_name(name);

	return strcmp(have, wanted) == 0;
}

/* Adds what one line of modules.dep names: "MODULE: NEEDS NEEDS_FIRST", the last loaded first. */
static void module_line_add(char *line, struct strv *paths)
{
	char *colon = strchr(line, ':');
	struct strv needs = { 0 };
	char *rest = NULL;

	*colon = '\0';
	for (char *need = strtok_r(colon + 1, " ", &rest); need; need = strtok_r(NULL, " ", &rest))
		strv_add(&needs, need);
	for (size_t i = needs.count; i > 0; i--)
		if (!strv_has(paths, needs.items[i - 1]))
			strv_add(paths, needs.items[i - 1]);
	if (!strv_has(paths, line))
		strv_add(paths, line);
	strv_done(&needs);
}

void driver_paths(const char *dependencies, const char *driver, struct strv *paths)
{
	CLEANUP(free_cleanup) char *text = str_copy(dependencies);
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *colon = strchr(line, ':');

		if (!colon)
			continue;
		*colon = '\0';
		bool found = same_module(line, driver);
		*colon = ':';
		if (found) {
			module_line_add(line, paths);
			return;
		}
	}
}

#define BUSYBOX	       "bin/busybox"
#define BUSYBOX_STATIC "bin/busybox-static" /* SUSE's, whose busybox needs its libraries */

static bool boot_wanted(void *context, const char *path)
{
	(void)context;
	return str_starts(path, "boot/vmlinuz-") || str_starts(path, "boot/xen-") ||
	       str_ends(path, "/modules.dep") || str_ends(path, BUSYBOX) ||
	       str_ends(path, BUSYBOX_STATIC);
}

struct module_search {
	const char *version;
	const struct strv *paths;
};

static bool module_wanted(void *context, const char *path)
{
	const struct module_search *search = context;
	CLEANUP(free_cleanup) char *folder = str_format("lib/modules/%s/", search->version);
	const char *below = strstr(path, folder);

	return below && strv_has(search->paths, below + strlen(folder));
}

static const struct member *file_ending(const struct members *files, const char *ending)
{
	for (size_t i = 0; i < files->count; i++)
		if (str_ends(files->items[i].path, ending))
			return &files->items[i];
	return NULL;
}

#define KERNEL_PREFIX "boot/vmlinuz-"
#define XEN_PREFIX    "boot/xen-"

/* "boot/xen-4.17-amd64.gz", but not SUSE's hypervisor for debugging, "boot/xen-dbg-4.17.gz". */
static bool is_hypervisor(const char *path)
{
	return str_starts(path, XEN_PREFIX) && isdigit((unsigned char)path[strlen(XEN_PREFIX)]) &&
	       str_ends(path, ".gz");
}

static void names_find(struct boot_source *source)
{
	const char *kernel = NULL, *hypervisor = NULL;

	for (size_t i = 0; i < source->files.count; i++) {
		const char *path = source->files.items[i].path;

		if (str_starts(path, KERNEL_PREFIX) && (!kernel || strverscmp(path, kernel) > 0))
			kernel = path;
		if (is_hypervisor(path) && (!hypervisor || strverscmp(path, hypervisor) > 0))
			hypervisor = path;
	}
	if (kernel)
		source->kernel_version = str_copy(kernel + strlen(KERNEL_PREFIX));
	if (hypervisor)
		source->hypervisor_file = str_copy(path_name(hypervisor));
}

/* ---- from a file system that holds the tree ---- */

/* What is not there is left out, as in an archive that lacks it. */
static int file_read_inside(struct fsys *root, const char *path, struct members *members,
			    struct err *err)
{
	CLEANUP(free_cleanup) char *inside = str_format("/%s", path);
	char *data = NULL;
	size_t length = 0;

	if (!fsys_exists(root, inside))
		return 0;
	int r = fsys_read(root, inside, FILE_MAX_BYTES, &data, &length, err);
	if (r == 0)
		members_add(members, path, data, length);
	return r;
}

static int boot_entry_seen(void *context, const struct fsys_entry *entry)
{
	CLEANUP(free_cleanup) char *path = str_format("boot/%s", entry->name);

	if (S_ISREG(entry->mode) && boot_wanted(NULL, path))
		strv_add(context, path);
	return 0;
}

static int files_read_inside(struct fsys *root, struct boot_source *source, struct err *err)
{
	CLEANUP(strv_done) struct strv paths = { 0 };
	int r = fsys_list(root, "/boot", boot_entry_seen, &paths, err);

	for (size_t i = 0; r == 0 && i < paths.count; i++)
		r = file_read_inside(root, paths.items[i], &source->files, err);
	if (r < 0)
		return r;
	names_find(source);
	if (source->kernel_version) {
		CLEANUP(free_cleanup)
		char *list = str_format("lib/modules/%s/modules.dep", source->kernel_version);

		r = file_read_inside(root, list, &source->files, err);
	}
	if (r == 0)
		r = file_read_inside(root, BUSYBOX_STATIC, &source->files, err);
	return r < 0 ? r : file_read_inside(root, BUSYBOX, &source->files, err);
}

static int modules_read_inside(struct fsys *root, const struct strv *paths,
			       struct boot_source *source, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < paths->count; i++) {
		CLEANUP(free_cleanup)
		char *path =
			str_format("lib/modules/%s/%s", source->kernel_version, paths->items[i]);

		r = file_read_inside(root, path, &source->modules, err);
	}
	return r;
}

/* ---- from either ---- */

static int modules_read(const char *tar_path, struct fsys *root, const struct pattern *pattern,
			struct boot_source *source, struct err *err)
{
	CLEANUP(free_cleanup)
	char *list = str_format("lib/modules/%s/modules.dep", source->kernel_version);
	const struct member *dependencies = file_ending(&source->files, list);
	struct strv paths = { 0 };

	if (!dependencies)
		return err_set(err, -EBADMSG, "%s: has no %s", tar_path, list);
	for (const char *const *name = pattern->initramfs_modules; name && *name; name++)
		driver_paths(dependencies->data, *name, &paths);

	struct module_search search = { source->kernel_version, &paths };
	int r = root ? modules_read_inside(root, &paths, source, err)
		     : members_read(tar_path, module_wanted, &search, &source->modules, err);
	for (size_t i = 0; r == 0 && i < source->modules.count; i++)
		r = member_uncompress(&source->modules.items[i], err);
	for (size_t i = 0; i < paths.count; i++) {
		CLEANUP(free_cleanup) char *file = str_copy(path_name(paths.items[i]));
		char *end = strstr(file, ".ko");

		end[strlen(".ko")] = '\0';
		strv_add(&source->order, file);
	}
	strv_done(&paths);
	if (r == 0 && source->modules.count != source->order.count)
		return err_set(err, -EBADMSG, "%s: modules.dep names modules that are not there",
			       tar_path);
	return r;
}

int boot_source_read(const char *tar_path, struct fsys *root, const struct pattern *pattern,
		     struct boot_source *ret_source, struct err *err)
{
	int r = root ? files_read_inside(root, ret_source, err)
		     : members_read(tar_path, boot_wanted, NULL, &ret_source->files, err);

	if (r < 0)
		return r;
	if (!root)
		names_find(ret_source);
	if (!ret_source->kernel_version)
		return err_set(err, -EBADMSG, "%s: holds no kernel (boot/vmlinuz-*)", tar_path);
	if (pattern->hypervisor == HYPERVISOR_XEN && !ret_source->hypervisor_file)
		return err_set(err, -EBADMSG, "%s: holds no hypervisor (boot/xen-*.gz)", tar_path);
	if (!boot_source_busybox(ret_source))
		return err_set(err, -EBADMSG, "%s: holds no busybox for the initramfs", tar_path);
	return modules_read(tar_path, root, pattern, ret_source, err);
}

void boot_source_done(struct boot_source *source)
{
	free(source->kernel_version);
	free(source->hypervisor_file);
	members_done(&source->files);
	members_done(&source->modules);
	strv_done(&source->order);
	*source = (struct boot_source){ 0 };
}

const struct member *boot_source_kernel(const struct boot_source *source)
{
	CLEANUP(free_cleanup) char *path = str_format(KERNEL_PREFIX "%s", source->kernel_version);

	return members_find(&source->files, path);
}

const struct member *boot_source_hypervisor_efi(const struct boot_source *source)
{
	if (!source->hypervisor_file)
		return NULL;
	CLEANUP(free_cleanup)
	char *path = str_format("boot/%.*s.efi", (int)strlen(source->hypervisor_file) - 3,
				source->hypervisor_file); /* in place of .gz */

	return members_find(&source->files, path);
}

const char *boot_source_dependencies(const struct boot_source *source)
{
	CLEANUP(free_cleanup)
	char *list = str_format("lib/modules/%s/modules.dep", source->kernel_version);

	return file_ending(&source->files, list)->data;
}

const struct member *boot_source_busybox(const struct boot_source *source)
{
	const struct member *busybox = file_ending(&source->files, BUSYBOX_STATIC);

	return busybox ? busybox : file_ending(&source->files, BUSYBOX);
}

const struct member *boot_source_module(const struct boot_source *source, const char *file_name)
{
	for (size_t i = 0; i < source->modules.count; i++)
		if (same_module(source->modules.items[i].path, file_name))
			return &source->modules.items[i];
	return NULL;
}
