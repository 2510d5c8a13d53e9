/* The descriptor that makes a raw file a disk of VMware: it names the file, its size in sectors,
 * and a geometry. Source: VMware's Virtual Disk Format 1.1 (descriptor, disk data base). ESXi wants
 * its own kind of disk, vmfs, on a datastore; Workstation, Fusion and qemu-img read monolithicFlat.
 */
#include <string.h>

#include "base/hash.h"
#include "guest/format.h"

#define SECTOR_BYTES	  512
#define IDE_CYLINDERS_MAX 16383

struct geometry {
	uint64_t cylinders;
	unsigned heads, sectors;
};

/* IDE stops at 16383 cylinders, whatever the size; elsewhere heads and sectors grow with the disk.
 */
static struct geometry geometry_of(uint64_t disk_bytes, bool ide)
{
	static const struct {
		uint64_t below_bytes;
		unsigned heads, sectors;
	} shapes[] = {
		{ UINT64_C(1) << 30, 64, 32 },
		{ UINT64_C(2) << 30, 128, 32 },
		{ UINT64_MAX, 255, 63 },
	};
	struct geometry geometry = { .heads = 16, .sectors = 63 };
	size_t i = 0;

	while (disk_bytes >= shapes[i].below_bytes)
		i++;
	if (!ide) {
		geometry.heads = shapes[i].heads;
		geometry.sectors = shapes[i].sectors;
	}
	geometry.cylinders =
		disk_bytes / SECTOR_BYTES / ((uint64_t)geometry.heads * geometry.sectors);
	if (ide && geometry.cylinders > IDE_CYLINDERS_MAX)
		geometry.cylinders = IDE_CYLINDERS_MAX;
	return geometry;
}

/* Names the content; ffffffff would be "no parent", fffffffe is what new disks have. */
static uint32_t content_id(const struct layer *layer)
{
	uint8_t uuid[16];

	hash_uuid(layer->machine.mac, uuid);
	return (uint32_t)uuid[0] << 16 | (uint32_t)uuid[1] << 8 | uuid[2];
}

static void descriptor(const struct guest_request *request, const char *kind, const char *extent,
		       const char *offset, struct buf *out)
{
	bool ide = request->layer->machine.disk_bus == DISK_BUS_IDE;
	struct geometry geometry = geometry_of(request->disk_bytes, ide);

	buf_text(out, "# Disk DescriptorFile\nversion=1\nencoding=\"UTF-8\"\n");
	buf_format(out, "CID=%08x\nparentCID=ffffffff\ncreateType=\"%s\"\n\n",
		   content_id(request->layer), kind);
	buf_format(out, "# Extent description\nRW %llu %s \"%s\"%s\n\n",
		   (unsigned long long)(request->disk_bytes / SECTOR_BYTES), extent,
		   request->disk_file, offset);
	buf_text(out, "# The Disk Data Base\n#DDB\n\n");
	buf_format(out, "ddb.adapterType = \"%s\"\n", ide ? "ide" : "lsilogic");
	buf_format(out, "ddb.geometry.cylinders = \"%llu\"\n",
		   (unsigned long long)geometry.cylinders);
	buf_format(out, "ddb.geometry.heads = \"%u\"\nddb.geometry.sectors = \"%u\"\n",
		   geometry.heads, geometry.sectors);
	buf_text(out, "ddb.virtualHWVersion = \"11\"\n");
}

static void vmdk_emit(const struct guest_request *request, struct buf *out)
{
	descriptor(request, "monolithicFlat", "FLAT", " 0", out);
}

static void vmfs_emit(const struct guest_request *request, struct buf *out)
{
	descriptor(request, "vmfs", "VMFS", "", out);
}

/* A disk says nothing of the machine but its bus: no limits of its own. */
#define DISK_LIMITS                                                                                \
	.suffix = ".vmdk", .memory_unit_bytes = 1, .uefi = true, .esxi = true,                     \
	.nics = 1U << NIC_E1000 | 1U << NIC_RTL8139, .not_in_name = "\"", .disk_prefix = "",       \
	.disk_suffix = "-flat.vmdk"

const struct guest_format vmdk_guest = {
	.name = "vmdk",
	.title = "a VMDK descriptor",
	DISK_LIMITS,
	.emit = vmdk_emit,
};

const struct guest_format vmfs_guest = {
	.name = "vmfs",
	.title = "a VMDK descriptor",
	DISK_LIMITS,
	.emit = vmfs_emit,
};
