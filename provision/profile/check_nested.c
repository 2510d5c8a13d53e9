/* Checks of a layer and what is inside it. */
#include "profile/check_rows.h"

/* What a host's system, logs and swap file may need besides the images of its guests. */
#define HOST_OS_BYTES (UINT64_C(2) << 30)
/* The hypervisor itself, and for each guest its page tables and device model. */
#define XEN_BYTES	    (UINT64_C(128) << 20)
#define XEN_PER_GUEST_BYTES (UINT64_C(32) << 20)

static bool inner_known(const struct check *check, const char *key)
{
	const char *const keys[] = { key, NULL };

	for (size_t i = 0; i < check->layer->inner_count; i++)
		if (!check_known(check->request, check->layer->inner[i], keys))
			return false;
	return true;
}

static bool outer_known(const struct check *check, const char *key)
{
	const char *const keys[] = { "role", key, NULL };

	return check_known(check->request, check->layer->outer, keys);
}

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

static void check_disk_room(const struct check *check)
{
	const struct layer *layer = check->layer;
	uint64_t disks = 0, swap = swap_bytes(layer), room = images_bytes(layer);

	for (size_t i = 0; i < layer->inner_count; i++)
		disks += layer->inner[i]->disk.size_bytes;
	room = room > swap ? room - swap : 0;
	if (layer->role != ROLE_HOST || disks <= room || !inner_known(check, "disk.size"))
		return;
	CLEANUP(free_cleanup) char *want = size_format(disks);
	CLEANUP(free_cleanup) char *have = size_format(room);
	check_wrong(
		check, "disk.size",
		"found too little for the images inside %s: they have %s, and "
		"%s are left besides swap and %lluGiB for the system; allowed is a larger disk, "
		"or smaller ones inside",
		layer->name, want, have, (unsigned long long)(HOST_OS_BYTES >> 30));
}

static void check_memory_room(const struct check *check)
{
	const struct layer *layer = check->layer;
	uint64_t memory = layer->dom0_memory_bytes + XEN_BYTES;

	for (size_t i = 0; i < layer->inner_count; i++)
		memory += layer->inner[i]->machine.memory_bytes + XEN_PER_GUEST_BYTES;
	if (layer->role != ROLE_HOST || memory <= layer->machine.memory_bytes ||
	    !inner_known(check, "machine.memory"))
		return;
	CLEANUP(free_cleanup) char *want = size_format(memory);
	CLEANUP(free_cleanup) char *have = size_format(layer->machine.memory_bytes);
	check_wrong(check, "machine.memory",
		    "found \"%s\", but dom0, Xen itself and what runs "
		    "inside %s need %s; allowed is at least that",
		    have, layer->name, want);
}

static void check_vcpus(const struct check *check)
{
	const struct layer *layer = check->layer, *outer = layer->outer;

	if (outer && layer->machine.vcpus > outer->machine.vcpus &&
	    outer_known(check, "machine.vcpus"))
		check_wrong(check, "machine.vcpus", "found \"%u\"; allowed inside %s is at most %u",
			    layer->machine.vcpus, outer->name, outer->machine.vcpus);
}

static void check_nesting(const struct check *check)
{
	const struct layer *layer = check->layer, *outer = layer->outer;

	if (outer && layer->machine.type != MACHINE_PV && !outer->machine.nested &&
	    outer_known(check, "machine.nested"))
		check_wrong(check, "machine.type",
			    "found \"%s\", which needs nesting in %s; allowed is pv, "
			    "or machine.nested: true there",
			    machine_type_name(layer->machine.type), outer->name);
}

const struct check_row nested_checks[] = {
	{ check_disk_room, { "role", "disk" } },
	{ check_memory_room, { "role", "machine.memory", "boot.dom0_memory" } },
	{ check_vcpus, { "machine.vcpus" } },
	{ check_nesting, { "machine.type" } },
	{ NULL, { NULL } },
};
