#include "install/install.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "install/phase_one.h"

#define DISK		INSTALL_DISK
#define STATE		"installed.json"
#define SECRETS		"boot"
#define STATE_MAX_BYTES 65536

/* ---- the note that it is complete ---- */

bool install_is_complete(const char *work, const char *key)
{
	CLEANUP(free_cleanup) char *path = path_join(work, STATE);
	CLEANUP(free_cleanup) char *disk = path_join(work, DISK);
	CLEANUP(free_cleanup) char *text = NULL;

	if (!path_exists(disk) || file_read(path, STATE_MAX_BYTES, &text, NULL, NULL) < 0)
		return false;
	CLEANUP(json_cleanup) json_t *json = json_loads(text, 0, NULL);
	const char *have = json_string_value(json_object_get(json, "key"));
	return have && str_equal(have, key);
}

static int state_write(const struct install_request *request, const char *work, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(work, STATE);
	CLEANUP(json_cleanup)
	json_t *json = json_pack("{s:s, s:s}", "layer", request->layer->name, "key", request->key);
	CLEANUP(free_cleanup) char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;

	if (!text)
		return err_set(err, -EILSEQ, "%s: a name in it is not UTF-8", path);
	return file_write(path, text, strlen(text), 0600, err);
}

/* ---- the disk ---- */

static int disk_make(const char *path, uint64_t size_bytes, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)size_bytes) < 0)
		return err_errno(err, errno, "%s: cannot be made", path);
	return 0;
}

/* What QEMU wrote is in the kernel's cache alone. */
static int disk_sync(const char *path, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, errno, "%s: cannot be synced", path);
	return 0;
}

/* ---- the run ---- */

/* QEMU has a working folder of its own: all paths are absolute. */
static int run_in(const struct install_request *request, const char *work, const char *logs,
		  struct err *err)
{
	CLEANUP(boot_files_done) struct boot_files files = { 0 };
	CLEANUP(free_cleanup) char *secrets = path_join(work, SECRETS);
	CLEANUP(free_cleanup) char *disk = path_join(work, DISK);
	CLEANUP(free_cleanup) char *medium = realpath(request->medium, NULL);
	struct install_request absolute = *request;

	absolute.logs = logs;
	absolute.medium = medium ? medium : request->medium;
	int r = boot_files_make(&absolute, secrets, &files, err);
	if (r == 0)
		r = disk_make(disk, request->layer->disk.size_bytes, err);
	if (r == 0)
		r = phase_one_run(&absolute, &files, work, disk, err);
	int removed = install_clear(work, r < 0 ? NULL : err);
	if (r == 0)
		r = removed;
	if (r == 0)
		r = disk_sync(disk, err);
	return r < 0 ? r : state_write(request, work, err);
}

int install_clear(const char *work, struct err *err)
{
	CLEANUP(free_cleanup) char *secrets = path_join(work, SECRETS);

	return tree_remove(secrets, err);
}

int install_run(const struct install_request *request, struct err *err)
{
	int r = tree_remove(request->work, err);

	if (r == 0)
		r = dir_make(request->work, 0700, err);
	if (r < 0)
		return r;
	CLEANUP(free_cleanup) char *work = realpath(request->work, NULL);
	CLEANUP(free_cleanup) char *logs = realpath(request->logs, NULL);
	if (!work || !logs)
		return err_errno(err, errno, "%s: cannot be found",
				 work ? request->logs : request->work);
	return run_in(request, work, logs, err);
}
