#include "profile/check.h"

#include <string.h>

#include "answers/answers.h"
#include "bootloader/bootloader.h"
#include "image/fat.h"
#include "image/layout.h"
#include "pattern/pattern.h"
#include "profile/keys.h"
#include "profile/valid.h"

#define MIB (UINT64_C(1) << 20)
/* What a host's system, logs and swap file may need besides the images of its guests. */
#define HOST_OS_BYTES (UINT64_C(2) << 30)
/* The hypervisor itself, and for each guest its page tables and device model. */
#define XEN_BYTES	    (UINT64_C(128) << 20)
#define XEN_PER_GUEST_BYTES (UINT64_C(32) << 20)

struct check {
	const struct layer *layer;
	struct diagnostics *diagnostics;
	bool answers_only;
};

static bool given(const char *text)
{
	return text && *text;
}

__attribute__((format(printf, 3, 4))) static void wrong(const struct check *check, const char *key,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	key_wrong(check->layer, key, check->diagnostics, format, args);
	va_end(args);
}

/* ---- one layer ---- */

static void check_role(const struct check *check)
{
	const struct layer *layer = check->layer;
	CLEANUP(free_cleanup) char *fitting = pattern_names_for(layer->role);

	if (layer->pattern->role != layer->role)
		wrong(check, "pattern", "found \"%s\", a pattern for a %s; allowed in a %s is %s",
		      layer->pattern->name, role_name(layer->pattern->role), role_name(layer->role),
		      fitting);
	else if (layer->pattern->hypervisor != layer->hypervisor)
		wrong(check, "hypervisor", "found \"%s\"; allowed with pattern %s is %s",
		      hypervisor_name(layer->hypervisor), layer->pattern->name,
		      hypervisor_name(layer->pattern->hypervisor));
	if (layer->pattern->initramfs == INITRAMFS_AGENT &&
	    layer->packages.count + layer->groups.count + layer->ssh_keys.count +
			    layer->services.count + layer->network.routes.count >
		    0)
		wrong(check, "pattern",
		      "found \"%s\", which has no system for packages, groups, services, "
		      "routes and ssh_keys; allowed with them is guest",
		      layer->pattern->name);
}

/* ---- where the layer comes from ---- */

static void check_packages(const struct check *check)
{
	const struct layer *layer = check->layer;
	CLEANUP(free_cleanup) char *releases = pattern_releases(layer->pattern, layer->os_family);
	CLEANUP(free_cleanup) char *groups = package_group_names();

	if (!pattern_packages(layer->pattern, layer->os_family, layer->release))
		wrong(check, "os.release",
		      "found \"%s\", a release of %s for which pattern %s has no "
		      "packages; allowed is %s",
		      layer->release, os_family_name(layer->os_family), layer->pattern->name,
		      *releases ? releases : "another os.family");
	for (size_t i = 0; i < layer->groups.count; i++)
		if (!package_group(layer->groups.items[i], layer->os_family, layer->release))
			wrong(check, "os.groups", "found \"%s\"; allowed is one of %s",
			      layer->groups.items[i], groups);
	if (layer->disk.extra.count > 0)
		wrong(check, "disk.extra",
		      "found further disks; allowed is none in a layer without an "
		      "install.medium");
}

/* What only an installer would have use for. */
static void check_no_installer(const struct check *check)
{
	static const char *const keys[] = { "install.sha256", "install.kernel_args",
					    "install.timeout" };

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const struct node *node = node_at(check->layer->map, keys[i]);

		if (node && node->kind == NODE_SCALAR && *node->text)
			wrong(check, keys[i],
			      "found \"%s\"; allowed is none in a layer without an install.medium",
			      node->text);
	}
}

/* An installer makes the layer: what its answer file cannot say is wrong here and now. */
static void check_installer(const struct check *check)
{
	const struct layer *layer = check->layer;

	if (strstr(layer->install.medium, "://") && !*layer->install.sha256)
		wrong(check, "install.sha256",
		      "found nothing; allowed for a medium that is fetched from a URL is its "
		      "SHA-256");
	answers_check_layer(layer, answers_format_of(layer->os_family), check->diagnostics);
}

static void check_source(const struct check *check)
{
	const struct layer *layer = check->layer;
	bool medium = *layer->install.medium;

	if (medium || layer->os_family != OS_DEBIAN)
		check_installer(check);
	else if (!check->answers_only)
		check_packages(check);
	if (!medium && !check->answers_only)
		check_no_installer(check);
	if (!medium && layer->os_family != OS_DEBIAN && !check->answers_only)
		wrong(check, "install.medium",
		      "found nothing; allowed for a layer of family %s is the ISO image of its "
		      "installer: only debian is made directly from packages",
		      os_family_name(layer->os_family));
}

