#include "os/work_folder.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
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

/* "nestctl-USER-PROCESS" of a process that is no more. */
static bool is_left_over(const char *name)
{
	unsigned user;
	int pid, end = 0;

	return sscanf(name, "nestctl-%u-%d%n", &user, &pid, &end) == 2 && !name[end] &&
	       user == geteuid() && pid > 0 && kill(pid, 0) < 0 && errno == ESRCH;
}

static void left_over_remove(const char *above)
{
	DIR *folder = opendir(above);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		CLEANUP(free_cleanup) char *path = path_join(above, entry->d_name);

		if (is_left_over(entry->d_name))
			folder_remove(path);
	}
	if (folder)
		closedir(folder);
}

void work_folder_make(uint64_t bytes, char **ret_folder)
{
	const char *chosen = getenv("TMPDIR"), *above;

	*ret_folder = NULL;
	if (chosen && *chosen)
		return;
	left_over_remove(MEMORY_FOLDER);
	above = memory_folder(bytes);
	if (!above)
		return;
	CLEANUP(free_cleanup)
	char *path = str_format("%s/nestctl-%u-%d", above, (unsigned)geteuid(), (int)getpid());
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
