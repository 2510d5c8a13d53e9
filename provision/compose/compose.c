#include "compose/compose.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fs.h"
#include "bootloader/bootloader.h"
#include "compose/family.h"
#include "compose/hosts.h"
#include "compose/installed.h"
#include "compose/loader_job.h"
#include "compose/names.h"
#include "compose/own_files.h"
#include "compose/presence.h"
#include "guest/xl.h"
#include "image/check.h"
#include "image/nested.h"
#include "image/table.h"
#include "pattern/pattern.h"

#define SHADOW_MAX_BYTES (1u << 20)

struct composition {
	const struct layer *layer;
	struct compose_trees trees;
	struct boot_source source;
	struct overlay system, initramfs;
	char *initrd; /* owned */
	size_t initrd_length;
	char *root_uuid; /* owned */
};

static void composition_done(struct composition *composition)
{
	boot_source_done(&composition->source);
	overlay_done(&composition->system);
	overlay_done(&composition->initramfs);
	free(composition->initrd);
	free(composition->root_uuid);
	*composition = (struct composition){ 0 };
}

/* root: holds the base tree already; NULL: it is read from its archive. */
static int composition_make(const struct compose_request *request, struct fsys *root,
			    struct composition *ret_composition, struct err *err)
{
	struct composition *composition = ret_composition;
	const struct layer *layer = request->layer;

	*composition = (struct composition){
		.layer = layer,
		.trees = request->trees,
		.root_uuid = compose_uuid_text(request->stack_name, layer, "root"),
	};
	int r = boot_source_read(composition->trees.base, root, layer->pattern,
				 &composition->source, err);
	if (r < 0)
		return r;
	const struct boot_names names = { composition->source.kernel_version,
					  composition->source.hypervisor_file };
	r = own_files_make(request->stack_name, layer, &names, &composition->source.order,
			   &composition->system, &composition->initramfs, err);
	return r < 0 ? r
		     : initramfs_make(&composition->source, &composition->initramfs,
				      &composition->initrd, &composition->initrd_length, err);
}

/* Start of root's line in /etc/shadow, NULL if it has none. */
static char *root_line(char *shadow)
{
	if (str_starts(shadow, "root:"))
		return shadow;
	char *line = strstr(shadow, "\nroot:");
	return line ? line + 1 : NULL;
}

/* Root's line in /etc/shadow gets the profile's hash; "" locks the password. */
static int password_set(struct volumes *volumes, const struct layer *layer, struct err *err)
{
	struct fsys *root = volumes_root(volumes);
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(buf_done) struct buf changed = { 0 };
	int r = fsys_read(root, "/etc/shadow", SHADOW_MAX_BYTES, &text, NULL, err);

	if (r < 0)
		return r;
	char *line = root_line(text);
	char *rest = line ? strchr(line + strlen("root:"), ':') : NULL;
	if (!rest)
		return err_set(err, -EBADMSG, "/etc/shadow of the base tree has no line for root");
	buf_add(&changed, text, (size_t)(line - text));
	buf_format(&changed, "root:%s%s",
		   *layer->root_password_hash ? layer->root_password_hash : "*", rest);
	return fsys_put(root, "/etc/shadow", changed.data, changed.length, NULL, err);
}

static int kernel_put(struct composition *composition, struct volumes *volumes, struct err *err)
{
	const struct boot_source *source = &composition->source;
	const struct member *kernel = boot_source_kernel(source);
	CLEANUP(free_cleanup)
	char *initrd_path = str_format(
		"/boot/%s%s", family_files_of(composition->layer->os_family)->initrd_prefix,
		source->kernel_version);
	CLEANUP(free_cleanup) char *kernel_path = str_format("/%s", kernel->path);
	int r = volumes_put(volumes, initrd_path, composition->initrd, composition->initrd_length,
			    0644, err);

	if (r < 0 || composition->layer->pattern->initramfs != INITRAMFS_AGENT)
		return r;
	return volumes_put(volumes, kernel_path, kernel->data, kernel->length, 0644, err);
}

static struct boot_target boot_target_make(const struct composition *composition)
{
	const struct member *kernel = boot_source_kernel(&composition->source);
	const struct member *xen_efi = boot_source_hypervisor_efi(&composition->source);