static void check_machine(const struct check *check)
{
	const struct layer *layer = check->layer;
	bool hvm = layer->machine.type == MACHINE_HVM;

	if (!layer->outer && !hvm)
		wrong(check, "machine.type", "found \"%s\"; allowed for the outermost layer is hvm",
		      machine_type_name(layer->machine.type));
	if (layer->role == ROLE_HOST && !hvm)
		wrong(check, "machine.type", "found \"%s\"; allowed for a host is hvm",
		      machine_type_name(layer->machine.type));
	if (hvm && layer->machine.nic == NIC_NETFRONT)
		wrong(check, "machine.nic",
		      "found \"netfront\", which a fully virtualized machine "
		      "sees only with drivers that a Xen host inside it cannot use; allowed is e1000 "
		      "or rtl8139");
	if (hvm && layer->machine.disk_bus == DISK_BUS_XEN)
		wrong(check, "machine.disk_bus",
		      "found \"xen\"; allowed for an hvm machine is ahci or "
		      "ide");
}

static void check_uefi(const struct check *check, const char *loader)
{
	const struct layer *layer = check->layer;

	if (disk_partition_at(&layer->disk, ESP_MOUNT_POINT) == layer->disk.partition_count)
		wrong(check, "disk.partitions",
		      "found no EFI system partition; allowed with %s is a disk with one: filesystem "
		      "vfat, mount %s",
		      loader, ESP_MOUNT_POINT);
	if (layer->boot_loader == BOOT_XEN_EFI && layer->hypervisor != HYPERVISOR_XEN)
		wrong(check, "boot.loader", "found \"%s\"; allowed without Xen is grub2-efi",
		      loader);
}

/* Its file system drivers and its embedding are older than ext4 and GPT. */
static void check_grub_legacy(const struct check *check)
{
	const struct disk_spec *disk = &check->layer->disk;
	size_t root = disk_partition_at(disk, "/");

	if (disk->table != TABLE_MBR)
		wrong(check, "disk.table", "found \"%s\"; allowed with grub-legacy is mbr",
		      table_kind_name(disk->table));
	if (root == disk->partition_count || disk->partitions[root].filesystem == FILESYSTEM_EXT3)
		return;
	diagnostic_add(
		check->diagnostics, &disk->partitions[root].mark,
		"disk.partitions[%zu].filesystem: found \"%s\"; allowed for / with grub-legacy "
		"is ext3",
		root + 1, filesystem_kind_name(disk->partitions[root].filesystem));
}

static void check_loader(const struct check *check)
{
	const struct layer *layer = check->layer;
	const char *loader = boot_loader_name(layer->boot_loader);
	bool hvm = layer->machine.type == MACHINE_HVM;

	if (hvm && layer->boot_loader == BOOT_DIRECT)
		wrong(check, "boot.loader",
		      "found \"direct\"; allowed for an hvm machine is one that its disk holds, such "
		      "as grub2-bios");
	/* Its installer puts any of them there. */
	if (hvm && layer->outer && !layer_is_installed(layer) &&
	    layer->boot_loader != BOOT_DIRECT && layer->boot_loader != BOOT_GRUB2_BIOS)
		wrong(check, "boot.loader", "found \"%s\"; allowed inside a host is grub2-bios",
		      loader);
	if (!hvm && layer->boot_loader != BOOT_DIRECT)
		wrong(check, "boot.loader", "found \"%s\"; allowed for a %s machine is direct",
		      loader, machine_type_name(layer->machine.type));
	if (bootloader_of(layer->boot_loader)->uefi)
		check_uefi(check, loader);
	if (layer->boot_loader == BOOT_GRUB_LEGACY)
		check_grub_legacy(check);
}

static void check_partition(const struct check *check, const struct partition_spec *partition,
			    size_t number)
{
	bool swap = partition->filesystem == FILESYSTEM_SWAP;

	bool esp = str_equal(partition->mount_point, ESP_MOUNT_POINT);

	if (swap && *partition->mount_point)
		diagnostic_add(check->diagnostics, &partition->mark,
			       "disk.partitions[%zu].mount: found \"%s\"; allowed for swap is none",
			       number, partition->mount_point);
	else if (esp != (partition->filesystem == FILESYSTEM_VFAT))
		diagnostic_add(
			check->diagnostics, &partition->mark,
			"disk.partitions[%zu].filesystem: found \"%s\" at %s; allowed is vfat "
			"at " ESP_MOUNT_POINT " and nowhere else",
			number, filesystem_kind_name(partition->filesystem),
			*partition->mount_point ? partition->mount_point : "no mount point");
	else if (esp && !fat_label_valid(partition->label))
		diagnostic_add(
			check->diagnostics, &partition->mark,
			"disk.partitions[%zu].label: found \"%s\"; allowed for vfat is at most "
			"%d capital letters, digits, - and _",
			number, partition->label, FAT_LABEL_MAX);
}

