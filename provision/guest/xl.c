#include "guest/xl.h"

#include <ctype.h>
#include <string.h>

#include "guest/format.h"

static size_t key_length(const char *line)
{
	size_t length = strcspn(line, "= \t");

	return line[length] ? length : 0;
}

static bool same_key(const char *a, const char *b)
{
	size_t length = key_length(a);

	return length > 0 && key_length(b) == length && strncmp(a, b, length) == 0;
}

void guest_lines_merge(struct strv *lines, const struct strv *raw)
{
	for (size_t i = 0; i < raw->count; i++) {
		size_t at = 0;

		while (at < lines->count && !same_key(lines->items[at], raw->items[i]))
			at++;
		if (at == lines->count) {
			strv_add(lines, raw->items[i]);
			continue;
		}
		free(lines->items[at]);
		lines->items[at] = str_copy(raw->items[i]);
	}
}

char *guest_quoted(const char *value)
{
	struct buf text = { 0 };

	buf_text(&text, "\"");
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			buf_text(&text, "\\");
		buf_add(&text, value, 1);
	}
	buf_text(&text, "\"");
	return text.data;
}

static void hvm_lines(const struct layer *layer, struct strv *lines)
{
	strv_add(lines, "type = \"hvm\"");
	strv_add(lines, "hap = 1");
	if (layer->machine.nested) {
		strv_add(lines, "nestedhvm = 1");
		strv_add(lines, "tsc_mode = \"native\"");
	}
	if (layer->machine.disk_bus == DISK_BUS_AHCI)
		strv_add(lines, "hdtype = \"ahci\"");
}

char *guest_socket(const struct layer *layer)
{
	return str_format(GUEST_SOCKET_FOLDER "/%s.sock", layer->name);
}

static void hvm_devices(const struct layer *layer, const char *vga, struct strv *lines)
{
	CLEANUP(free_cleanup) char *socket = guest_socket(layer);

	strv_format(lines, "vga = \"%s\"", vga);
	strv_add(lines, "vnc = 0");
	strv_add(lines, "sdl = 0");
	/* The first serial port is the console, the second the agent's channel. */
	strv_format(lines, "serial = [ \"pty\", \"unix:%s,server=on,wait=off\" ]", socket);
}

static void direct_boot_lines(const struct layer *layer, const char *kernel_args,
			      struct strv *lines)
{
	strv_format(lines, "type = \"%s\"", machine_type_name(layer->machine.type));
	strv_format(lines, "kernel = \"%s/%s/vmlinuz\"", GUEST_IMAGES_FOLDER, layer->name);
	strv_format(lines, "ramdisk = \"%s/%s/initrd.img\"", GUEST_IMAGES_FOLDER, layer->name);
	strv_format(lines, "extra = \"%s\"", kernel_args);
}

static void vif_line(const struct layer *layer, const char *bridge, struct strv *lines)
{
	if (layer->machine.type == MACHINE_HVM)
		strv_format(lines, "vif = [ 'mac=%s,bridge=%s,model=%s,type=ioemu' ]",
			    layer->machine.mac, bridge, nic_model_name(layer->machine.nic));
	else
		strv_format(lines, "vif = [ 'mac=%s,bridge=%s' ]", layer->machine.mac, bridge);
}

static void machine_lines(const struct layer *layer, struct strv *lines)
{
	unsigned long long mib = layer->machine.memory_bytes >> 20;
	char uuid[37];

	guest_uuid(layer, uuid);
	strv_format(lines, "name = \"%s\"", layer->name);
	strv_format(lines, "uuid = \"%s\"", uuid);
	strv_format(lines, "memory = %llu", mib);
	strv_format(lines, "maxmem = %llu", mib);
	strv_format(lines, "vcpus = %u", layer->machine.vcpus);
}

static void end_lines(const char *on_reboot, struct strv *lines)
{
	strv_format(lines, "on_reboot = \"%s\"", on_reboot);
	strv_add(lines, "on_crash = \"destroy\"");
}

