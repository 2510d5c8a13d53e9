#include "pxe/image_boot.h"

#include <string.h>

#include "fix/disk.h"

int image_boot_uuid(const char *path, char ret_uuid[PROBE_UUID_BYTES], struct err *err)
{
	CLEANUP(image_cleanup) struct image *image = NULL;
	CLEANUP(disk_done) struct disk disk = { 0 };
	const struct disk_part *found = NULL;
	int r = image_open(path, false, &image, err);

	if (r == 0)
		r = disk_read(image, &disk, err);
	for (size_t i = 0; r == 0 && i < disk.count; i++) {
		const struct disk_part *part = &disk.parts[i];

		if (part->is_esp || (!found && disk_part_is_ext(part)))
			found = part;
	}
	if (r == 0)
		memcpy(ret_uuid, found ? found->probe.uuid : (char[PROBE_UUID_BYTES]){ "" },
		       PROBE_UUID_BYTES);
	return r;
}
