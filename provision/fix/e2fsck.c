#include "fix/e2fsck.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/log.h"
#include "base/spawn.h"

#define E2FSCK_SECONDS 3600

static char *program(void)
{
	char *path = program_find("e2fsck");

	if (!path && access("/usr/sbin/e2fsck", X_OK) == 0)
		path = str_copy("/usr/sbin/e2fsck");
	return path ? path : program_find("/sbin/e2fsck");
}

int e2fsck_check(struct image *image, const struct extent *where, struct err *err)
{
	CLEANUP(free_cleanup) char *path = program();
	/* By descriptor: the image's own name may well hold a question mark. */
	CLEANUP(free_cleanup)
	char *name = str_format("/proc/%d/fd/%d?offset=%" PRIu64, (int)getpid(), image_fd(image),
				where->start_bytes);
	const char *argv[] = { path, "-fn", name, NULL };
	const struct spawn_options options = {
		.argv = argv,
		.purpose = "checking the file system",
		.timeout_seconds = E2FSCK_SECONDS,
	};
	CLEANUP(free_cleanup) char *said = NULL;
	struct err failure = { 0 };

	if (!path) {
		log_warn("%s: e2fsck is not installed: its file system is not checked",
			 image_path(image));
		return 0;
	}
	int r = spawn_run(&options, &said, &failure);
	if (r == -ECHILD)
		r = err_set(err, -EBADMSG,
			    "%s: e2fsck -fn finds faults in the file system at byte %" PRIu64
			    ": run e2fsck -fy '%s?offset=%" PRIu64 "', then nestctl fix again",
			    image_path(image), where->start_bytes, image_path(image),
			    where->start_bytes);
	else if (r < 0)
		r = err_set(err, r, "%s: %s", image_path(image), failure.text);
	err_clear(&failure);
	return r;
}