	return (struct boot_target){
		.disk = &composition->layer->disk,
		.root_uuid = composition->root_uuid,
		.grub2_folder = family_files_of(composition->layer->os_family)->grub2_folder,
		.tools_tar = composition->trees.loader,
		.kernel = { kernel->data, kernel->length },
		.initrd = { composition->initrd, composition->initrd_length },
		.hypervisor_efi = { xen_efi ? xen_efi->data : NULL, xen_efi ? xen_efi->length : 0 },
	};
}

static int loader_files_put(struct composition *composition, struct volumes *volumes,
			    struct err *err)
{
	const struct bootloader *loader = bootloader_of(composition->layer->boot_loader);
	const struct boot_target target = boot_target_make(composition);
	CLEANUP(overlay_done) struct overlay files = { 0 };
	int r = loader->files ? loader->files(&target, &files, err) : 0;

	return r < 0 ? r : overlay_apply(&files, volumes, err);
}

static int own_put(const struct compose_request *request, struct volumes *volumes, struct err *err)
{
	CLEANUP(composition_done) struct composition composition = { 0 };
	const struct layer *layer = request->layer;
	bool whole_system = layer->pattern->initramfs == INITRAMFS_ROOT;
	struct fsys *root = whole_system ? volumes_root(volumes) : NULL;
	int r = root ? fsys_unpack(root, request->trees.base, err) : 0;

	if (r == 0)
		r = composition_make(request, root, &composition, err);
	if (r == 0)
		r = overlay_apply(&composition.system, volumes, err);
	if (r == 0 && whole_system)
		r = presence_check(layer, root, err);
	if (r == 0 && whole_system)
		r = password_set(volumes, layer, err);
	if (r == 0)
		r = kernel_put(&composition, volumes, err);
	return r == 0 ? loader_files_put(&composition, volumes, err) : r;
}

static int loader_install(const struct compose_request *request, struct image *image,
			  const struct layout *layout, const char *root_uuid,
			  struct loader_job *job, struct err *err)
{
	const struct layer *layer = request->layer;
	const struct bootloader *loader = bootloader_of(layer->boot_loader);
	struct boot_target target = {
		.image = image,
		.layout = layout,
		.disk = &layer->disk,
		.root_uuid = root_uuid,
		.grub2_folder = family_files_of(layer->os_family)->grub2_folder,
		.tools_tar = request->trees.loader,
	};
	int r = loader_job_wait(job, &target.prepared, err);

	if (r == 0 && loader->install)
		r = loader->install(&target, err);
	return r < 0 ? err_wrap(err, r, "installing the boot loader") : 0;
}

/* The whole disk of a layer: table, file systems, files, boot loader. */
static int disk_make(const struct compose_request *request, struct image *image, struct err *err)
{
	const struct layer *layer = request->layer;
	CLEANUP(volumes_cleanup) struct volumes *volumes = NULL;
	CLEANUP(loader_job_cleanup) struct loader_job *job = NULL;
	CLEANUP(free_cleanup) char *disk_id = compose_uuid_text(request->stack_name, layer, "disk");
	CLEANUP(free_cleanup)
	char *root_uuid = compose_uuid_text(request->stack_name, layer, "root");
	struct layout layout;
	int r = layout_plan(&layer->disk, &layout, err);

	if (r == 0)
		r = loader_job_begin(bootloader_of(layer->boot_loader), root_uuid,
				     family_files_of(layer->os_family)->grub2_folder, &job, err);
	if (r == 0)
		r = table_write(image, &layout, &layer->disk, disk_id, err);
	if (r == 0)
		r = volumes_format(image, &layout, request->stack_name, layer, &volumes, err);
	if (r == 0)
		r = own_put(request, volumes, err);
	if (r == 0)
		r = volumes_close(volumes, err);
	if (r == 0)
		r = loader_install(request, image, &layout, root_uuid, job, err);
	return r < 0 ? r : image_check(image, &layout, &layer->disk, err);
}

/* nestctl's own files on a disk that an installer made; it was repaired when it was copied. */
static int installed_fill(const struct compose_request *request, struct image *image,
			  struct err *err)
{
	CLEANUP(volumes_cleanup) struct volumes *volumes = NULL;

