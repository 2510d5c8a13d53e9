#include "compose/own_files.h"

#include "compose/installed.h"
#include "pattern/pattern.h"

int own_files_make(const char *stack_name, const struct layer *layer,
		   const struct boot_names *names, const struct strv *modules,
		   struct overlay *system, struct overlay *initramfs, struct err *err)
{
	int r;

	if (layer_is_installed(layer))
		return installed_overlay(stack_name, layer, system, err);
	if (layer->pattern->initramfs == INITRAMFS_AGENT) {
		r = leaf_overlay(layer, modules, initramfs, err);
		if (r == 0 && layer->boot_loader != BOOT_DIRECT)
			r = menu_overlay(stack_name, layer, names, system, err);
		return r;
	}
	r = root_initramfs_overlay(initramfs, err);
	return r < 0 ? r : system_overlay(stack_name, layer, names, system, err);
}
