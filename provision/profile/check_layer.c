/* Checks of one layer's keys: what it is, its machine, its boot loader, its network. */
#include <string.h>

#include "bootloader/bootloader.h"
#include "pattern/pattern.h"
#include "profile/address.h"
#include "profile/check_rows.h"
#include "profile/keys.h"
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

/* NULL: it is not given. A profile that others include is for layers of
 * several kinds: what of it has no meaning in this one is passed over. */
static const struct node *given_here(const struct check *check, const char *key)
{
	const struct node *node = node_at(check->layer->map, key);

	return node_given(node) && !node->shared ? node : NULL;
}

/* As if it were not given: profiles that are written out in full do this. */
static bool says_default(const struct key_row *row, const struct node *node)
{
	return node->kind == NODE_SCALAR && str_equal(node->text, row->default_text);
}

static void check_places(const struct check *check)
{
	for (const struct key_row *row = layer_keys; row->path; row++) {
		const struct key_place *place = row->place;
		const struct node *node = place ? given_here(check, row->path) : NULL;
		const char *const own[] = { row->path, NULL };

		if (!node || says_default(row, node) ||
		    !check_known(check->request, check->layer, own) ||
		    !check_known(check->request, check->layer, place->keys) ||
		    place->fits(check->layer))
			continue;
		CLEANUP(free_cleanup)
		char *found = row->secret ? str_copy("something") : node_describe(node);
		check_wrong(check, row->path,
			    "found %s; allowed only %s: leave it out, or move it to a profile that "
			    "is included",
			    found, place->words);
	}
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
	else if (machine->type != MACHINE_HVM && machine->nic != NIC_NETFRONT &&
		 given_here(check, "machine.nic"))
		check_wrong(check, "machine.nic",
			    "found \"%s\"; allowed for a %s machine is netfront",
			    nic_model_name(machine->nic), machine_type_name(machine->type));
}

static void check_disk_bus(const struct check *check)
{
	const struct machine_spec *machine = &check->layer->machine;

	if (machine->type == MACHINE_HVM && machine->disk_bus == DISK_BUS_XEN)
		check_wrong(check, "machine.disk_bus",
			    "found \"xen\"; allowed for an hvm machine is ahci or "
			    "ide");
	else if (machine->type != MACHINE_HVM && machine->disk_bus != DISK_BUS_XEN &&
		 given_here(check, "machine.disk_bus"))
		check_wrong(check, "machine.disk_bus",
			    "found \"%s\"; allowed for a %s machine is xen",
			    disk_bus_name(machine->disk_bus), machine_type_name(machine->type));
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

/* The network's own address, or the one of all its machines. */
static bool is_edge(uint32_t address, uint32_t mask)
{
	return (address & ~mask) == 0 || (address & ~mask) == ~mask;
}

/* RFC 6890: this network, loopback, multicast and what is reserved. */
static bool is_no_machine(uint32_t address)
{
	uint32_t first = address >> 24;

	return first == 0 || first == 127 || first >= 224;
}

static void check_address(const struct check *check)
{
	const struct network_spec *network = &check->layer->network;
	uint32_t address = 0;
	unsigned bits = 0;

	if (network->mode == ADDRESS_DHCP || !cidr_parse(network->address, &address, &bits))
		return;
	if (is_edge(address, UINT32_MAX << (32 - bits)))
		check_wrong(check, "network.address",
			    "found \"%s\", which is the network's own or its "
			    "broadcast address; allowed is one in between",
			    network->address);
	else if (is_no_machine(address))
		check_wrong(check, "network.address",
			    "found \"%s\", which no machine can have; allowed is one from "
			    "1.0.0.0 to 223.255.255.255 outside 127.0.0.0/8",
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
	else if (is_edge(gateway, mask))
		check_wrong(check, "network.gateway",
			    "found \"%s\", which is the network's own or its "
			    "broadcast address; allowed is one in between",
			    network->gateway);
	else if (address == gateway)
		check_wrong(check, "network.gateway",
			    "found \"%s\", the layer's own address; allowed is "
			    "another one",
			    network->gateway);
}

static void check_routes(const struct check *check)
{
	const struct network_spec *network = &check->layer->network;
	uint32_t address = 0, gateway = 0;
	unsigned bits = 0;

	if (network->mode == ADDRESS_DHCP || !cidr_parse(network->address, &address, &bits))
		return;
	uint32_t mask = UINT32_MAX << (32 - bits);
	for (size_t i = 0; i < network->routes.count; i++) {
		CLEANUP(route_done) struct route route = route_parse(network->routes.items[i]);

		if (ip_parse(route.gateway, &gateway) && (address & mask) != (gateway & mask))
			check_wrong(check, "network.routes",
				    "found \"%s\", whose gateway is not in the network of %s; "
				    "allowed is one in it",
				    network->routes.items[i], network->address);
	}
}

/* "/etc/x" and "/etc/x/y": one of them would have to be a file and a folder. */
static bool lies_in(const char *path, const char *folder)
{
	return str_starts(path, folder) && path[strlen(folder)] == '/';
}

static void check_two_files(const struct check *check, size_t one, size_t other)
{
	const struct file_spec *file = &check->layer->files[one];
	const char *path = file->path, *above = check->layer->files[other].path;

	if (str_equal(path, above))
		diagnostic_add(check->diagnostics, &file->mark,
			       "files[%zu].path: found \"%s\", which files[%zu] has too; allowed "
			       "is one that no other file has",
			       one + 1, path, other + 1);
	else if (lies_in(path, above) || lies_in(above, path))
		diagnostic_add(check->diagnostics, &file->mark,
			       "files[%zu].path: found \"%s\" and in files[%zu] \"%s\"; allowed "
			       "is no file where a folder must be",
			       one + 1, path, other + 1, above);
}

static void check_files(const struct check *check)
{
	for (size_t i = 0; i < check->layer->file_count; i++)
		for (size_t j = 0; j < i; j++)
			check_two_files(check, i, j);
}

const struct check_row layer_checks[] = {
	{ check_name, { "name" } },
	{ check_role, { "role", "hypervisor", "pattern" } },
	{ check_places, { NULL } },
	{ check_machine, { "role", "machine.type" } },
	{ check_nic, { "machine.type", "machine.nic" } },
	{ check_disk_bus, { "machine.type", "machine.disk_bus" } },
	{ check_loader, { "machine.type", "boot.loader", "install.medium" } },
	{ check_xen_efi, { "boot.loader", "hypervisor" } },
	{ check_address, { "network.address" } },
	{ check_gateway, { "network.address", "network.gateway" } },
	{ check_routes, { "network.address", "network.routes" } },
	{ check_files, { "files" } },
	{ NULL, { NULL } },
};
