#include "os/work_folder.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/left_over.h"
#include "base/memory_folder.h"
#include "base/spawn.h"

/* What an ordinary user's mmdebstrap made belongs to ids of the user's own range. */
static void folder_remove(const char *path)
{
	const char *argv[] = { "mmdebstrap", "--unshare-helper", "rm", "-rf", path, NULL };
	const struct spawn_options options = { .argv = argv,
					       .purpose = "removing a tree in memory" };
	CLEANUP(free_cleanup) char *output = NULL;

	if (rmdir(path) == 0 || errno == ENOENT)
		return;
	if (geteuid() != 0)
		spawn_run(&options, &output, NULL);
	tree_remove(path, NULL);
}

void work_folder_make(uint64_t bytes, char **ret_folder)
{
	const char *chosen = getenv("TMPDIR"), *above;

	*ret_folder = NULL;
	if (chosen && *chosen)
		return;
	left_overs_remove(MEMORY_FOLDER, 0, folder_remove);
	above = memory_folder(bytes);
	if (!above)
		return;
	CLEANUP(free_cleanup) char *name = left_over_name();
	CLEANUP(free_cleanup) char *path = path_join(above, name);
	/* The mapped root of a user namespace must be able to write there; a name that is taken by
	 * another is no place. */
	if (mkdir(path, 0700) < 0 || chmod(path, 01777) < 0)
		return;
	*ret_folder = take(&path);
}

void work_folder_cleanup(char **folder)
{
	if (*folder)
		folder_remove(*folder);
	free(*folder);
}
