/* Domain XML for libvirt's QEMU driver with KVM. Source: libvirt's formatdomain page and its schema
 * domain.rng, 9.0. */
#include "answers/xml.h"
#include "bootloader/bootloader.h"
#include "guest/format.h"

#define NETWORK "default"

static void number_text(struct xml *xml, const char *name, const char *const *attributes,
			unsigned long long number)
{
	CLEANUP(free_cleanup) char *text = str_format("%llu", number);

	xml_text(xml, name, attributes, text);
}

static void firmware_add(const struct layer *layer, struct xml *xml)
{
	bool uefi = bootloader_of(layer->boot_loader)->uefi;

	xml_open(xml, "os", uefi ? XML_ATTRIBUTES("firmware", "efi") : NULL);
	xml_text(xml, "type", XML_ATTRIBUTES("arch", "x86_64", "machine", uefi ? "q35" : "pc"),
		 "hvm");
	if (uefi) {
		xml_open(xml, "firmware", NULL);
		xml_text(xml, "feature", XML_ATTRIBUTES("enabled", "no", "name", "secure-boot"),
			 "");
		xml_close(xml);
	}
	xml_text(xml, "boot", XML_ATTRIBUTES("dev", "hd"), "");
	xml_close(xml);
	xml_open(xml, "features", NULL);
	xml_text(xml, "acpi", NULL, "");
	xml_text(xml, "apic", NULL, "");
	xml_close(xml);
}

/* q35 has no IDE: its disks are on AHCI. */
static void disk_add(const struct guest_request *request, struct xml *xml)
{
	const struct layer *layer = request->layer;
	bool ide =
		layer->machine.disk_bus == DISK_BUS_IDE && !bootloader_of(layer->boot_loader)->uefi;

	xml_open(xml, "disk", XML_ATTRIBUTES("type", "file", "device", "disk"));
	xml_text(xml, "driver", XML_ATTRIBUTES("name", "qemu", "type", "raw", "discard", "unmap"),
		 "");
	xml_text(xml, "source", XML_ATTRIBUTES("file", request->disk_file), "");
	xml_text(xml, "target",
		 XML_ATTRIBUTES("dev", ide ? "hda" : "sda", "bus", ide ? "ide" : "sata"), "");
	xml_close(xml);
}

/* The first is the console, the second the agent's channel. */
static void serial_add(const char *port, struct xml *xml)
{
	xml_open(xml, "serial", XML_ATTRIBUTES("type", "pty"));
	xml_text(xml, "target", XML_ATTRIBUTES("type", "isa-serial", "port", port), "");
	xml_close(xml);
}

static void devices_add(const struct guest_request *request, struct xml *xml)
{
	const struct machine_spec *machine = &request->layer->machine;

	xml_open(xml, "devices", NULL);
	disk_add(request, xml);
	xml_open(xml, "interface", XML_ATTRIBUTES("type", "network"));
	xml_text(xml, "mac", XML_ATTRIBUTES("address", machine->mac), "");
	xml_text(xml, "source", XML_ATTRIBUTES("network", NETWORK), "");
	xml_text(xml, "model", XML_ATTRIBUTES("type", nic_model_name(machine->nic)), "");
	xml_close(xml);
	serial_add("0", xml);
	serial_add("1", xml);
	xml_text(xml, "memballoon", XML_ATTRIBUTES("model", "none"), "");
	xml_close(xml);
}

static void libvirt_emit(const struct guest_request *request, struct buf *out)
{
	const struct layer *layer = request->layer;
	struct xml xml = { 0 };
	char uuid[37];

	guest_uuid(layer, uuid);
	xml_begin(&xml, "Made by nestctl.", NULL);
	xml_open(&xml, "domain", XML_ATTRIBUTES("type", "kvm"));
	xml_text(&xml, "name", NULL, layer->name);
	xml_text(&xml, "uuid", NULL, uuid);
	number_text(&xml, "memory", XML_ATTRIBUTES("unit", "b"), layer->machine.memory_bytes);
	number_text(&xml, "vcpu", NULL, layer->machine.vcpus);
	firmware_add(layer, &xml);
	/* The host's CPU with its virtualization, which no named model promises. */
	xml_text(&xml, "cpu", XML_ATTRIBUTES("mode", "host-passthrough", "check", "none"), "");
	xml_text(&xml, "on_poweroff", NULL, "destroy");
	xml_text(&xml, "on_reboot", NULL, "restart");
	xml_text(&xml, "on_crash", NULL, "destroy");
	devices_add(request, &xml);
	xml_close(&xml);
	buf_text(out, buf_str(&xml.text));
	xml_done(&xml);
}

const struct guest_format libvirt_guest = {
	.name = "libvirt",
	.title = "a domain of libvirt",
	.suffix = ".xml",
	.memory_unit_bytes = 1024,
	.nics = 1U << NIC_E1000 | 1U << NIC_RTL8139,
	.uefi = true,
	.esxi = true,
	.disk_prefix = "/var/lib/libvirt/images/",
	.disk_suffix = ".raw",
	.emit = libvirt_emit,
};
