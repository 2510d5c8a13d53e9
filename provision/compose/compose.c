#include "compose/compose.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "bootloader/bootloader.h"
#include "compose/initramfs.h"
#include "compose/names.h"
#include "compose/system.h"
#include "compose/volumes.h"
#include "guest/xl.h"
#include "image/check.h"
#include "image/nested.h"
#include "image/table.h"
#include "pattern/pattern.h"

/* Changes whenever the same input would be composed differently. */
#define COMPOSE_FORMAT "2"

#define SHADOW_MAX_BYTES (1u << 20)

/* ---- what goes in ---- */

static void disk_input(const struct disk_spec *disk, struct inputs *inputs)
{
	CLEANUP(buf_done) struct buf text = { 0 };

	buf_format(&text, "%llu %s", (unsigned long long)disk->size_bytes,
		   table_kind_name(disk->table));
	for (size_t i = 0; i < disk->partition_count; i++) {
		const struct partition_spec *partition = &disk->partitions[i];

		buf_format(&text, "; %llu %s \"%s\" %s", (unsigned long long)partition->size_bytes,
			   filesystem_kind_name(partition->filesystem), partition->label,
			   partition->mount_point);
	}
	inputs_add(inputs, "disk", buf_str(&text));
}

static void overlay_input(const char *name, const struct overlay *overlay, struct inputs *inputs)
{
	struct hash *hash = hash_new();
	char hex[HASH_HEX_LENGTH + 1];

	overlay_hash(overlay, hash);
	hash_finish_hex(hash, hex);
	inputs_add(inputs, name, hex);
}

/* All the files of the layer's own. Without a base tree at hand the names in it are stand-ins: the
 * base tree's key stands for the real ones. */
static int own_files(const char *stack_name, const struct layer *layer,
		     const struct boot_names *names, const struct strv *modules,
		     struct overlay *system, struct overlay *initramfs, struct err *err)
{
	int r;

	if (layer->pattern->initramfs == INITRAMFS_AGENT) {
		r = leaf_overlay(layer, modules, initramfs, err);
		if (r == 0 && layer->boot_loader != BOOT_DIRECT)
			r = menu_overlay(stack_name, layer, names, system, err);
		return r;
	}
	r = root_initramfs_overlay(initramfs, err);
	return r < 0 ? r : system_overlay(stack_name, layer, names, system, err);
}

int compose_inputs(const char *stack_name, const struct layer *layer,
		   const struct compose_keys *keys, struct inputs *ret_inputs, struct err *err)
{
	const struct boot_names names = {
		.kernel_version = "KERNEL",
		.hypervisor_file = layer->hypervisor == HYPERVISOR_XEN ? "xen-0.0-amd64.gz" : NULL,
	};
	const struct strv no_modules = { 0 };
	CLEANUP(overlay_done) struct overlay system = { 0 };
	CLEANUP(overlay_done) struct overlay initramfs = { 0 };
	CLEANUP(free_cleanup) char *uuid = compose_uuid_text(stack_name, layer, "root");
	CLEANUP(buf_done) struct buf modules = { 0 };
	int r = own_files(stack_name, layer, &names, &no_modules, &system, &initramfs, err);

	if (r < 0)
		return r;
	for (const char *const *module = layer->pattern->initramfs_modules; module && *module;
	     module++)
		buf_format(&modules, "%s ", *module);
	inputs_add(ret_inputs, "format", COMPOSE_FORMAT);
	inputs_add(ret_inputs, "base tree", keys->base);
	if (keys->loader)
		inputs_add(ret_inputs, "boot loader's files", keys->loader);
	inputs_add(ret_inputs, "identity", uuid);
	inputs_add_number(ret_inputs, "time", compose_time_seconds());
	inputs_add(ret_inputs, "boot loader", boot_loader_name(layer->boot_loader));
	inputs_add(ret_inputs, "drivers", buf_str(&modules));
	disk_input(&layer->disk, ret_inputs);
	inputs_add_hash(ret_inputs, "root password", layer->root_password_hash);
	overlay_input("own files", &system, ret_inputs);
	overlay_input("initramfs", &initramfs, ret_inputs);
	for (size_t i = 0; i < layer->inner_count; i++)
		inputs_add(ret_inputs, layer->inner[i]->name, keys->inner[i]);
	return 0;
}

