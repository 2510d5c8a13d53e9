#include "compose/units.h"

#include <string.h>

#include "base/fs.h"

#define WANTS_FOLDER UNIT_FOLDER "/multi-user.target.wants"

int overlay_rendered(struct overlay *overlay, const char *name, const char *path, uint32_t mode,
		     const struct template_value *values, struct err *err)
{
	CLEANUP(free_cleanup) char *text = NULL;
	int r = template_render(name, values, &text, err);

	if (r < 0)
		return r;
	overlay_file(overlay, path, text, strlen(text), mode);
	return 0;
}

/* What a unit's name ends in, systemd.unit(5). A dot alone says nothing: php8.2-fpm. */
static bool is_unit(const char *name)
{
	static const char *const kinds[] = { ".service", ".socket", ".timer", ".target",
					     ".path",	 ".mount",  ".slice", ".automount",
					     ".swap",	 ".scope",  ".device" };

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (str_ends(name, kinds[i]))
			return true;
	return false;
}

char *unit_of_service(const char *service)
{
	return str_format("%s%s", service, is_unit(service) ? "" : ".service");
}

void unit_enable(struct overlay *overlay, const char *unit, const char *target_folder)
{
	CLEANUP(free_cleanup) char *link = str_format("%s/%s", WANTS_FOLDER, unit);
	CLEANUP(free_cleanup) char *target = str_format("%s/%s", target_folder, unit);

	overlay_link(overlay, link, target);
}

void unit_alias(struct overlay *overlay, const char *alias, const char *unit_path)
{
	CLEANUP(free_cleanup) char *link = str_format("%s/%s", UNIT_FOLDER, alias);

	overlay_link(overlay, link, unit_path);
}

void unit_mask(struct overlay *overlay, const char *folder, const char *name)
{
	CLEANUP(free_cleanup) char *link = path_join(folder, name);

	overlay_link(overlay, link, "/dev/null");
}
