/* A redo log. Its form: a head, then for each change a record with the SHA-256 of the old bytes and
 * the new bytes, then the SHA-256 of all of it. Little endian is not converted: it never leaves
 * the machine that wrote it. */
#include "fix/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"

#define LOG_MAX_BYTES	  ((size_t)1 << 30)
#define CHANGE_MAX_LENGTH 4096

static const char magic[16] = "nestctl redo 1\n";

struct log_head {
	char magic[16];
	uint64_t image_bytes, count;
};

struct log_record {
	uint64_t offset_bytes, length;
	uint8_t before[HASH_BYTES];
};

/* Beside the image itself, not beside a symlink to it: whatever name is used next finds it. */
static char *log_path(const char *image)
{
	struct stat status;
	CLEANUP(free_cleanup) char *real = NULL;

	if (lstat(image, &status) == 0 && S_ISLNK(status.st_mode))
		real = realpath(image, NULL);
	return str_format("%s.nestctl-redo", real ? real : image);
}

static void digest(const void *data, size_t length, uint8_t ret_digest[HASH_BYTES])
{
	struct hash *hash = hash_new();

	hash_add(hash, data, length);
	hash_finish(hash, ret_digest);
}

static int log_write(struct image *image, const char *path, const struct overlay_change *changes,
		     size_t count, struct err *err)
{
	CLEANUP(buf_done) struct buf log = { 0 };
	struct log_head head = { .image_bytes = image_size_bytes(image), .count = count };
	uint8_t all[HASH_BYTES];

	memcpy(head.magic, magic, sizeof magic);
	buf_add(&log, &head, sizeof head);
	for (size_t i = 0; i < count; i++) {
		struct log_record record = { changes[i].offset_bytes, changes[i].length, { 0 } };

		digest(changes[i].before, changes[i].length, record.before);
		buf_add(&log, &record, sizeof record);
		buf_add(&log, changes[i].after, changes[i].length);
	}
	digest(log.data, log.length, all);
	buf_add(&log, all, sizeof all);
	return file_write(path, log.data, log.length, 0600, err);
}

/* In the process that goes on by itself: writes, syncs, removes the log. */
__attribute__((noreturn)) static void apply(struct image *image, const char *path,
					    const struct overlay_change *changes, size_t count)
{
	int fd = image_fd(image);

	setsid();
	for (size_t i = 0; i < count; i++)
		if (fd_pwrite_all(fd, changes[i].after, changes[i].length,
				  changes[i].offset_bytes) < 0)
			_exit(1);
	if (fsync(fd) < 0)
		_exit(1);
	unlink(path);
	_exit(0);
}

static int apply_apart(struct image *image, const char *path, const struct overlay_change *changes,
		       size_t count, struct err *err)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		apply(image, path, changes, count);
	if (pid < 0) {
		unlink(path);
		return err_errno(err, errno, "%s: the process that writes it cannot be started",
				 image_path(image));
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(err, -EIO, "%s: cannot be written", image_path(image));
}

/* Gives holes their blocks, so that a disk that is full shows before the first change. Where that
 * cannot be done it is left. */
static int room_make(struct image *image, const struct overlay_change *changes, size_t count,
		     struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (fallocate(image_fd(image), FALLOC_FL_KEEP_SIZE, (off_t)changes[i].offset_bytes,
			      (off_t)changes[i].length) < 0 &&
		    errno == ENOSPC)
			return err_errno(err, errno, "%s: cannot be written", image_path(image));
	return 0;
}

int commit_changes(struct image *image, const struct overlay_change *changes, size_t count,
		   struct err *err)
{
	CLEANUP(free_cleanup) char *path = log_path(image_path(image));

	if (count == 0)
		return 0;
	int r = room_make(image, changes, count, err);
	if (r < 0)
		return r;
	r = log_write(image, path, changes, count, err);
	if (r < 0)
		return err_wrap(err, r, "keeping a log of the repair beside the image");
	return apply_apart(image, path, changes, count, err);
}

int commit_undo(struct image *image, const struct overlay_change *changes, size_t count,
		struct err *err)
{
	struct overlay_change *back = mem_alloc((count + 1) * sizeof *back);