/* ---- one layer's own ---- */

struct composition {
	const struct compose_request *request;
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

static int composition_make(const struct compose_request *request, const struct layer *layer,
			    struct composition *ret_composition, struct err *err)
{
	struct composition *composition = ret_composition;

	*composition = (struct composition){
		.request = request,
		.layer = layer,
		.trees = request->trees_of(request->context, layer),
		.root_uuid = compose_uuid_text(request->stack_name, layer, "root"),
	};
	int r = boot_source_read(composition->trees.base, layer->pattern, &composition->source,
				 err);
	if (r < 0)
		return r;
	const struct boot_names names = { composition->source.kernel_version,
					  composition->source.hypervisor_file };
	r = own_files(request->stack_name, layer, &names, &composition->source.order,
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
	char *initrd_path = str_format("/boot/initrd.img-%s", source->kernel_version);
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

/* All of a layer but what is inside it. */
static int own_put(const struct compose_request *request, const struct layer *layer,
		   struct volumes *volumes, struct err *err)
{
	CLEANUP(composition_done) struct composition composition;
	bool whole_system = layer->pattern->initramfs == INITRAMFS_ROOT;
	int r = composition_make(request, layer, &composition, err);

	if (r == 0 && whole_system)
		r = fsys_unpack(volumes_root(volumes), composition.trees.base, err);
	if (r == 0)
		r = overlay_apply(&composition.system, volumes, err);
	if (r == 0 && whole_system)
		r = password_set(volumes, layer, err);
	if (r == 0)
		r = kernel_put(&composition, volumes, err);
	return r < 0 ? r : loader_files_put(&composition, volumes, err);
}

/* ---- layers inside layers ---- */

static int disk_make(const struct compose_request *request, const struct layer *layer,
		     struct image *image, double *ret_seconds, struct err *err);

static struct fsys_attributes guest_file_attributes(void)
{
	return (struct fsys_attributes){ .mode = 0600, .time_seconds = compose_time_seconds() };
}

/* The disk of a guest, straight to the blocks that it has in the host's file system. */
static int inner_disk_put(const struct compose_request *request, const struct layer *inner,
			  struct volumes *volumes, const char *folder, double *ret_seconds,
			  struct err *err)
{
	const struct fsys_attributes attributes = guest_file_attributes();
	CLEANUP(free_cleanup) char *path = path_join(folder, "disk0.raw");
	CLEANUP(image_cleanup) struct image *image = NULL;
	const char *below = NULL;
	struct fsys *fsys = volumes_resolve(volumes, path, &below);
	int r = nested_create(fsys, below, inner->disk.size_bytes, &attributes, &image, err);

	if (r == 0)
		r = disk_make(request, inner, image, ret_seconds, err);
	return r < 0 ? r : image_finish(take(&image), err);
}

/* Kernel and initramfs of a guest that its host boots directly. */
static int inner_kernel_put(const struct compose_request *request, const struct layer *inner,
			    struct volumes *volumes, const char *folder, struct err *err)
{
	CLEANUP(composition_done) struct composition composition;
	CLEANUP(free_cleanup) char *kernel_path = path_join(folder, "vmlinuz");
	CLEANUP(free_cleanup) char *initrd_path = path_join(folder, "initrd.img");
	int r = composition_make(request, inner, &composition, err);

	if (r < 0)
		return r;
	const struct member *kernel = boot_source_kernel(&composition.source);
	r = volumes_put(volumes, kernel_path, kernel->data, kernel->length, 0600, err);
	return r < 0 ? r
		     : volumes_put(volumes, initrd_path, composition.initrd,
				   composition.initrd_length, 0600, err);
}

static int inner_put(const struct compose_request *request, const struct layer *inner,
		     struct volumes *volumes, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = str_format("%s/%s", GUEST_IMAGES_FOLDER, inner->name);
	double start = clock_seconds(), deeper = 0;
	int r = 0;

	if (inner->disk.size_bytes > 0)
		r = inner_disk_put(request, inner, volumes, folder, &deeper, err);
	if (r == 0 && inner->boot_loader == BOOT_DIRECT)
		r = inner_kernel_put(request, inner, volumes, folder, err);
	if (r < 0)
		return err_wrap(err, r, "composing %s", inner->name);
	request->on_layer(request->context, inner, clock_seconds() - start - deeper);
	return 0;
}

/* ret_seconds: what the layers inside took. */
static int volumes_fill(const struct compose_request *request, const struct layer *layer,
			struct volumes *volumes, double *ret_seconds, struct err *err)
{
	int r = own_put(request, layer, volumes, err);
	double start = clock_seconds();

	for (size_t i = 0; r == 0 && i < layer->inner_count; i++) {
		if (spawn_stop_signal())
			r = err_set(err, -EINTR, "stopped by a signal; what is finished is kept");
		else
			r = inner_put(request, layer->inner[i], volumes, err);
	}
	*ret_seconds = clock_seconds() - start;
	return r;
}

static int loader_install(const struct compose_request *request, const struct layer *layer,
			  struct image *image, const struct layout *layout, struct err *err)
{
	const struct bootloader *loader = bootloader_of(layer->boot_loader);
	CLEANUP(free_cleanup)
	char *root_uuid = compose_uuid_text(request->stack_name, layer, "root");
	const struct boot_target target = {
		.image = image,
		.layout = layout,
		.disk = &layer->disk,
		.root_uuid = root_uuid,
		.tools_tar = request->trees_of(request->context, layer).loader,
	};

	return loader->install ? loader->install(&target, err) : 0;
}

static int disk_make(const struct compose_request *request, const struct layer *layer,
		     struct image *image, double *ret_seconds, struct err *err)
{
	CLEANUP(volumes_cleanup) struct volumes *volumes = NULL;
	CLEANUP(free_cleanup) char *disk_id = compose_uuid_text(request->stack_name, layer, "disk");
	struct layout layout;
	int r = layout_plan(&layer->disk, &layout, err);

	if (r == 0)
		r = table_write(image, &layout, &layer->disk, disk_id, err);
	if (r == 0)
		r = volumes_format(image, &layout, request->stack_name, layer, &volumes, err);
	if (r == 0)
		r = volumes_fill(request, layer, volumes, ret_seconds, err);
	if (r == 0)
		r = volumes_close(volumes, err);
	if (r == 0)
		r = loader_install(request, layer, image, &layout, err);
	return r < 0 ? r : image_check(image, &layout, &layer->disk, err);
}

int compose_stack(const struct compose_request *request, struct err *err)
{
	const struct layer *layer = request->layer;
	CLEANUP(free_cleanup) char *path = path_join(request->folder, request->disk_name);
	CLEANUP(fd_cleanup) int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CLEANUP(image_cleanup) struct image *image = NULL;
	double start = clock_seconds(), deeper = 0;

	if (fd < 0)
		return err_errno(err, errno, "%s: cannot be made", path);
	int r = image_create(fd_take(&fd), path, layer->disk.size_bytes, &image, err);
	if (r == 0)
		r = disk_make(request, layer, image, &deeper, err);
	if (r < 0)
		return err_wrap(err, r, "composing %s", layer->name);
	request->on_layer(request->context, layer, clock_seconds() - start - deeper);
	return 0;
}
