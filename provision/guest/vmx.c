/* The machine as VMware's products read it (ESXi, Workstation, Fusion). Sources: VMware's KB
 * articles 2108724 (vhv.enable) and 1002844 (static MAC addresses), libvirt's drvesx page on
 * checkMACAddress; the disk hangs on what the profile says, not on a SCSI controller: a small
 * initrd has drivers for AHCI and IDE alone. */
#include <string.h>

#include "base/hash.h"
#include "bootloader/bootloader.h"
#include "guest/format.h"

/* ESXi 6.0, Workstation 11: what vmkernel6 wants. */
#define HARDWARE_VERSION 11
#define MIB_SHIFT	 20

/* VMware's own range for addresses that an administrator gives: others need checkMACAddress. */
#define OWN_PREFIX   "00:50:56:"
#define OWN_LAST_MAX 0x3fUL

/* |XX is a byte: what the quotes and the reader of the file would take for their own. */
static void vmx_add(struct buf *out, const char *key, const char *value)
{
	buf_format(out, "%s = \"", key);
	for (const char *c = value; *c; c++) {
		unsigned char byte = (unsigned char)*c;

		if (byte < 0x20 || strchr("\"|#", byte))
			buf_format(out, "|%02X", byte);
		else
			buf_add(out, c, 1);
	}
	buf_text(out, "\"\n");
}

__attribute__((format(printf, 3, 4))) static void vmx_format(struct buf *out, const char *key,
							     const char *format, ...)
{
	va_list args;

	va_start(args, format);
	CLEANUP(free_cleanup) char *value = str_vformat(format, args);
	va_end(args);
	vmx_add(out, key, value);
}

struct setting {
	const char *key, *value;
};

static void settings_add(struct buf *out, const struct setting *settings)
{
	for (; settings->key; settings++)
		vmx_add(out, settings->key, settings->value);
}

/* What VMware calls the guest: it decides on defaults alone. */
static const char *guest_os(const struct layer *layer)
{
	switch (layer->os_family) {
	case OS_ESXI:
		return "vmkernel6";
	case OS_SUSE:
		return "sles12-64";
	case OS_REDHAT:
	case OS_XCPNG:
		return "rhel7-64";
	case OS_DEBIAN:
	case OS_PROXMOX:
		break;
	}
	return "debian8-64";
}

/* The second group is for versions before 5.1, where vhv.enable does not do it by itself. */
static const struct setting nesting[] = {
	{ "vhv.enable", "TRUE" },
	{ "hypervisor.cpuid.v0", "FALSE" },
	{ "featMask.vm.hv.capable", "Min:1" },
	{ "monitor.virtual_mmu", "hardware" },
	{ "monitor.virtual_exec", "hardware" },
	{ NULL, NULL },
};

static void disk_add(const struct guest_request *request, struct buf *out)
{
	const char *bus = request->layer->machine.disk_bus == DISK_BUS_IDE ? "ide0" : "sata0";
	CLEANUP(free_cleanup) char *controller = str_format("%s.present", bus);
	CLEANUP(free_cleanup) char *present = str_format("%s:0.present", bus);
	CLEANUP(free_cleanup) char *file = str_format("%s:0.fileName", bus);

	if (request->layer->machine.disk_bus != DISK_BUS_IDE)
		vmx_add(out, controller, "TRUE");
	vmx_add(out, present, "TRUE");
	vmx_add(out, file, request->disk_file);
}

static bool is_own_mac(const char *mac)
{
	return strncasecmp(mac, OWN_PREFIX, strlen(OWN_PREFIX)) == 0 &&
	       strtoul(mac + strlen(OWN_PREFIX), NULL, 16) <= OWN_LAST_MAX;
}

static void network_add(const struct layer *layer, struct buf *out)
{
	static const struct setting card[] = {
		{ "ethernet0.present", "TRUE" },
		{ "ethernet0.virtualDev", "e1000" },
		{ "ethernet0.networkName", "VM Network" }, /* ESXi's port group */
		{ "ethernet0.connectionType", "bridged" }, /* of Workstation and Fusion */
		{ "ethernet0.startConnected", "TRUE" },
		{ "ethernet0.addressType", "static" },
		{ NULL, NULL },
	};

	settings_add(out, card);
	vmx_add(out, "ethernet0.address", layer->machine.mac);
	if (!is_own_mac(layer->machine.mac))
		vmx_add(out, "ethernet0.checkMACAddress", "FALSE");
}

/* Files: every product has them, without a licence or a rule of its firewall. */
static void serial_add(const struct layer *layer, struct buf *out)
{
	static const struct setting ports[] = {
		{ "serial0.present", "TRUE" },
		{ "serial0.fileType", "file" },
		{ "serial0.yieldOnMsrRead", "TRUE" },
		{ "serial1.present", "TRUE" },
		{ "serial1.fileType", "file" },
		{ "serial1.yieldOnMsrRead", "TRUE" },
		{ NULL, NULL },
	};

	settings_add(out, ports);
	vmx_format(out, "serial0.fileName", "%s-console.log", layer->name);
	vmx_format(out, "serial1.fileName", "%s-agent.log", layer->name);
}

/* "56 4d xx ...-xx ... xx": as VMware writes them, the first two bytes its own. */
static void uuid_add(const struct layer *layer, struct buf *out)
{
	CLEANUP(buf_done) struct buf text = { 0 };
	uint8_t uuid[16];

	hash_uuid(layer->machine.mac, uuid);
	uuid[0] = 0x56;
	uuid[1] = 0x4d;
	for (size_t i = 0; i < sizeof uuid; i++)
		buf_format(&text, "%s%02x", i == 0 ? "" : i == 8 ? "-" : " ", uuid[i]);
	vmx_add(out, "uuid.bios", buf_str(&text));
	/* A copied machine keeps its UUID, and nobody is asked. */
	vmx_add(out, "uuid.action", "keep");
}

static void vmx_emit(const struct guest_request *request, struct buf *out)
{
	const struct layer *layer = request->layer;

	vmx_add(out, ".encoding", "UTF-8");
	vmx_add(out, "config.version", "8");
	vmx_format(out, "virtualHW.version", "%d", HARDWARE_VERSION);
	vmx_add(out, "displayName", layer->name);
	vmx_add(out, "guestOS", guest_os(layer));
	uuid_add(layer, out);
	vmx_add(out, "firmware", bootloader_of(layer->boot_loader)->uefi ? "efi" : "bios");
	vmx_format(out, "numvcpus", "%u", layer->machine.vcpus);
	vmx_format(out, "memSize", "%llu",
		   (unsigned long long)(layer->machine.memory_bytes >> MIB_SHIFT));
	if (layer->machine.nested)
		settings_add(out, nesting);
	vmx_add(out, "pciBridge0.present", "TRUE");
	disk_add(request, out);
	network_add(layer, out);
	serial_add(layer, out);
	vmx_add(out, "floppy0.present", "FALSE");
}

const struct guest_format vmx_guest = {
	.name = "vmx",
	.title = "a VMX file",
	.suffix = ".vmx",
	.memory_unit_bytes = UINT64_C(4) << MIB_SHIFT,
	.nics = 1U << NIC_E1000,
	.uefi = true,
	.esxi = true,
	.disk_prefix = "",
	.disk_suffix = ".vmdk",
	.emit = vmx_emit,
};
