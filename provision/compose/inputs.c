/* What goes into a layer: its key says whether the image holds it as it would be made now. */
#include "bootloader/bootloader.h"
#include "compose/compose.h"
#include "compose/installed.h"
#include "compose/names.h"
#include "compose/own_files.h"
#include "pattern/pattern.h"

/* Changes whenever the same input would be composed differently. */
#define COMPOSE_FORMAT "4"

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
	int r = own_files_make(stack_name, layer, &names, &no_modules, &system, &initramfs, err);

	if (r < 0)
		return r;
	for (const char *const *module = layer->pattern->initramfs_modules; module && *module;
	     module++)
		buf_format(&modules, "%s ", *module);
	inputs_add(ret_inputs, "format",
		   layer_is_installed(layer) ? INSTALLED_FORMAT : COMPOSE_FORMAT);
	inputs_add(ret_inputs, layer_is_installed(layer) ? "installed disk" : "base tree",
		   keys->base);
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
	if (keys->before)
		inputs_add(ret_inputs, keys->before_name, keys->before);
	return 0;
}
