/* SXP: xend's nested lists. Source: tools/python/xen/xend/sxp.py of Xen 4.2. */
#include <string.h>

#include "guest/format.h"
#include "guest/xend.h"

/* What needs no quotes. */
#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+=,-"

static void atom(struct buf *out, const char *value)
{
	if (*value && !value[strspn(value, PLAIN)]) {
		buf_text(out, value);
		return;
	}
	buf_text(out, "'");
	for (; *value; value++)
		buf_format(out, "%s%c", strchr("'\\", *value) ? "\\" : "", *value);
	buf_text(out, "'");
}

/* " (KEY VALUE)" */
static void pair(struct buf *out, const char *key, const char *value)
{
	buf_format(out, " (%s ", key);
	atom(out, value);
	buf_text(out, ")");
}

static void line(struct buf *out, const char *key, const char *value)
{
	buf_text(out, "   ");
	pair(out, key, value);
	buf_text(out, "\n");
}

static void number(struct buf *out, const char *key, unsigned long long value)
{
	buf_format(out, "    (%s %llu)\n", key, value);
}

/* xm would add what a config does not say, xend does not: without acpi there is none. */
static void image(const struct xend_machine *machine, struct buf *out)
{
	CLEANUP(free_cleanup) char *channel = xend_channel(machine);

	buf_format(out,
		   "    (image (hvm (loader hvmloader) (acpi 1) (apic 1) (pae 1) (vcpus %u) "
		   "(hap 1)",
		   machine->layer->machine.vcpus);
	if (machine->layer->machine.nested)
		buf_format(out, " (nestedhvm 1) (tsc_mode %d)", XEND_TSC_NATIVE);
	buf_text(out, " (boot c) (vnc 0) (sdl 0) (nographic 1) (serial (pty ");
	atom(out, channel);
	buf_text(out, "))))\n");
}

static void devices(const struct xend_machine *machine, struct buf *out)
{
	const struct machine_spec *spec = &machine->layer->machine;
	CLEANUP(free_cleanup) char *disk = str_format("file:%s", machine->disk);

	buf_text(out, "    (device (vbd");
	pair(out, "uname", disk);
	buf_text(out, " (dev hda) (mode w)))\n    (device (vif");
	pair(out, "mac", spec->mac);
	if (machine->bridge)
		pair(out, "bridge", machine->bridge);
	pair(out, "model", nic_model_name(spec->nic));
	buf_text(out, " (type ioemu)))\n");
}

void xend_sxp(const struct xend_machine *machine, struct buf *out)
{
	const struct layer *layer = machine->layer;
	char uuid[37];

	guest_uuid(layer, uuid);
	buf_text(out, "(domain\n");
	line(out, "name", layer->name);
	line(out, "uuid", uuid);
	if (machine->description)
		line(out, "description", machine->description);
	number(out, "memory", layer->machine.memory_bytes >> 20);
	number(out, "maxmem", layer->machine.memory_bytes >> 20);
	number(out, "vcpus", layer->machine.vcpus);
	line(out, "on_poweroff", "destroy");
	line(out, "on_reboot", machine->on_reboot);
	line(out, "on_crash", "destroy");
	image(machine, out);
	devices(machine, out);
	buf_text(out, ")\n");
}
