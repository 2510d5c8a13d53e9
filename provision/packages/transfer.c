#include "packages/transfer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"

#define SLOW_SECONDS	  15
#define STRIKES_MAX	  4 /* for each mirror; a try that broke is one */
#define STRIKES_OTHER	  2 /* it gave another file, and will do so a moment later */
#define STEP_BYTES	  ((uint64_t)32 << 10)
#define BACK_OFF_SECONDS  0.5
#define LOCK_LOOK_SECONDS 1
#define LOCK_WAIT_SECONDS 1800.0

static bool is_of_suite(const struct mirror *mirror, const struct package *package)
{
	return str_equal(mirror->source->suite, package->suite);
}

void transfer_init(struct transfer *transfer, const struct store *store,
		   const struct package *package, struct mirror *mirrors, size_t mirror_count)
{
	bool of_suite = false;

	*transfer = (struct transfer){
		.store = store,
		.package = package,
		.attempts = mem_alloc((mirror_count + 1) * sizeof *transfer->attempts),
		.part = store_package_part_path(store, package->sha256),
		.fd = -1,
	};
	for (size_t i = 0; i < mirror_count; i++)
		of_suite = of_suite || is_of_suite(&mirrors[i], package);
	for (size_t i = 0; i < mirror_count; i++)
		if (!of_suite || is_of_suite(&mirrors[i], package))
			transfer->attempts[transfer->attempt_count++].mirror = &mirrors[i];
}

static void part_close(struct transfer *transfer)
{
	if (transfer->fd >= 0)
		close(transfer->fd);
	transfer->fd = -1;
}

void transfer_done(struct transfer *transfer)
{
	fetch_try_drop(&transfer->request);
	part_close(transfer);
	for (size_t i = 0; i < transfer->attempt_count; i++)
		free(transfer->attempts[i].reason);
	free(transfer->attempts);
	free(transfer->part);
	free(transfer->url);
}

/* ---- the part: what an earlier build left, or a new one ---- */

static int part_empty(struct transfer *transfer, struct err *err)
{
	if (ftruncate(transfer->fd, 0) < 0)
		return err_errno(err, errno, "%s: cannot be emptied", transfer->part);
	transfer->offset_bytes = 0;
	return 0;
}

/* All that came is there: is it what was asked for? */
static bool part_is_sound(const struct transfer *transfer)
{
	char hash[HASH_HEX_LENGTH + 1] = "";

	return transfer->offset_bytes == transfer->package->size_bytes &&
	       hash_file(transfer->part, hash, NULL) == 0 &&
	       str_equal(hash, transfer->package->sha256);
}

/* Another build may have given the file its name, or removed it, before we had its lock. */
static bool part_has_its_name(const struct transfer *transfer, int fd, struct stat *ret_status)
{
	struct stat named;

	return fstat(fd, ret_status) == 0 && lstat(transfer->part, &named) == 0 &&
	       named.st_ino == ret_status->st_ino && named.st_dev == ret_status->st_dev;
}

/* -EAGAIN: another build is at work on it. */
static int part_open(struct transfer *transfer, struct err *err)
{
	struct stat status;

	if (transfer->fd >= 0)
		return 0;
	CLEANUP(fd_cleanup)
	int fd = open(transfer->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return err_errno(err, errno, "%s: cannot be made", transfer->part);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || !part_has_its_name(transfer, fd, &status))
		return -EAGAIN;
	transfer->best_bytes = transfer->offset_bytes = (uint64_t)status.st_size;
	transfer->fd = fd_take(&fd);
	return 0;
}

static void finish(struct transfer *transfer)
{
	part_close(transfer);
	transfer->offset_bytes = transfer->package->size_bytes;
	transfer->state = TRANSFER_FINISHED;
}

static int part_publish(struct transfer *transfer, struct err *err)
{
	CLEANUP(free_cleanup)
	char *path = store_package_path(transfer->store, transfer->package->sha256);

	if (fsync(transfer->fd) < 0 || rename(transfer->part, path) < 0)
		return err_errno(err, errno, "%s: cannot get its name", path);
	finish(transfer);
	return 0;
}

/* ---- one try ---- */

/* The one that failed least often; of equals one that did not fail others, then in their order.
 * NULL: all have done what they can. */
static struct attempt *attempt_next(const struct transfer *transfer)
{
	struct attempt *best = NULL;

	for (size_t i = 0; i < transfer->attempt_count; i++) {
		struct attempt *attempt = &transfer->attempts[i];

		if (attempt->gone || attempt->strikes >= STRIKES_MAX)
			continue;
		if (!best || attempt->strikes < best->strikes ||
		    (attempt->strikes == best->strikes &&
		     attempt->mirror->failures < best->mirror->failures))
			best = attempt;
	}
	return best;
}

