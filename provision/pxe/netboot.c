/* A static installer would do without libraries of this machine in the initramfs. It cannot be had:
 * of what libcurl stands on, Debian ships no static libraries. So the program that runs goes in
 * with all that its loader asks for.
 */
#include "pxe/netboot.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/data.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "compose/boot_source.h"
#include "image/cpio_pack.h"
#include "pxe/netboot_drivers.h"
#include "pxe/program_needs.h"

#define FILE_MAX_BYTES ((size_t)256 << 20)
#define LIBRARIES      "lib/nestctl" /* as /init sets LD_LIBRARY_PATH */

struct entry {
	char *path;
	uint32_t mode;
	char *data;
	size_t length;
};

/* What goes into the initramfs. */
struct contents {
	struct entry *items;
	size_t count;
};

static void contents_done(struct contents *contents)
{
	for (size_t i = 0; i < contents->count; i++) {
		free(contents->items[i].path);
		free(contents->items[i].data);
	}
	free(contents->items);
}

static void entry_add(struct contents *contents, const char *path, uint32_t mode, char *data,
		      size_t length)
{
	contents->items = mem_grow(contents->items, contents->count + 1, sizeof *contents->items);
	contents->items[contents->count++] = (struct entry){
		.path = str_copy(path[0] == '/' ? path + 1 : path),
		.mode = mode,
		.data = data,
		.length = length,
	};
}

static void text_add(struct contents *contents, const char *path, const char *text)
{
	entry_add(contents, path, S_IFREG | 0644, str_copy(text), strlen(text));
}

static void member_add(struct contents *contents, const char *path, uint32_t mode,
		       const struct member *member)
{
	char *data = mem_alloc(member->length + 1);

	memcpy(data, member->data, member->length);
	entry_add(contents, path, S_IFREG | mode, data, member->length);
}

static int file_add(struct contents *contents, const char *path, const char *from, struct err *err)
{
	char *data = NULL;
	size_t length = 0;
	int r = file_read(from, FILE_MAX_BYTES, &data, &length, err);

	if (r == 0)
		entry_add(contents, path, S_IFREG | 0755, data, length);
	return r;
}

/* ---- programs of this machine ---- */

static int program_path(const char *name, char **ret_path, struct err *err)
{
	CLEANUP(free_cleanup) char *path = program_find(name);

	if (!path) { /* not in the PATH of an ordinary user */
		path = str_format("/usr/sbin/%s", name);
		if (!path_exists(path))
			return err_set(err, -ENOENT,
				       "%s is not installed (package e2fsprogs), and the netboot "
				       "system needs it",
				       name);
	}
	*ret_path = take(&path);
	return 0;
}

static int libraries_add(struct contents *contents, const struct strv *libraries,
			 const struct strv *loaders, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < libraries->count; i++) {
		CLEANUP(free_cleanup)
		char *path = str_format(LIBRARIES "/%s", path_name(libraries->items[i]));

		r = file_add(contents, path, libraries->items[i], err);
	}
	for (size_t i = 0; r == 0 && i < loaders->count; i++)
		r = file_add(contents, loaders->items[i], loaders->items[i], err);
	return r;
}

static int program_add(struct contents *contents, const char *path, const char *from,
		       struct strv *libraries, struct strv *loaders, struct err *err)
{
	int r = program_needs(from, libraries, loaders, err);

	return r < 0 ? r : file_add(contents, path, from, err);
}

static int programs_add(struct contents *contents, struct err *err)
{
	static const char *const names[] = { "e2fsck", "resize2fs" };
	CLEANUP(strv_done) struct strv libraries = { 0 };
	CLEANUP(strv_done) struct strv loaders = { 0 };
	CLEANUP(free_cleanup) char *own = realpath("/proc/self/exe", NULL);
	int r = own ? program_add(contents, "usr/bin/nestctl", own, &libraries, &loaders, err)
		    : err_errno(err, errno, "the path of nestctl itself cannot be found");

	for (size_t i = 0; r == 0 && i < sizeof names / sizeof *names; i++) {
		CLEANUP(free_cleanup) char *path = str_format("sbin/%s", names[i]);
		CLEANUP(free_cleanup) char *from = NULL;

		r = program_path(names[i], &from, err);
		if (r == 0)
			r = program_add(contents, path, from, &libraries, &loaders, err);
	}
	return r < 0 ? r : libraries_add(contents, &libraries, &loaders, err);
}

/* ---- the rest ---- */

static int shipped_add(struct contents *contents, const char *path, const char *name,
		       struct err *err)
{
	char *data = NULL;
	size_t length = 0;
	int r = data_read(name, &data, &length, err);

	if (r == 0)
		entry_add(contents, path, S_IFREG | 0755, data, length);
	return r;
}

static void drivers_add(struct contents *contents, const char *version,
			struct netboot_drivers *drivers)
{
	CLEANUP(free_cleanup) char *list = str_format("lib/modules/%s/modules.dep", version);
	CLEANUP(free_cleanup) char *aliases = str_format("lib/modules/%s/modules.alias", version);