static char *lines_text(struct strv *lines)
{
	strv_add(lines, "");
	return strv_join(lines, "\n");
}

static void text_line(struct strv *lines, const char *key, const char *value)
{
	CLEANUP(free_cleanup) char *text = guest_quoted(value);

	strv_format(lines, "%s = %s", key, text);
}

/* A disk that the installer only reads is writable all the same: libxl refuses emulated ones that
 * are not. */
static void disk_line(const struct guest_place *place, struct strv *lines)
{
	static const struct guest_installer none;
	const struct guest_installer *installer = place->installer ? place->installer : &none;
	CLEANUP(buf_done) struct buf text = { 0 };

	/* target= takes the rest as it is, commas too. */
	buf_format(&text, "disk = [ 'format=%s,vdev=hda,access=rw,backendtype=qdisk,target=%s'",
		   place->disk_format, place->disk);
	if (installer->answer_disk)
		buf_format(&text, ", 'format=raw,vdev=hdb,access=rw,backendtype=qdisk,target=%s'",
			   installer->answer_disk);
	if (installer->medium)
		buf_format(&text,
			   ", 'format=raw,vdev=hdc,access=ro,devtype=cdrom,backendtype=qdisk,"
			   "target=%s'",
			   installer->medium);
	buf_text(&text, " ]");
	strv_add(lines, buf_str(&text));
}

/* Without Xen's platform device the installer's kernel has no PV drivers, and the disk and the
 * network card have the names that they have under QEMU. */
static void installer_lines(const struct guest_installer *installer, struct strv *lines)
{
	strv_add(lines, "xen_platform_pci = 0");
	strv_format(lines, "boot = \"%s\"", installer->medium ? "d" : "c");
	if (!installer->kernel)
		return;
	text_line(lines, "kernel", installer->kernel);
	text_line(lines, "ramdisk", installer->initrd);
	text_line(lines, "cmdline", installer->arguments);
}

char *guest_xl_config_outermost(const struct layer *layer, const struct guest_place *place)
{
	CLEANUP(strv_done) struct strv lines = { 0 };
	/* What a medium boots may want a screen. Nobody sees it, and it is slow: a kernel of ours
	 * speaks on the serial port. */
	bool by_itself = place->installer && !place->installer->kernel;

	machine_lines(layer, &lines);
	hvm_lines(layer, &lines);
	if (place->installer)
		installer_lines(place->installer, &lines);
	else
		strv_add(&lines, "boot = \"c\"");
	hvm_devices(layer, by_itself ? "stdvga" : "none", &lines);
	disk_line(place, &lines);
	vif_line(layer, place->bridge, &lines);
	end_lines("destroy", &lines);
	if (!place->installer)
		guest_lines_merge(&lines, &layer->guest_config_lines);
	return lines_text(&lines);
}

char *guest_xl_config(const struct layer *layer, const char *kernel_args)
{
	CLEANUP(strv_done) struct strv lines = { 0 };

	machine_lines(layer, &lines);
	if (layer->machine.type == MACHINE_HVM) {
		hvm_lines(layer, &lines);
		strv_add(&lines, "boot = \"c\"");
		hvm_devices(layer, "none", &lines);
	} else {
		direct_boot_lines(layer, kernel_args, &lines);
	}
	if (layer->disk.size_bytes > 0)
		strv_format(&lines, "disk = [ '%s/%s/disk0.raw,raw,%s,rw,backendtype=qdisk' ]",
			    GUEST_IMAGES_FOLDER, layer->name,
			    layer->machine.type == MACHINE_HVM ? "hda" : "xvda");
	vif_line(layer, layer->outer->network.bridge, &lines);
	end_lines("restart", &lines);
	guest_lines_merge(&lines, &layer->guest_config_lines);
	return lines_text(&lines);
}
