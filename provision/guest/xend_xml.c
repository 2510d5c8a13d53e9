/* libvirt's domain XML for a host of xend. Memory is in KiB, which needs no unit: libvirt of that
 * time knows none. */
#include "answers/xml.h"
#include "guest/format.h"
#include "guest/xend.h"

/* SUSE's hosts have it; a domain must name one. */
#define BRIDGE "br0"

static void number_text(struct xml *xml, const char *name, unsigned long long number)
{
	CLEANUP(free_cleanup) char *text = str_format("%llu", number);

	xml_text(xml, name, NULL, text);
}

static void system_add(const struct layer *layer, struct xml *xml)
{
	xml_open(xml, "os", NULL);
	xml_text(xml, "type", NULL, "hvm");
	xml_text(xml, "loader", NULL, "/usr/lib/xen/boot/hvmloader");
	xml_text(xml, "boot", XML_ATTRIBUTES("dev", "hd"), "");
	xml_close(xml);
	xml_open(xml, "features", NULL);
	xml_text(xml, "acpi", NULL, "");
	xml_text(xml, "apic", NULL, "");
	xml_text(xml, "pae", NULL, "");
	xml_text(xml, "hap", NULL, "");
	xml_close(xml);
	/* How libvirt says nestedhvm, if it knows it. */
	if (layer->machine.nested)
		xml_text(xml, "cpu", XML_ATTRIBUTES("mode", "host-passthrough"), "");
}

static void serial_add(const char *port, const char *socket, struct xml *xml)
{
	xml_open(xml, "serial", XML_ATTRIBUTES("type", socket ? "unix" : "pty"));
	if (socket)
		xml_text(xml, "source", XML_ATTRIBUTES("mode", "bind", "path", socket), "");
	xml_text(xml, "target", XML_ATTRIBUTES("port", port), "");
	xml_close(xml);
}

static void devices_add(const struct xend_machine *machine, struct xml *xml)
{
	const struct machine_spec *spec = &machine->layer->machine;
	const char *bridge = machine->bridge ? machine->bridge : BRIDGE;

	xml_open(xml, "devices", NULL);
	xml_open(xml, "disk", XML_ATTRIBUTES("type", "file", "device", "disk"));
	xml_text(xml, "driver", XML_ATTRIBUTES("name", "file"), "");
	xml_text(xml, "source", XML_ATTRIBUTES("file", machine->disk), "");
	xml_text(xml, "target", XML_ATTRIBUTES("dev", "hda", "bus", "ide"), "");
	xml_close(xml);
	xml_open(xml, "interface", XML_ATTRIBUTES("type", "bridge"));
	xml_text(xml, "mac", XML_ATTRIBUTES("address", spec->mac), "");
	xml_text(xml, "source", XML_ATTRIBUTES("bridge", bridge), "");
	xml_text(xml, "model", XML_ATTRIBUTES("type", nic_model_name(spec->nic)), "");
	xml_close(xml);
	serial_add("0", NULL, xml);
	serial_add("1", machine->socket, xml);
	xml_close(xml);
}

void xend_xml(const struct xend_machine *machine, struct buf *out)
{
	const struct layer *layer = machine->layer;
	struct xml xml = { 0 };
	char uuid[37];

	guest_uuid(layer, uuid);
	xml_begin(&xml, "Made by nestctl.", NULL);
	xml_open(&xml, "domain", XML_ATTRIBUTES("type", "xen"));
	xml_text(&xml, "name", NULL, layer->name);
	xml_text(&xml, "uuid", NULL, uuid);
	if (machine->description)
		xml_text(&xml, "description", NULL, machine->description);
	number_text(&xml, "memory", layer->machine.memory_bytes >> 10);
	number_text(&xml, "vcpu", layer->machine.vcpus);
	system_add(layer, &xml);
	xml_text(&xml, "on_poweroff", NULL, "destroy");
	xml_text(&xml, "on_reboot", NULL, machine->on_reboot);
	xml_text(&xml, "on_crash", NULL, "destroy");
	devices_add(machine, &xml);
	xml_close(&xml);
	buf_text(out, buf_str(&xml.text));
	xml_done(&xml);
}