/* The first bytes of an answer. A file of another size is not ours, whatever it is: a login page
 * must not destroy what came before. */
static bool answer_fits(struct transfer *transfer)
{
	uint64_t before = transfer->resumed ? transfer->offset_bytes : 0;
	int64_t length = fetch_try_length(transfer->request);

	if (length >= 0 && (uint64_t)length != transfer->package->size_bytes - before) {
		transfer->fault = FAULT_OTHER_SIZE;
		transfer->announced_bytes = before + (uint64_t)length;
		return false;
	}
	int r = transfer->resumed ? 0 : part_empty(transfer, NULL);
	if (r < 0) {
		transfer->fault = FAULT_UNWRITABLE;
		transfer->write_errno = -r;
	}
	return r == 0;
}

static bool part_add(void *context, const void *data, size_t length)
{
	struct transfer *transfer = context;

	if (!transfer->answered && !answer_fits(transfer))
		return false;
	transfer->answered = true;
	if (length > transfer->package->size_bytes - transfer->offset_bytes) {
		transfer->fault = FAULT_OTHER_SIZE;
		transfer->announced_bytes = 0;
		return false;
	}
	int r = fd_pwrite_all(transfer->fd, data, length, transfer->offset_bytes);
	if (r < 0) {
		transfer->fault = FAULT_UNWRITABLE;
		transfer->write_errno = -r;
		return false;
	}
	transfer->offset_bytes += length;
	transfer->got_bytes += length;
	return true;
}

static int try_start(struct transfer *transfer, struct fetch_batch *batch, struct err *err)
{
	struct attempt *attempt = attempt_next(transfer);

	assert(attempt); /* there is a mirror, and whoever has no tries left has failed already */
	transfer->attempt = attempt;
	free(transfer->url);
	transfer->url = str_format("%s%s", attempt->mirror->source->uri, transfer->package->path);
	transfer->fault = FAULT_NONE;
	transfer->answered = false;
	transfer->resumed = transfer->offset_bytes > 0 && !attempt->no_ranges;
	const struct fetch_wish wish = {
		.url = transfer->url,
		.proxy = attempt->mirror->source->proxy,
		.offset_bytes = transfer->resumed ? transfer->offset_bytes : 0,
		.slow_seconds = SLOW_SECONDS,
		.add = part_add,
		.context = transfer,
	};
	int r = fetch_try_start(batch, &wish, &transfer->request, err);
	if (r < 0)
		return r;
	transfer->state = TRANSFER_RUNNING;
	return 0;
}

/* Locked by another build, which gives the lock away when it has finished or was killed. */
static int lock_wait(struct transfer *transfer, struct err *err)
{
	double now = clock_seconds();

	if (transfer->locked_since_seconds <= 0)
		transfer->locked_since_seconds = now;
	if (now - transfer->locked_since_seconds > LOCK_WAIT_SECONDS)
		return err_set(err, -ETIMEDOUT,
			       "%s: another build has been at work on it for too long",
			       transfer->part);
	transfer->not_before_seconds = now + LOCK_LOOK_SECONDS;
	return 0;
}

int transfer_start(struct transfer *transfer, struct fetch_batch *batch, struct err *err)
{
	CLEANUP(free_cleanup)
	char *path = store_package_path(transfer->store, transfer->package->sha256);
	int r = part_open(transfer, err);

	if (r == -EAGAIN)
		return lock_wait(transfer, err);
	if (r < 0)
		return r;
	/* The other build may have finished it between two looks. */
	if (path_exists(path)) {
		unlink(transfer->part);
		finish(transfer);
		return 0;
	}
	if (part_is_sound(transfer))
		return part_publish(transfer, err);
	if (transfer->offset_bytes >= transfer->package->size_bytes)
		r = part_empty(transfer, err);
	return r < 0 ? r : try_start(transfer, batch, err);
}

/* ---- its end ---- */

/* What was built upon may be of another file, or the mirror has no ranges: neither is its fault. It
 * is asked again, for the whole; so this happens once. */
static bool begins_anew(struct transfer *transfer, enum fetch_end end)
{
	if (!transfer->resumed || transfer->fault != FAULT_NONE)
		return false;
	if (end == FETCH_NO_RANGES) {
		transfer->attempt->no_ranges = true;
		return true;
	}
	return end == FETCH_WHOLE && transfer->offset_bytes == transfer->package->size_bytes &&
	       part_empty(transfer, NULL) == 0;
}

