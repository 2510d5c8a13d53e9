#include "compose/presence.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "compose/family.h"
#include "compose/units.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"
/* Of System V. */
#define SCRIPT_FOLDER "/etc/init.d"

static bool folder_has(struct fsys *root, const char *folder, const char *name)
{
	CLEANUP(free_cleanup) char *path = str_format("%s/%s", folder, name);

	return fsys_exists(root, path);
}

/* systemd makes NAME.service of a script NAME. */
static bool has_script(struct fsys *root, const char *unit)
{
	CLEANUP(free_cleanup) char *name = str_copy(unit);

	if (!str_ends(name, ".service"))
		return false;
	*strrchr(name, '.') = '\0';
	return folder_has(root, SCRIPT_FOLDER, name);
}

static int service_check(const struct layer *layer, size_t index, struct fsys *root,
			 struct err *err)
{
	const char *name = layer->services.items[index];
	CLEANUP(free_cleanup) char *unit = unit_of_service(name);

	if (folder_has(root, UNIT_FOLDER, unit) ||
	    folder_has(root, family_files_of(layer->os_family)->unit_folder, unit) ||
	    has_script(root, unit))
		return 0;
	return err_set(err, -EINVAL,
		       "services[%zu]: found \"%s\", but no package of the layer has a unit %s: "
		       "name the package in os.packages, or bring the unit with files",
		       index + 1, name, unit);
}

/* Systems without zones run on UTC. */
static int time_zone_check(const struct layer *layer, struct fsys *root, struct err *err)
{
	CLEANUP(free_cleanup) char *path = str_format(ZONE_FOLDER "/%s", layer->time_zone);
	struct fsys_attributes attributes;

	if (str_equal(layer->time_zone, "UTC") ||
	    (fsys_get_attributes(root, path, &attributes, NULL) == 0 && !S_ISDIR(attributes.mode)))
		return 0;
	return err_set(err, -EINVAL,
		       "time_zone: found \"%s\", which the layer's system does not know; allowed "
		       "is a file below its " ZONE_FOLDER ", such as Asia/Tokyo: name another "
		       "zone, or the package that has this one (such as tzdata-legacy) in "
		       "os.packages",
		       layer->time_zone);
}

int presence_check(const struct layer *layer, struct fsys *root, struct err *err)
{
	int r = time_zone_check(layer, root, err);

	for (size_t i = 0; r == 0 && i < layer->services.count; i++)
		r = service_check(layer, i, root, err);
	return r;
}
