#include "run/xen_config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

#define CONFIG_BYTES ((size_t)64 * 1024)

static char *config_path(const char *name, const char *suffix)
{
	CLEANUP(free_cleanup) char *path = str_format(GUEST_CONFIG_FOLDER "/%s%s", name, suffix);

	return xen_host_path(path);
}

char *xen_config_path(const char *name)
{
	return config_path(name, "");
}

static bool is_ours(const char *path)
{
	CLEANUP(free_cleanup) char *text = NULL;

	return file_read(path, CONFIG_BYTES, &text, NULL, NULL) == 0 &&
	       strstr(text, GUEST_CONFIG_MARK);
}

/* One that a person wrote is never replaced. */
static int config_check(const char *path, struct err *err)
{
	return !path_exists(path) || is_ours(path)
		       ? 0
		       : err_set(err, -EEXIST,
				 "%s: is another guest's config, not of nestctl's making (move it "
				 "away, or give the layer another name)",
				 path);
}

static int path_check(const struct toolstack *toolstack, const char *path, struct err *err)
{
	bool commas = strchr(toolstack->not_in_path, ',');

	return path && strpbrk(path, toolstack->not_in_path)
		       ? err_set(err, -EINVAL,
				 "%s: a guest config cannot hold this path (no quotes%s and "
				 "backslashes in --out and in install.medium)",
				 path, commas ? ", commas" : "")
		       : 0;
}

static int place_check(const struct toolstack *toolstack, const struct guest_place *place,
		       struct err *err)
{
	const struct guest_installer *installer = place->installer;
	int r = path_check(toolstack, place->disk, err);

	if (r == 0 && installer)
		r = path_check(toolstack, installer->medium, err);
	if (r == 0 && installer)
		r = path_check(toolstack, installer->answer_disk, err);
	return r;
}

static bool has_config(const struct toolstack *toolstack, size_t index, bool installer)
{
	return index < TOOLSTACK_CONFIGS && toolstack->configs[index].emit &&
	       (index == 0 || !installer);
}

static int configs_write(const struct toolstack *toolstack, const struct l0_request *request,
			 const struct guest_place *place, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && has_config(toolstack, i, place->installer); i++) {
		CLEANUP(free_cleanup)
		char *path = config_path(request->layer->name, toolstack->configs[i].suffix);
		CLEANUP(free_cleanup) char *folder = path_folder(path);
		CLEANUP(buf_done) struct buf text = { 0 };

		r = config_check(path, err);
		if (r == 0)
			r = dir_make(folder, 0755, err);
		if (r < 0)
			return r;
		toolstack->configs[i].emit(request->layer, place, &text);
		r = file_write(path, text.data, text.length, 0644, err);
	}
	return r;
}

int xen_config_write(const struct toolstack *toolstack, const struct l0_request *request,
		     struct err *err)
{
	const struct l0_install *install = request->install;
	CLEANUP(free_cleanup)
	char *disk = install ? str_copy(install->disk)
			     : path_join(request->run_folder, request->overlay);
	const struct guest_place place = { disk, install ? "raw" : toolstack->disk_format,
					   request->bridge, install ? &install->installer : NULL };
	int r = place_check(toolstack, &place, err);

	return r < 0 ? r : configs_write(toolstack, request, &place, err);
}

void xen_config_remove(const struct toolstack *toolstack, const char *name)
{
	CLEANUP(free_cleanup) char *socket = str_format(GUEST_SOCKET_FOLDER "/%s.sock", name);
	CLEANUP(free_cleanup) char *where = xen_host_path(socket);

	for (size_t i = 0; has_config(toolstack, i, false); i++) {
		CLEANUP(free_cleanup) char *path = config_path(name, toolstack->configs[i].suffix);

		if (is_ours(path))
			unlink(path);
	}
	unlink(where);
}
