#include "pxe/disk_twin.h"

#include <errno.h>

#include "base/fs.h"
#include "pxe/image_boot.h"

int disk_twin_check(const struct machine_disks *disks, const struct machine_disk *disk,
		    const char *dev, const char *boot_uuid, struct err *err)
{
	for (size_t i = 0; *boot_uuid && i < disks->count; i++) {
		const struct machine_disk *other = &disks->items[i];
		CLEANUP(free_cleanup) char *path = path_join(dev, other->name);
		char uuid[PROBE_UUID_BYTES];

		if (other == disk || image_boot_uuid(path, uuid, NULL) < 0 ||
		    !str_equal(uuid, boot_uuid))
			continue;
		return err_set(err, -ENOTUNIQ,
			       "%s: holds this machine's image, too (file system %s), and may be "
			       "started in place of %s: take it out, or clear its partition table "
			       "in the rescue system",
			       path, uuid, disk->name);
	}
	return 0;
}