	if (!installed_is_open(request->layer))
		return 0;
	int r = volumes_open(image, request->layer, &volumes, err);
	if (r == 0)
		r = installed_put(request->stack_name, request->layer, volumes, err);
	return r < 0 ? r : volumes_close(volumes, err);
}

static int disk_fill(const struct compose_request *request, struct image *image, struct err *err)
{
	return layer_is_installed(request->layer) ? installed_fill(request, image, err)
						  : disk_make(request, image, err);
}

/* An installed disk begins as a copy. */
static int disk_begin(const struct compose_request *request, struct image *image, struct err *err)
{
	if (!layer_is_installed(request->layer))
		return 0;
	int r = installed_copy(request->layer, request->trees.base, request->scratch, err);
	if (r == 0) {
		CLEANUP(fd_cleanup) int fd = open(request->scratch, O_RDONLY | O_CLOEXEC);

		r = fd < 0 ? err_errno(err, errno, "%s: cannot be opened", request->scratch)
			   : image_copy_in(image, 0, fd, err);
	}
	unlink(request->scratch);
	return r;
}

/* The disk of a guest, straight to the blocks that it has in the host's file system. */
static int inner_disk_put(const struct compose_request *request, struct volumes *host,
			  const char *path, struct err *err)
{
	const struct fsys_attributes attributes = { .mode = 0600,
						    .time_seconds = compose_time_seconds() };
	CLEANUP(image_cleanup) struct image *image = NULL;
	const char *below = NULL;
	struct fsys *fsys = volumes_resolve(host, path, &below);
	int r = nested_create(fsys, below, request->layer->disk.size_bytes, &attributes, &image,
			      err);

	if (r == 0)
		r = disk_begin(request, image, err);
	if (r == 0)
		r = disk_fill(request, image, err);
	return r < 0 ? r : image_finish(take(&image), err);
}

/* Kernel and initramfs of a guest that its host boots directly. */
static int inner_kernel_put(const struct compose_request *request, struct volumes *host,
			    const char *folder, struct err *err)
{
	CLEANUP(composition_done) struct composition composition;
	CLEANUP(free_cleanup) char *kernel_path = path_join(folder, "vmlinuz");
	CLEANUP(free_cleanup) char *initrd_path = path_join(folder, "initrd.img");
	int r = composition_make(request, NULL, &composition, err);

	if (r < 0)
		return r;
	const struct member *kernel = boot_source_kernel(&composition.source);
	r = volumes_put(host, kernel_path, kernel->data, kernel->length, 0600, err);
	return r < 0 ? r
		     : volumes_put(host, initrd_path, composition.initrd, composition.initrd_length,
				   0600, err);
}

static int inner_put(const struct compose_request *request, struct err *err)
{
	const struct layer *layer = request->layer;
	CLEANUP(free_cleanup) char *folder = host_guest_folder(layer);
	CLEANUP(free_cleanup) char *disk = host_guest_disk(layer);
	CLEANUP(hosts_cleanup) struct hosts *hosts = NULL;
	int r = hosts_open(request->image, layer->outer, &hosts, err);

	if (r == 0 && layer->disk.size_bytes > 0)
		r = inner_disk_put(request, hosts_volumes(hosts), disk, err);
	if (r == 0 && layer->boot_loader == BOOT_DIRECT)
		r = inner_kernel_put(request, hosts_volumes(hosts), folder, err);
	return r < 0 ? r : hosts_close(take(&hosts), err);
}

int compose_begin(const struct compose_request *request, const char *path, struct image **ret_image,
		  struct err *err)
{
	if (layer_is_installed(request->layer)) {
		int r = installed_copy(request->layer, request->trees.base, path, err);

		return r < 0 ? err_wrap(err, r, "composing %s", request->layer->name)
			     : image_open(path, true, ret_image, err);
	}
	CLEANUP(fd_cleanup) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, errno, "%s: cannot be made", path);
	return image_create(fd_take(&fd), path, request->layer->disk.size_bytes, ret_image, err);
}

int compose_layer(const struct compose_request *request, struct err *err)
{
	int r = request->layer->outer ? inner_put(request, err)
				      : disk_fill(request, request->image, err);

	return r < 0 ? err_wrap(err, r, "composing %s", request->layer->name) : 0;
}
