/* L1 as a guest of a Xen host that was there before: the config for xl. The bridge is left to the
 * host's own default. Source: xl.cfg(5) of Xen 4.17. */
#include "bootloader/bootloader.h"
#include "guest/format.h"
#include "guest/xl.h"

static void text_line(struct strv *lines, const char *key, const char *value)
{
	CLEANUP(free_cleanup) char *text = guest_quoted(value);

	strv_format(lines, "%s = %s", key, text);
}

/* A list of one. */
static void list_line(struct strv *lines, const char *key, const char *value)
{
	CLEANUP(free_cleanup) char *text = guest_quoted(value);

	strv_format(lines, "%s = [ %s ]", key, text);
}

static void machine_lines(const struct layer *layer, struct strv *lines)
{
	unsigned long long mib = layer->machine.memory_bytes >> 20;
	char uuid[37];

	guest_uuid(layer, uuid);
	text_line(lines, "name", layer->name);
	text_line(lines, "uuid", uuid);
	text_line(lines, "type", "hvm");
	strv_format(lines, "memory = %llu", mib);
	strv_format(lines, "maxmem = %llu", mib);
	strv_format(lines, "vcpus = %u", layer->machine.vcpus);
	strv_add(lines, "hap = 1");
	if (layer->machine.nested)
		strv_add(lines, "nestedhvm = 1");
}

static void common_lines(const struct layer *layer, struct strv *lines)
{
	CLEANUP(free_cleanup)
	char *vif = str_format("mac=%s,model=%s,type=ioemu", layer->machine.mac,
			       nic_model_name(layer->machine.nic));

	list_line(lines, "vif", vif);
	strv_add(lines, "boot = \"c\"");
	strv_add(lines, "vnc = 0");
	strv_add(lines, "sdl = 0");
	strv_add(lines, "on_reboot = \"restart\"");
	strv_add(lines, "on_crash = \"destroy\"");
}

static void lines_write(const struct strv *lines, struct buf *out)
{
	for (size_t i = 0; i < lines->count; i++)
		buf_format(out, "%s\n", lines->items[i]);
}

static void xl_emit(const struct guest_request *request, struct buf *out)
{
	const struct layer *layer = request->layer;
	CLEANUP(strv_done) struct strv lines = { 0 };
	/* target= comes last and takes all that follows, commas too. */
	CLEANUP(free_cleanup)
	char *disk = str_format("format=raw,vdev=hda,access=rw,target=%s", request->disk_file);

	machine_lines(layer, &lines);
	if (layer->machine.nested)
		strv_add(&lines, "tsc_mode = \"native\"");
	if (layer->machine.disk_bus == DISK_BUS_AHCI)
		strv_add(&lines, "hdtype = \"ahci\"");
	if (bootloader_of(layer->boot_loader)->uefi)
		strv_add(&lines, "bios = \"ovmf\"");
	list_line(&lines, "disk", disk);
	common_lines(layer, &lines);
	strv_add(&lines, "vga = \"none\"");
	/* The console and the agent's channel. */
	strv_add(&lines, "serial = [ \"pty\", \"pty\" ]");
	guest_lines_merge(&lines, &layer->guest_config_lines);
	lines_write(&lines, out);
}

const struct guest_format xl_guest = {
	.name = "xl",
	.title = "an xl config",
	.suffix = ".cfg",
	.memory_unit_bytes = UINT64_C(1) << 20,
	.nics = 1U << NIC_E1000 | 1U << NIC_RTL8139,
	.uefi = true,
	.esxi = true,
	.raw_lines = true,
	.disk_prefix = GUEST_IMAGES_FOLDER "/",
	.disk_suffix = ".raw",
	.emit = xl_emit,
};