/* What is too small to hold a file system at all. */
static void check_partition_sizes(const struct check *check, const struct layout *layout)
{
	static const uint64_t least[] = {
		[FILESYSTEM_SWAP] = MIB,
		[FILESYSTEM_EXT3] = 16 * MIB,
		[FILESYSTEM_EXT4] = 16 * MIB,
		[FILESYSTEM_VFAT] = 32 * MIB,
	};

	for (size_t i = 0; i < layout->partition_count; i++) {
		const struct partition_spec *partition = &check->layer->disk.partitions[i];
		CLEANUP(free_cleanup) char *have = size_format(layout->partitions[i].size_bytes);
		CLEANUP(free_cleanup) char *want = size_format(least[partition->filesystem]);

		if (layout->partitions[i].size_bytes < least[partition->filesystem])
			diagnostic_add(check->diagnostics, &partition->mark,
				       "disk.partitions[%zu].size: found %s; allowed for %s is at "
				       "least %s",
				       i + 1, have, filesystem_kind_name(partition->filesystem),
				       want);
	}
}

static size_t mounts_of(const struct disk_spec *disk, const char *mount_point)
{
	size_t count = 0;

	for (size_t i = 0; i < disk->partition_count; i++)
		count += str_equal(disk->partitions[i].mount_point, mount_point);
	return count;
}

static void check_disk(const struct check *check)
{
	const struct layer *layer = check->layer;
	const struct disk_spec *disk = &layer->disk;
	bool needed =
		layer->machine.type == MACHINE_HVM || layer->pattern->initramfs == INITRAMFS_ROOT;
	struct layout layout;
	struct err err = { 0 };

	if (disk->size_bytes == 0) {
		if (needed)
			wrong(check, "disk.size",
			      "found no disk; this layer boots from one, so allowed "
			      "is a size");
		else if (disk->partition_count > 0)
			wrong(check, "disk.partitions",
			      "found partitions without a disk; allowed is "
			      "none, or a disk.size");
		return;
	}
	for (size_t i = 0; i < disk->partition_count; i++) {
		const char *mount_point = disk->partitions[i].mount_point;

		check_partition(check, &disk->partitions[i], i + 1);
		if (given(mount_point) && strcmp(mount_point, "/") != 0 &&
		    mounts_of(disk, mount_point) > 1)
			wrong(check, "disk.partitions", "found %s mounted twice; allowed is once",
			      mount_point);
	}
	/* An installer that partitions the disk by itself. */
	if (disk->partition_count == 0 && !answers_format_of(layer->os_family)->partitions)
		return;
	size_t roots = mounts_of(disk, "/");
	if (roots != 1)
		wrong(check, "disk.partitions",
		      "found %zu partitions mounted at /; allowed is exactly "
		      "one",
		      roots);
	if (layout_check(disk, &err) < 0)
		wrong(check, "disk.partitions", "%s", err.text);
	else if (layout_plan(disk, &layout, &err) < 0)
		wrong(check, "disk.size", "%s", err.text);
	else
		check_partition_sizes(check, &layout);
	err_clear(&err);
}

static void check_network(const struct check *check)
{
	const struct network_spec *network = &check->layer->network;
	uint32_t address = 0, gateway = 0;
	unsigned bits = 0;

	if (network->mode == ADDRESS_DHCP) {
		if (given(network->gateway))
			wrong(check, "network.gateway",
			      "found \"%s\" with address dhcp; allowed is "
			      "none, or a static address",
			      network->gateway);
		return;
	}
	if (!cidr_parse(network->address, &address, &bits))
		return;
	uint32_t mask = UINT32_MAX << (32 - bits);
	if ((address & ~mask) == 0 || (address & ~mask) == ~mask)
		wrong(check, "network.address",
		      "found \"%s\", which is the network's own or its "
		      "broadcast address; allowed is one in between",
		      network->address);
	if (!given(network->gateway) || !ip_parse(network->gateway, &gateway))
		return;
	if ((address & mask) != (gateway & mask))
		wrong(check, "network.gateway",
		      "found \"%s\", which is not in the network of %s; "
		      "allowed is an address in it",
		      network->gateway, network->address);
	else if (address == gateway)
		wrong(check, "network.gateway",
		      "found \"%s\", the layer's own address; allowed is "
		      "another one",
		      network->gateway);
}

/* ---- a layer and what is inside ---- */

