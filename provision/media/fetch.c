/* A medium by URL is kept under its checksum: one that was fetched is never fetched again. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/url_text.h"
#include "fetch/url.h"
#include "media/medium.h"

#define MEDIUM_MAX_BYTES ((uint64_t)64 << 30) /* the largest DVDs have a fourth of it */

/* 0: the file has that checksum. name: of what is checked, for the message. */
static int sum_check(const char *path, const char *name, const char *sha256, struct err *err)
{
	char found[HASH_HEX_LENGTH + 1] = "";
	int r = hash_file(path, found, err);

	if (r < 0)
		return r;
	return strcmp(found, sha256) == 0
		       ? 0
		       : err_set(err, -EBADMSG,
				 "%s: is another medium, or a damaged one: its SHA-256 is %s, the "
				 "profile's install.sha256 is %s",
				 name, found, sha256);
}

static int local_check(const char *path, const char *sha256, struct err *err)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return err_errno(err, errno, "install.medium: %s", path);
	if (*sha256 && S_ISDIR(status.st_mode))
		return err_set(err, -EINVAL,
			       "%s: is a folder, which has no checksum: leave out install.sha256",
			       path);
	/* medium_open tells of what is neither of them. */
	return *sha256 && S_ISREG(status.st_mode) ? sum_check(path, path, sha256, err) : 0;
}

/* 1: it is there as it was fetched, 0: it must be fetched. */
static int kept_look(const char *path, const char *sha256, bool offline, struct err *err)
{
	bool exists = path_exists(path);

	if (exists && sum_check(path, path, sha256, NULL) == 0)
		return 1;
	if (offline)
		return err_set(
			err, -ENOENT,
			"the medium was not fetched before%s, and --offline fetches nothing: "
			"build once without it, or put the medium there as %s",
			exists ? ", or is damaged" : "", path);
	if (exists) {
		log_warn("%s is damaged: it is fetched again", path);
		unlink(path);
	}
	return 0;
}

/* What an earlier try left is gone on with; if that does not give the checksum, once from the
 * start. */
static int part_fetch(const char *url, const char *part, int fd, const char *sha256,
		      struct err *err)
{
	CLEANUP(free_cleanup) char *shown = url_shown(url);
	struct stat status;
	int r;

	for (;;) {
		if (fstat(fd, &status) < 0)
			return err_errno(err, errno, "%s: cannot be looked at", part);
		r = fetch_url_to(url, fd, MEDIUM_MAX_BYTES, err);
		if (r < 0)
			return r;
		r = sum_check(part, shown, sha256, err);
		if (r != -EBADMSG || status.st_size == 0)
			break;
		if (err)
			err_clear(err);
		if (ftruncate(fd, 0) < 0)
			return err_errno(err, errno, "%s: cannot be emptied", part);
	}
	if (r == -EBADMSG)
		unlink(part);
	return r;
}

/* A build that was faster may have given the file its name, or removed it, between our open and our
 * lock: then it is not ours to write to. 1: look again; -EBUSY: that build is at work. */
static int part_lock(const char *part, int *ret_fd, struct err *err)
{
	CLEANUP(fd_cleanup)
	int fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	struct stat opened, named;

	if (fd < 0)
		return err_errno(err, errno, "%s: cannot be made", part);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, -EBUSY, "%s: another build is fetching it: wait for that one",
			       part);
	if (fstat(fd, &opened) < 0)
		return err_errno(err, errno, "%s: cannot be looked at", part);
	if (stat(part, &named) < 0 || named.st_ino != opened.st_ino)
		return 1;
	*ret_fd = fd_take(&fd);
	return 0;
}

/* 1: another build was faster, look again. */
static int url_fetch(const char *url, const char *sha256, const char *path, struct err *err)
{
	CLEANUP(free_cleanup) char *part = str_format("%s.part", path);
	CLEANUP(free_cleanup) char *folder = path_folder(path);
	CLEANUP(free_cleanup) char *shown = url_shown(url);
	CLEANUP(fd_cleanup) int fd = -1;
	int r = dir_make(folder, 0755, err);

	if (r == 0)
		r = part_lock(part, &fd, err);
	if (r == 0 && path_exists(path)) {
		unlink(part);
		r = 1;
	}
	if (r != 0)
		return r;
	log_info("fetching %s", shown);
	r = part_fetch(url, part, fd, sha256, err);
	if (r < 0) {
		struct stat status;

		if (fstat(fd, &status) == 0 && status.st_size == 0)
			unlink(part);
		return r;
	}
	if (fsync(fd) < 0 || rename(part, path) < 0)
		return err_errno(err, errno, "%s: cannot get its name", path);
	return dir_sync(folder, err);
}

int medium_fetch(const struct install_spec *install, const char *folder, bool offline,
		 char **ret_path, struct err *err)
{
	const char *sha256 = install->sha256 ? install->sha256 : "";
	int r;

	if (!is_url(install->medium)) {
		r = local_check(install->medium, sha256, err);
		if (r == 0)
			*ret_path = str_copy(install->medium);
		return r;
	}
	if (!*sha256)
		return err_set(err, -EINVAL,
			       "install.sha256: is missing: a medium that is fetched is checked");
	CLEANUP(free_cleanup) char *name = str_format("%s.iso", sha256);
	CLEANUP(free_cleanup) char *path = path_join(folder, name);
	do {
		r = kept_look(path, sha256, offline, err);
		if (r < 0)
			return r;
		r = r ? 0 : url_fetch(install->medium, sha256, path, err);
	} while (r == 1);
	if (r == 0)
		*ret_path = take(&path);
	return r;
}