/* Why a try failed; the caller frees. */
static char *why_text(const struct transfer *transfer, enum fetch_end end)
{
	uint64_t wanted = transfer->package->size_bytes;

	if (transfer->fault == FAULT_OTHER_SIZE && transfer->announced_bytes > 0)
		return str_format("has %" PRIu64 " bytes, the package %" PRIu64,
				  transfer->announced_bytes, wanted);
	if (transfer->fault == FAULT_OTHER_SIZE)
		return str_format("sends more than the %" PRIu64 " bytes of the package", wanted);
	if (end != FETCH_WHOLE)
		return str_copy(fetch_try_problem(transfer->request));
	if (transfer->offset_bytes < wanted)
		return str_format("ended after %" PRIu64 " of %" PRIu64 " bytes",
				  transfer->offset_bytes, wanted);
	return str_copy("has other bytes than the package");
}

/* "URL: why", with the address that it led on to. What another machine says is tamed. */
static void reason_note(struct transfer *transfer, enum fetch_end end)
{
	CLEANUP(free_cleanup) char *why = why_text(transfer, end);
	CLEANUP(buf_done) struct buf text = { 0 };
	const char *last_url = fetch_try_address(transfer->request);
	const char *type = fetch_try_type(transfer->request);

	buf_text(&text, transfer->url);
	if (last_url && !str_equal(last_url, transfer->url))
		buf_format(&text, " (led on to %s)", last_url);
	buf_format(&text, ": %s", why);
	if (type && str_starts(type, "text/html") && transfer->fault == FAULT_OTHER_SIZE)
		buf_text(&text, " (a web page: a login, perhaps)");
	free(transfer->attempt->reason);
	transfer->attempt->reason = str_copy(buf_str(&text));
	str_tame(transfer->attempt->reason);
}

static int final_error(const struct transfer *transfer, struct err *err)
{
	const struct package *package = transfer->package;
	CLEANUP(buf_done) struct buf reasons = { 0 };
	bool gone = true;

	for (size_t i = 0; i < transfer->attempt_count; i++) {
		const struct attempt *attempt = &transfer->attempts[i];

		gone = gone && attempt->gone;
		buf_format(&reasons, "\n  %s", attempt->reason);
		if (attempt->tries > 1)
			buf_format(&reasons, " (tried %u times)", attempt->tries);
	}
	if (gone)
		return err_set(err, -ENOENT,
			       "%s %s is gone from the mirrors (another mirror may have it, or a "
			       "new lock file helps):%s",
			       package->name, package->version, buf_str(&reasons));
	return err_set(err, -EIO, "%s %s cannot be fetched:%s", package->name, package->version,
		       buf_str(&reasons));
}

/* What the try counts. One that broke and brought the package on is none: on a bad line a large one
 * comes in pieces. */
static unsigned strikes_of(struct transfer *transfer, enum fetch_end end, bool other_file)
{
	uint64_t best_bytes = transfer->best_bytes;

	if (transfer->offset_bytes > best_bytes)
		transfer->best_bytes = transfer->offset_bytes;
	if (other_file || end == FETCH_ASTRAY)
		return STRIKES_OTHER;
	return end == FETCH_BROKEN && transfer->offset_bytes >= best_bytes + STEP_BYTES ? 0 : 1;
}

/* The mirror has failed; what came of the right file stays, the next one goes on with it. */
static int try_failed(struct transfer *transfer, enum fetch_end end, struct err *err)
{
	struct attempt *attempt = transfer->attempt;
	bool other_file = end == FETCH_WHOLE || transfer->fault == FAULT_OTHER_SIZE;

	reason_note(transfer, end);
	log_debug("%s", attempt->reason);
	attempt->tries++;
	unsigned strikes = strikes_of(transfer, end, other_file);
	attempt->strikes += strikes;
	attempt->gone = end == FETCH_GONE;
	attempt->mirror->failures += strikes > 0 && !attempt->gone;
	if (transfer->answered && other_file) {
		int r = part_empty(transfer, err);

		if (r < 0)
			return r;
	}
	const struct attempt *next = attempt_next(transfer);
	if (!next)
		return final_error(transfer, err);
	if (next == attempt || next->strikes > 0)
		transfer->not_before_seconds =
			clock_seconds() + BACK_OFF_SECONDS * (1u << next->strikes);
	return 0;
}

static int try_judge(struct transfer *transfer, struct err *err)
{
	enum fetch_end end = fetch_try_end(transfer->request);

	if (end == FETCH_WHOLE && part_is_sound(transfer)) {
		transfer->attempt->mirror->failures = 0;
		return part_publish(transfer, err);
	}
	if (transfer->fault == FAULT_UNWRITABLE)
		return err_errno(err, transfer->write_errno, "%s: cannot be written",
				 transfer->part);
	transfer->state = TRANSFER_WAITING;
	return begins_anew(transfer, end) ? 0 : try_failed(transfer, end, err);
}

int transfer_end(struct transfer *transfer, struct err *err)
{
	int r = try_judge(transfer, err);

	fetch_try_drop(&transfer->request);
	return r;
}