static uint64_t images_bytes(const struct layer *layer)
{
	for (size_t i = 0; i < layer->disk.partition_count; i++) {
		const struct partition_spec *partition = &layer->disk.partitions[i];
		bool images = str_equal(partition->mount_point, "/var/lib/xen/images");

		if (images && partition->size_bytes != PARTITION_REST)
			return partition->size_bytes;
	}
	return layer->disk.size_bytes > HOST_OS_BYTES ? layer->disk.size_bytes - HOST_OS_BYTES : 0;
}

static uint64_t swap_bytes(const struct layer *layer)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < layer->disk.partition_count; i++)
		if (layer->disk.partitions[i].filesystem == FILESYSTEM_SWAP &&
		    layer->disk.partitions[i].size_bytes != PARTITION_REST)
			sum += layer->disk.partitions[i].size_bytes;
	return sum;
}

static void check_room(const struct check *check)
{
	const struct layer *layer = check->layer;
	uint64_t disks = 0, memory = layer->dom0_memory_bytes + XEN_BYTES;
	uint64_t swap = swap_bytes(layer), room = images_bytes(layer);

	for (size_t i = 0; i < layer->inner_count; i++) {
		disks += layer->inner[i]->disk.size_bytes;
		memory += layer->inner[i]->machine.memory_bytes + XEN_PER_GUEST_BYTES;
	}
	room = room > swap ? room - swap : 0;
	if (disks > room) {
		CLEANUP(free_cleanup) char *want = size_format(disks);
		CLEANUP(free_cleanup) char *have = size_format(room);

		wrong(check, "disk.size",
		      "found too little for the images inside: they have %s, and "
		      "%s are left besides swap and %lluGiB for the system; allowed is a larger disk, "
		      "or smaller ones inside",
		      want, have, (unsigned long long)(HOST_OS_BYTES >> 30));
	}
	if (memory > layer->machine.memory_bytes) {
		CLEANUP(free_cleanup) char *want = size_format(memory);
		CLEANUP(free_cleanup) char *have = size_format(layer->machine.memory_bytes);

		wrong(check, "machine.memory",
		      "found \"%s\", but dom0, Xen itself and what runs "
		      "inside need %s; allowed is at least that",
		      have, want);
	}
}

static void check_inner(const struct check *check)
{
	const struct layer *layer = check->layer, *outer = layer->outer;

	if (layer->machine.vcpus > outer->machine.vcpus)
		wrong(check, "machine.vcpus", "found \"%u\"; allowed inside %s is at most %u",
		      layer->machine.vcpus, outer->name, outer->machine.vcpus);
	if (layer->machine.type != MACHINE_PV && !outer->machine.nested)
		wrong(check, "machine.type",
		      "found \"%s\", which needs nesting in %s; allowed is pv, "
		      "or machine.nested: true there",
		      machine_type_name(layer->machine.type), outer->name);
}

/* ---- between all layers ---- */

/* A MAC that was derived from the name is not what is wrong with two layers of one name. */
static bool mac_of_one_name(const char *key, const struct layer *one, const struct layer *other)
{
	return str_equal(key, "machine.mac") && str_equal(one->name, other->name);
}

static void check_unique(const struct stack *stack, const char *key,
			 const char *(*value_of)(const struct layer *layer),
			 struct diagnostics *diagnostics)
{
	for (size_t i = 0; i < stack->layer_count; i++) {
		const char *value = value_of(stack->layers[i]);
		const struct check check = { stack->layers[i], diagnostics, false };

		for (size_t j = 0; given(value) && j < i; j++)
			if (str_equal(value, value_of(stack->layers[j])) &&
			    !mac_of_one_name(key, stack->layers[i], stack->layers[j]))
				wrong(&check, key,
				      "found \"%s\", which %s has too; allowed is one that "
				      "no other layer has",
				      value,
				      str_equal(key, "name") ? "another layer"
							     : stack->layers[j]->name);
	}
}

static const char *name_of(const struct layer *layer)
{
	return layer->name;
}

static const char *mac_of(const struct layer *layer)
{
	return layer->machine.mac;
}

static const char *address_of(const struct layer *layer)
{
	return layer->network.address;
}

void stack_check(const struct stack_check *request, struct diagnostics *diagnostics)
{
	const struct stack *stack = request->stack;

	for (size_t i = 0; i < stack->layer_count; i++) {
		const struct check check = { stack->layers[i], diagnostics, request->answers_only };

		if (!request->sound[i])
			continue;
		check_role(&check);
		check_source(&check);
		check_machine(&check);
		check_loader(&check);
		check_disk(&check);
		check_network(&check);
		if (check.layer->role == ROLE_HOST)
			check_room(&check);
		if (check.layer->outer)
			check_inner(&check);
	}
	check_unique(stack, "name", name_of, diagnostics);
	check_unique(stack, "machine.mac", mac_of, diagnostics);
	check_unique(stack, "network.address", address_of, diagnostics);
}
