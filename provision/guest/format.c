#include "guest/format.h"

#include <stdarg.h>
#include <string.h>

#include "base/hash.h"
#include "bootloader/bootloader.h"
#include "profile/diagnostic.h"
#include "profile/keys.h"
#include "profile/names.h"

static const struct guest_format *const formats[] = {
	&vmx_guest, &vmdk_guest, &vmfs_guest, &hyper_v_guest,  &libvirt_guest,
	&xl_guest,  &xm_guest,	 &sxp_guest,  &xend_xml_guest,
};

#define FORMATS (sizeof formats / sizeof *formats)

const struct guest_format *guest_format_at(size_t index)
{
	return index < FORMATS ? formats[index] : NULL;
}

struct check {
	const struct guest_format *format;
	const struct layer *layer;
	struct diagnostics *diagnostics;
};

__attribute__((format(printf, 3, 4))) static void wrong(const struct check *check, const char *key,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	key_wrong(check->layer, key, check->diagnostics, format, args);
	va_end(args);
}

static void check_machine(const struct check *check)
{
	const struct machine_spec *machine = &check->layer->machine;
	const char *title = check->format->title;
	uint64_t unit = check->format->memory_unit_bytes;
	CLEANUP(free_cleanup) char *found = size_format(machine->memory_bytes);
	CLEANUP(free_cleanup) char *wanted = size_format(unit);

	if (machine->type != MACHINE_HVM)
		wrong(check, "machine.type", "found \"%s\"; allowed for %s is hvm",
		      machine_type_name(machine->type), title);
	if (machine->memory_bytes % unit != 0)
		wrong(check, "machine.memory", "found %s; allowed for %s is a multiple of %s",
		      found, title, wanted);
}

/* With its names in the order of the profile's. */
static void check_nic(const struct check *check)
{
	unsigned nics = check->format->nics;
	CLEANUP(strv_done) struct strv names = { 0 };

	if (nics & 1U << check->layer->machine.nic)
		return;
	for (unsigned i = 0; nic_model_names[i]; i++)
		if (nics & 1U << i)
			strv_add(&names, nic_model_names[i]);
	CLEANUP(free_cleanup) char *list = strv_join(&names, ", ");
	wrong(check, "machine.nic", "found \"%s\"; allowed for %s is %s",
	      nic_model_name(check->layer->machine.nic), check->format->title, list);
}

int guest_format_check(const struct guest_format *format, const struct layer *layer,
		       struct err *err)
{
	CLEANUP(diagnostics_cleanup) struct diagnostics *diagnostics = diagnostics_new();
	const struct check check = { format, layer, diagnostics };

	if (format->not_in_name && strpbrk(layer->name, format->not_in_name))
		wrong(&check, "name", "found \"%s\"; allowed for %s is a name without %s",
		      layer->name, format->title, format->not_in_name);
	check_machine(&check);
	check_nic(&check);
	if (bootloader_of(layer->boot_loader)->uefi && !format->uefi)
		wrong(&check, "boot.loader",
		      "found \"%s\"; allowed for %s is a loader on BIOS: grub2-bios, grub-legacy",
		      boot_loader_name(layer->boot_loader), format->title);
	if (layer->os_family == OS_ESXI && !format->esxi)
		wrong(&check, "os.family",
		      "found \"esxi\"; allowed for %s is one that drives its network card",
		      format->title);
	if (layer->disk.extra.count > 0)
		wrong(&check, "disk.extra", "found further disks; allowed for %s is none",
		      format->title);
	if (layer->guest_config_lines.count > 0 && !format->raw_lines)
		wrong(&check, "guest_config", "found lines for xl; allowed for %s is none",
		      format->title);
	return diagnostics_result(diagnostics, layer->name, err);
}

char *guest_format_emit(const struct guest_format *format, const struct layer *layer,
			uint64_t disk_bytes)
{
	CLEANUP(free_cleanup)
	char *disk = str_format("%s%s%s", format->disk_prefix, layer->name, format->disk_suffix);
	const struct guest_request request = {
		.layer = layer,
		.disk_bytes = disk_bytes,
		.disk_file = disk,
	};

	struct buf text = { 0 };

	format->emit(&request, &text);
	return text.data;
}

void guest_uuid(const struct layer *layer, char ret_text[37])
{
	uint8_t uuid[16];

	hash_uuid(layer->machine.mac, uuid);
	uuid_text(uuid, ret_text);
}
