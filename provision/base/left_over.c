#include "base/left_over.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"

char *left_over_name(void)
{
	return str_format("nestctl-%u-%d", (unsigned)geteuid(), (int)getpid());
}

static bool process_ended(const char *name)
{
	unsigned user;
	int pid, end = 0;

	return sscanf(name, "nestctl-%u-%d%n", &user, &pid, &end) == 2 &&
	       (!name[end] || name[end] == '-') && user == geteuid() && pid > 0 &&
	       kill(pid, 0) < 0 && errno == ESRCH;
}

void left_overs_remove(const char *above, unsigned old_seconds, void (*remove)(const char *path))
{
	DIR *folder = opendir(above);
	const struct dirent *entry;
	struct stat status;

	while (folder && (entry = readdir(folder))) {
		CLEANUP(free_cleanup) char *path = path_join(above, entry->d_name);

		/* Anybody may make a name in /tmp. */
		if (process_ended(entry->d_name) && lstat(path, &status) == 0 &&
		    S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
		    status.st_mtime + old_seconds <= time(NULL))
			remove(path);
	}
	if (folder)
		closedir(folder);
}
