#include "install/disk_guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"

#define SUFFIX ".save"

void disk_guard_begin(const char *disk)
{
	CLEANUP(free_cleanup) char *guard = str_format("%s" SUFFIX, disk);

	unlink(guard);
	if (link(disk, guard) < 0)
		log_warn("%s: %s: whatever deletes the domain's disk while the installer runs "
			 "takes all of it",
			 guard, strerror(errno));
}

int disk_guard_end(const char *disk, struct err *err)
{
	CLEANUP(free_cleanup) char *guard = str_format("%s" SUFFIX, disk);
	struct stat ours, named;

	if (stat(guard, &ours) < 0)
		return 0;
	if (stat(disk, &named) == 0 && named.st_ino == ours.st_ino)
		return unlink(guard) < 0 ? err_errno(err, errno, "%s: cannot be removed", guard)
					 : 0;
	if (rename(guard, disk) < 0)
		return err_errno(err, errno,
				 "%s: was deleted or replaced, and %s cannot take its place", disk,
				 guard);
	log_warn("%s: somebody deleted or replaced it while the installer ran; what was installed "
		 "is there again",
		 disk);
	return 0;
}
