/* Checks of one layer's keys: what it is, its machine, its boot loader, its network. */
#include <string.h>

#include "bootloader/bootloader.h"
#include "pattern/pattern.h"
#include "profile/check_rows.h"
#include "profile/valid.h"

/* A layer's console goes to logs/NAME.log, where ours are too. */
static void check_name(const struct check *check)
{
	static const char *const ours[] = { "qemu", "supervisor" };

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (str_equal(check->layer->name, ours[i]))
			check_wrong(check, "name",
				    "found \"%s\", the name of a log of nestctl's own; "
				    "allowed is another one",
				    check->layer->name);
}

static void check_role(const struct check *check)
{
	const struct layer *layer = check->layer;
	CLEANUP(free_cleanup) char *fitting = pattern_names_for(layer->role);

	if (layer->pattern->role != layer->role)
		check_wrong(check, "pattern",
			    "found \"%s\", a pattern for a %s; allowed in a %s is %s",
			    layer->pattern->name, role_name(layer->pattern->role),
			    role_name(layer->role), fitting);
	else if (layer->pattern->hypervisor != layer->hypervisor)
		check_wrong(check, "hypervisor", "found \"%s\"; allowed with pattern %s is %s",
			    hypervisor_name(layer->hypervisor), layer->pattern->name,
			    hypervisor_name(layer->pattern->hypervisor));
}

static void check_leaf(const struct check *check)
{
	const struct layer *layer = check->layer;

	if (layer->pattern->initramfs == INITRAMFS_AGENT &&
	    layer->packages.count + layer->groups.count + layer->ssh_keys.count +
			    layer->services.count + layer->network.routes.count >
		    0)
		check_wrong(check, "pattern",
			    "found \"%s\", which has no system for packages, groups, services, "
			    "routes and ssh_keys; allowed with them is guest",
			    layer->pattern->name);
}

static void check_machine(const struct check *check)
{
	const struct layer *layer = check->layer;
	bool hvm = layer->machine.type == MACHINE_HVM;

	if (!layer->outer && !hvm)
		check_wrong(check, "machine.type",
			    "found \"%s\"; allowed for the outermost layer is hvm",
			    machine_type_name(layer->machine.type));
	if (layer->role == ROLE_HOST && !hvm)
		check_wrong(check, "machine.type", "found \"%s\"; allowed for a host is hvm",
			    machine_type_name(layer->machine.type));
}

static void check_nic(const struct check *check)
{
	const struct machine_spec *machine = &check->layer->machine;

	if (machine->type == MACHINE_HVM && machine->nic == NIC_NETFRONT)
		check_wrong(
			check, "machine.nic",
			"found \"netfront\", which a fully virtualized machine "
			"sees only with drivers that a Xen host inside it cannot use; allowed is e1000 "
			"or rtl8139");
}

static void check_disk_bus(const struct check *check)
{
	const struct machine_spec *machine = &check->layer->machine;

	if (machine->type == MACHINE_HVM && machine->disk_bus == DISK_BUS_XEN)
		check_wrong(check, "machine.disk_bus",
			    "found \"xen\"; allowed for an hvm machine is ahci or "
			    "ide");
}

static void check_xen_efi(const struct check *check)
{
	const struct layer *layer = check->layer;

	if (layer->boot_loader == BOOT_XEN_EFI && layer->hypervisor != HYPERVISOR_XEN)
		check_wrong(check, "boot.loader", "found \"%s\"; allowed without Xen is grub2-efi",
			    boot_loader_name(layer->boot_loader));
}

static void check_loader(const struct check *check)
{
	const struct layer *layer = check->layer;
	const char *loader = boot_loader_name(layer->boot_loader);
	bool hvm = layer->machine.type == MACHINE_HVM;

	if (hvm && layer->boot_loader == BOOT_DIRECT)
		check_wrong(
			check, "boot.loader",
			"found \"direct\"; allowed for an hvm machine is one that its disk holds, such "
			"as grub2-bios");
	/* Its installer puts any of them there. */
	if (hvm && layer->outer && !layer_is_installed(layer) &&
	    layer->boot_loader != BOOT_DIRECT && layer->boot_loader != BOOT_GRUB2_BIOS)
		check_wrong(check, "boot.loader",
			    "found \"%s\"; allowed inside a host is grub2-bios", loader);
	if (!hvm && layer->boot_loader != BOOT_DIRECT)
		check_wrong(check, "boot.loader",
			    "found \"%s\"; allowed for a %s machine is direct", loader,
			    machine_type_name(layer->machine.type));
}

static void check_address(const struct check *check)
{
	const struct network_spec *network = &check->layer->network;
	uint32_t address = 0;
	unsigned bits = 0;

	if (network->mode == ADDRESS_DHCP || !cidr_parse(network->address, &address, &bits))
		return;
	uint32_t mask = UINT32_MAX << (32 - bits);
	if ((address & ~mask) == 0 || (address & ~mask) == ~mask)
		check_wrong(check, "network.address",
			    "found \"%s\", which is the network's own or its "
			    "broadcast address; allowed is one in between",
			    network->address);
}

static void check_gateway(const struct check *check)
{
	const struct network_spec *network = &check->layer->network;
	uint32_t address = 0, gateway = 0;
	unsigned bits = 0;

	if (!*network->gateway)
		return;
	if (network->mode == ADDRESS_DHCP) {
		check_wrong(check, "network.gateway",
			    "found \"%s\" with address dhcp; allowed is "
			    "none, or a static address",
			    network->gateway);
		return;
	}
	if (!cidr_parse(network->address, &address, &bits) || !ip_parse(network->gateway, &gateway))
		return;
	uint32_t mask = UINT32_MAX << (32 - bits);
	if ((address & mask) != (gateway & mask))
		check_wrong(check, "network.gateway",
			    "found \"%s\", which is not in the network of %s; "
			    "allowed is an address in it",
			    network->gateway, network->address);
	else if (address == gateway)
		check_wrong(check, "network.gateway",
			    "found \"%s\", the layer's own address; allowed is "
			    "another one",
			    network->gateway);
}

const struct check_row layer_checks[] = {
	{ check_name, { "name" } },
	{ check_role, { "role", "hypervisor", "pattern" } },
	{ check_leaf,
	  { "pattern", "os.packages", "os.groups", "services", "network.routes", "ssh_keys" } },
	{ check_machine, { "role", "machine.type" } },
	{ check_nic, { "machine.type", "machine.nic" } },
	{ check_disk_bus, { "machine.type", "machine.disk_bus" } },
	{ check_loader, { "machine.type", "boot.loader", "install.medium" } },
	{ check_xen_efi, { "boot.loader", "hypervisor" } },
	{ check_address, { "network.address" } },
	{ check_gateway, { "network.address", "network.gateway" } },
	{ NULL, { NULL } },
};
