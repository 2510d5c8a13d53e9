/* The boot menu of a layer, rendered from templates/grub. */
#include "compose/system.h"

#include "base/data.h"
#include "compose/names.h"
#include "pattern/pattern.h"

/* xen-4.17-amd64.gz -> "Xen 4.17"; the caller frees. */
static char *xen_label(const char *file)
{
	size_t length = 0;

	if (!str_starts(file, "xen-"))
		return str_copy("Xen");
	while (file[4 + length] && file[4 + length] != '-' && !str_starts(file + 4 + length, ".gz"))
		length++;
	return str_format("Xen %.*s", (int)length, file + 4);
}

int menu_overlay(const char *stack_name, const struct layer *layer, const struct boot_names *names,
		 struct overlay *overlay, struct err *err)
{
	bool host = names->hypervisor_file != NULL;
	CLEANUP(free_cleanup) char *uuid = compose_uuid_text(stack_name, layer, "root");
	CLEANUP(free_cleanup) char *timeout = str_format("%u", layer->menu_timeout_seconds);
	CLEANUP(free_cleanup) char *xen = xen_label(host ? names->hypervisor_file : "");
	CLEANUP(free_cleanup)
	char *xen_title =
		str_format("%s -- Debian GNU/Linux, with Linux %s", xen, names->kernel_version);
	CLEANUP(free_cleanup)
	char *linux_title = str_format("Debian GNU/Linux, with Linux %s", names->kernel_version);
	CLEANUP(free_cleanup) char *xen_args = hypervisor_arguments(layer);
	CLEANUP(free_cleanup) char *dom0_args = dom0_arguments(layer);
	CLEANUP(free_cleanup) char *linux_args = linux_arguments(layer);
	CLEANUP(free_cleanup) char *xen_entry = NULL;
	CLEANUP(free_cleanup) char *linux_entry = NULL;
	CLEANUP(free_cleanup) char *entries = NULL;
	CLEANUP(free_cleanup) char *menu = NULL;
	CLEANUP(free_cleanup) char *defaults = NULL;
	struct template_value values[] = {
		{ "LAYER", layer->name },
		{ "TIMEOUT", timeout },
		{ "ROOT_UUID", uuid },
		{ "KERNEL", names->kernel_version },
		{ "XEN_TITLE", xen_title },
		{ "LINUX_TITLE", linux_title },
		{ "XEN_ARGS", xen_args },
		{ "DOM0_ARGS", dom0_args },
		{ "LINUX_ARGS", linux_args },
		{ "XEN_FILE", host ? names->hypervisor_file : "" },
		{ "ENTRIES", "" },
		{ NULL, NULL },
	};
	int r = host ? template_render("grub/xen-entries", values, &xen_entry, err) : 0;

	if (r == 0)
		r = template_render("grub/linux-entry", values, &linux_entry, err);
	if (r < 0)
		return r;
	entries = str_format("%s%s", xen_entry ? xen_entry : "", linux_entry);
	values[sizeof values / sizeof *values - 2].value = entries;
	r = template_render("grub/grub.cfg", values, &menu, err);
	if (r == 0)
		r = template_render("grub/default", values, &defaults, err);
	if (r < 0)
		return r;
	overlay_text(overlay, "/boot/grub/grub.cfg", 0600, "%s", menu);
	overlay_text(overlay, "/etc/default/grub", 0644, "%s", defaults);
	return 0;
}
