/* The flat config. A list of serial ports is one -serial of qemu-dm each: image.py, since Xen 3.4.
 */
#include "guest/xend.h"

#include "guest/format.h"

static void text_line(struct buf *out, const char *key, const char *value)
{
	CLEANUP(free_cleanup) char *text = guest_quoted(value);

	buf_format(out, "%s = %s\n", key, text);
}

static void list_line(struct buf *out, const char *key, const struct strv *values)
{
	buf_format(out, "%s = [ ", key);
	for (size_t i = 0; i < values->count; i++) {
		CLEANUP(free_cleanup) char *text = guest_quoted(values->items[i]);

		buf_format(out, "%s%s", i ? ", " : "", text);
	}
	buf_text(out, " ]\n");
}

char *xend_channel(const struct xend_machine *machine)
{
	return machine->socket ? str_format("unix:%s,server,nowait", machine->socket)
			       : str_copy("pty");
}

static void machine_lines(const struct layer *layer, struct buf *out)
{
	unsigned long long mib = layer->machine.memory_bytes >> 20;
	char uuid[37];

	guest_uuid(layer, uuid);
	text_line(out, "name", layer->name);
	text_line(out, "uuid", uuid);
	text_line(out, "builder", "hvm");
	buf_format(out, "memory = %llu\nmaxmem = %llu\nvcpus = %u\nhap = 1\n", mib, mib,
		   layer->machine.vcpus);
	if (layer->machine.nested)
		buf_format(out, "nestedhvm = 1\ntsc_mode = %d\n", XEND_TSC_NATIVE);
}

static void disk_line(const struct xend_machine *machine, struct buf *out)
{
	const struct guest_installer *installer = machine->installer;
	CLEANUP(strv_done) struct strv disks = { 0 };

	strv_format(&disks, "file:%s,hda,w", machine->disk);
	if (installer && installer->answer_disk)
		strv_format(&disks, "file:%s,hdb,w", installer->answer_disk);
	if (installer && installer->medium)
		strv_format(&disks, "file:%s,hdc:cdrom,r", installer->medium);
	list_line(out, "disk", &disks);
}

static void vif_line(const struct xend_machine *machine, struct buf *out)
{
	const struct machine_spec *spec = &machine->layer->machine;
	CLEANUP(strv_done) struct strv vif = { 0 };

	strv_format(&vif, "mac=%s,%s%s%smodel=%s,type=ioemu", spec->mac,
		    machine->bridge ? "bridge=" : "", machine->bridge ? machine->bridge : "",
		    machine->bridge ? "," : "", nic_model_name(spec->nic));
	list_line(out, "vif", &vif);
}

/* As for xl: without Xen's platform device no PV drivers. A kernel without a loader would be taken
 * for the firmware. */
static void boot_lines(const struct guest_installer *installer, struct buf *out)
{
	text_line(out, "boot", installer && installer->medium ? "d" : "c");
	if (!installer)
		return;
	buf_text(out, "xen_platform_pci = 0\n");
	if (!installer->kernel)
		return;
	text_line(out, "loader", "hvmloader");
	text_line(out, "kernel", installer->kernel);
	text_line(out, "ramdisk", installer->initrd);
	text_line(out, "extra", installer->arguments);
}

void xend_flat(const struct xend_machine *machine, struct buf *out)
{
	CLEANUP(free_cleanup) char *channel = xend_channel(machine);
	CLEANUP(strv_done) struct strv ports = { 0 };

	if (machine->description)
		buf_format(out, "# %s\n", machine->description);
	strv_add(&ports, "pty");
	strv_add(&ports, channel);
	machine_lines(machine->layer, out);
	disk_line(machine, out);
	vif_line(machine, out);
	boot_lines(machine->installer, out);
	buf_text(out, "vnc = 0\nsdl = 0\n");
	text_line(out, "on_poweroff", "destroy");
	text_line(out, "on_reboot", machine->on_reboot);
	text_line(out, "on_crash", "destroy");
	buf_text(out, "nographic = 1\n");
	list_line(out, "serial", &ports);
}

/* ---- as files for a host that nestctl does not drive ---- */

static struct xend_machine machine_of(const struct guest_request *request)
{
	return (struct xend_machine){ .layer = request->layer,
				      .disk = request->disk_file,
				      .on_reboot = "restart" };
}

static void flat_emit(const struct guest_request *request, struct buf *out)
{
	const struct xend_machine machine = machine_of(request);

	xend_flat(&machine, out);
}

static void sxp_emit(const struct guest_request *request, struct buf *out)
{
	const struct xend_machine machine = machine_of(request);

	xend_sxp(&machine, out);
}

static void xml_emit(const struct guest_request *request, struct buf *out)
{
	const struct xend_machine machine = machine_of(request);

	xend_xml(&machine, out);
}

#define MACHINE_OF_XEND                                                                            \
	.memory_unit_bytes = UINT64_C(1) << 20, .nics = 1U << NIC_E1000 | 1U << NIC_RTL8139,       \
	.esxi = true, .disk_prefix = GUEST_IMAGES_FOLDER "/", .disk_suffix = ".raw"

const struct guest_format xm_guest = {
	.name = "xm",
	.title = "an xm config",
	.suffix = ".cfg",
	.not_in_name = ",", /* xm splits at each */
	.emit = flat_emit,
	MACHINE_OF_XEND,
};

const struct guest_format sxp_guest = {
	.name = "sxp",
	.title = "an SXP config of xend",
	.suffix = ".sxp",
	.emit = sxp_emit,
	MACHINE_OF_XEND,
};

const struct guest_format xend_xml_guest = {
	.name = "xend-xml",
	.title = "a domain of libvirt under xend",
	.suffix = ".xml",
	.emit = xml_emit,
	MACHINE_OF_XEND,
};