	for (size_t i = 0; i < drivers->modules.count; i++)
		member_add(contents, drivers->modules.items[i].path, 0644,
			   &drivers->modules.items[i]);
	text_add(contents, list, drivers->dependencies);
	text_add(contents, aliases, drivers->aliases);
}

static void skeleton_add(struct contents *contents)
{
	static const char *const folders[] = { "dev", "mnt", "proc", "root", "run", "sys", "tmp" };

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
		entry_add(contents, folders[i], S_IFDIR | 0755, NULL, 0);
	/* The kernel opens it before anything is mounted on /dev. */
	entry_add(contents, "dev/console", S_IFCHR | 0600, NULL, 0);
	entry_add(contents, "etc/mtab", S_IFLNK | 0777, str_copy("/proc/mounts"), 0);
	/* The kernel's own request for a driver. */
	entry_add(contents, "sbin/modprobe", S_IFLNK | 0777, str_copy("../bin/busybox"), 0);
}

/* Folders that nobody named. */
static void folders_add(struct contents *contents)
{
	CLEANUP(strv_done) struct strv folders = { 0 };

	for (size_t i = 0; i < contents->count; i++) {
		if (S_ISDIR(contents->items[i].mode))
			strv_add(&folders, contents->items[i].path);
		for (const char *slash = strchr(contents->items[i].path, '/'); slash;
		     slash = strchr(slash + 1, '/'))
			strv_format(&folders, "%.*s", (int)(slash - contents->items[i].path),
				    contents->items[i].path);
	}
	strv_sort(&folders);
	for (size_t i = 0; i < folders.count; i++) {
		bool named = false;

		for (size_t j = 0; !named && j < contents->count; j++)
			named = str_equal(contents->items[j].path, folders.items[i]);
		if (!named)
			entry_add(contents, folders.items[i], S_IFDIR | 0755, NULL, 0);
	}
}

static int entry_order(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

static int contents_make(struct contents *contents, const struct boot_source *source,
			 struct netboot_drivers *drivers, const char *ca_certificate,
			 struct err *err)
{
	skeleton_add(contents);
	member_add(contents, "bin/busybox", 0755, boot_source_busybox(source));
	text_add(contents, "etc/nestctl/ca.pem", ca_certificate);
	drivers_add(contents, source->kernel_version, drivers);
	int r = programs_add(contents, err);
	if (r == 0)
		r = shipped_add(contents, "init", "templates/netboot/init", err);
	if (r == 0)
		r = shipped_add(contents, "etc/udhcpc", "templates/netboot/udhcpc", err);
	if (r < 0)
		return r;
	folders_add(contents);
	qsort(contents->items, contents->count, sizeof *contents->items, entry_order);
	return 0;
}

static int initrd_write(const struct contents *contents, bool zstd, const char *path,
			struct err *err)
{
	CLEANUP(cpio_pack_cleanup) struct cpio_pack *pack = NULL;
	CLEANUP(free_cleanup) char *data = NULL;
	size_t length = 0;
	int r = cpio_pack_new("the netboot system", zstd ? CPIO_ZSTD : CPIO_GZIP, &pack, err);

	for (size_t i = 0; r == 0 && i < contents->count; i++) {
		const struct entry *entry = &contents->items[i];

		r = cpio_pack_add(pack, entry->path, entry->mode, entry->data, entry->length, err);
	}
	if (r == 0)
		r = cpio_pack_end(pack, &data, &length, err);
	return r < 0 ? r : file_write(path, data, length, 0644, err);
}

static int kernel_write(const struct boot_source *source, const char *path, struct err *err)
{
	const struct member *kernel = boot_source_kernel(source);

	return file_write(path, kernel->data, kernel->length, 0644, err);
}

int netboot_make(const char *tree, const char *ca_certificate, const char *folder, struct err *err)
{
	static const char *const no_modules[] = { NULL };
	/* Its drivers are chosen in here. */
	const struct pattern pattern = { .hypervisor = HYPERVISOR_NONE,
					 .initramfs_modules = no_modules };
	CLEANUP(boot_source_done) struct boot_source source = { 0 };
	CLEANUP(netboot_drivers_done) struct netboot_drivers drivers = { 0 };
	CLEANUP(contents_done) struct contents contents = { 0 };
	CLEANUP(free_cleanup) char *kernel = path_join(folder, "vmlinuz");
	CLEANUP(free_cleanup) char *initrd = path_join(folder, "initrd");
	int r = boot_source_read(tree, NULL, &pattern, &source, err);

	if (r == 0)
		r = netboot_drivers_read(tree, source.kernel_version,
					 boot_source_dependencies(&source), &drivers, err);
	if (r == 0)
		r = contents_make(&contents, &source, &drivers, ca_certificate, err);
	if (r == 0)
		r = dir_make(folder, 0755, err);
	if (r == 0)
		r = initrd_write(&contents, drivers.kernel_has_zstd, initrd, err);
	if (r == 0)
		r = kernel_write(&source, kernel, err);
	return r < 0 ? err_wrap(err, r, "making the netboot system") : 0;
}
