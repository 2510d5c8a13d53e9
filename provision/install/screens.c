#include "install/screens.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>

#include "base/fs.h"
#include "base/log.h"

#define SECONDS 10.0
#define SUFFIX	".png"

static char *screen_path(const struct screens *screens, unsigned number)
{
	return str_format("%s-%03u" SUFFIX, screens->prefix, number);
}

void screens_begin(struct screens *screens, const char *prefix)
{
	CLEANUP(free_cleanup) char *folder = path_folder(prefix);
	CLEANUP(free_cleanup) char *start = str_format("%s-", path_name(prefix));
	DIR *dir = opendir(folder);
	struct dirent *entry;

	*screens = (struct screens){ .prefix = str_copy(prefix) };
	while (dir && (entry = readdir(dir))) {
		CLEANUP(free_cleanup) char *path = path_join(folder, entry->d_name);

		if (str_starts(entry->d_name, start) && str_ends(entry->d_name, SUFFIX))
			unlink(path);
	}
	if (dir)
		closedir(dir);
}

void screens_take(struct screens *screens, struct qmp *qmp)
{
	CLEANUP(free_cleanup) char *path = screen_path(screens, screens->number + 1);
	json_t *json = json_pack("{s:s, s:s}", "filename", path, "format", "png");
	CLEANUP(free_cleanup) char *arguments = json ? json_dumps(json, JSON_COMPACT) : NULL;
	struct err err = { 0 };

	json_decref(json);
	if (screens->refused || !arguments)
		return;
	int r = qmp_command(qmp, "screendump", arguments, SECONDS, NULL, &err);
	if (r < 0) {
		log_warn("no screenshot: %s", err.text);
		err_clear(&err);
		screens->refused = r != -ETIMEDOUT; /* a busy machine may have time for the next */
		return;
	}
	screens->number++;
	if (screens->number > SCREENS_KEPT) {
		CLEANUP(free_cleanup)
		char *old = screen_path(screens, screens->number - SCREENS_KEPT);

		unlink(old);
	}
}

char *screens_newest(const struct screens *screens)
{
	return screens->number ? screen_path(screens, screens->number) : NULL;
}

void screens_done(struct screens *screens)
{
	free(screens->prefix);
	*screens = (struct screens){ 0 };
}