	for (size_t i = 0; i < count; i++) {
		back[i] = changes[i];
		back[i].before = changes[i].after;
		back[i].after = changes[i].before;
	}
	int r = commit_changes(image, back, count, err);
	free(back);
	return r;
}

/* --- after an interruption ------------------------------------------------------------------- */

bool commit_is_pending(const char *image)
{
	CLEANUP(free_cleanup) char *path = log_path(image);

	return path_exists(path);
}

static int log_damaged(const char *path, struct err *err)
{
	return err_set(err, -EBADMSG,
		       "%s: is the log of an interrupted repair, but damaged: check the image with "
		       "e2fsck -fn, then remove the log",
		       path);
}

/* Takes the next change out of the log: its new bytes are borrowed from it. */
static int record_next(const struct buf *log, size_t *at, struct log_record *ret_record,
		       const char **ret_after)
{
	size_t end = log->length - HASH_BYTES;

	if (end - *at < sizeof *ret_record)
		return -EBADMSG;
	memcpy(ret_record, log->data + *at, sizeof *ret_record);
	*at += sizeof *ret_record;
	if (ret_record->length > CHANGE_MAX_LENGTH || end - *at < ret_record->length)
		return -EBADMSG;
	*ret_after = log->data + *at;
	*at += ret_record->length;
	return 0;
}

static int log_read(struct image *image, const char *path, struct buf *log,
		    struct log_head *ret_head, struct err *err)
{
	uint8_t all[HASH_BYTES];
	int r = file_read(path, LOG_MAX_BYTES, &log->data, &log->length, err);

	if (r < 0)
		return r;
	if (log->length < sizeof *ret_head + HASH_BYTES)
		return log_damaged(path, err);
	memcpy(ret_head, log->data, sizeof *ret_head);
	digest(log->data, log->length - HASH_BYTES, all);
	if (memcmp(ret_head->magic, magic, sizeof magic) != 0 ||
	    memcmp(all, log->data + log->length - HASH_BYTES, HASH_BYTES) != 0 ||
	    ret_head->image_bytes != image_size_bytes(image))
		return log_damaged(path, err);
	return 0;
}

/* Every block must be as it was before, or as it shall be: else somebody wrote since. */
static int change_load(struct image *image, const char *path, const struct log_record *record,
		       const char *after, struct overlay_change *ret_change, struct err *err)
{
	CLEANUP(free_cleanup) char *now = mem_alloc(record->length + 1);
	uint8_t hash[HASH_BYTES];
	int r = image_read(image, record->offset_bytes, now, record->length, err);

	if (r < 0)
		return r;
	digest(now, record->length, hash);
	if (memcmp(now, after, record->length) != 0 &&
	    memcmp(hash, record->before, sizeof hash) != 0)
		return err_set(err, -EBADMSG,
			       "%s: is the log of an interrupted repair, but the image was changed "
			       "since: check it with e2fsck -fn, then remove the log",
			       path);
	*ret_change = (struct overlay_change){
		.offset_bytes = record->offset_bytes,
		.length = record->length,
		.before = take(&now),
		.after = mem_alloc(record->length + 1),
	};
	memcpy(ret_change->after, after, record->length);
	return 0;
}

int commit_finish_pending(struct image *image, struct err *err)
{
	CLEANUP(free_cleanup) char *path = log_path(image_path(image));
	CLEANUP(buf_done) struct buf log = { 0 };
	struct log_head head = { .count = 0 };
	size_t at = sizeof head, count = 0;

	if (!path_exists(path))
		return 0;
	int r = log_read(image, path, &log, &head, err);
	if (r < 0)
		return r;
	if (head.count > log.length / sizeof(struct log_record))
		return log_damaged(path, err);
	struct overlay_change *changes = mem_alloc((head.count + 1) * sizeof *changes);
	for (; count < head.count && r == 0; count += r == 0) {
		struct log_record record;
		const char *after = NULL;

		r = record_next(&log, &at, &record, &after);
		if (r < 0)
			r = log_damaged(path, err);
		else
			r = change_load(image, path, &record, after, &changes[count], err);
	}
	if (r == 0)
		r = apply_apart(image, path, changes, count, err);
	if (r == 0)
		log_info("%s: finished the repair that was interrupted", image_path(image));
	overlay_changes_free(changes, count);
	return r;
}
