#include "compose/family.h"

#include <assert.h>

static const struct family_files *const families[] = { &debian_files, &suse_files };

const struct family_files *family_files_of(enum os_family_id id)
{
	size_t i = 0;

	while (families[i]->id != id) {
		i++;
		assert(i < sizeof families / sizeof *families);
	}
	return families[i];
}

void time_zone_overlay(const struct layer *layer, struct overlay *overlay)
{
	CLEANUP(free_cleanup) char *zone = str_format("/usr/share/zoneinfo/%s", layer->time_zone);

	overlay_link(overlay, "/etc/localtime", zone);
}
