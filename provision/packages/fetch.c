#include "packages/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "packages/progress.h"
#include "packages/proxy.h"
#include "packages/transfer.h"

/* No more at once than there are connections: whoever waits for one must not run out of time. */
#define AT_ONCE		     4
#define POLL_MS		     200
#define PROGRESS_MIN_SECONDS 0.2
#define NAMES_SHOWN	     5

struct fetch {
	const struct fetch_request *request;
	struct fetch_batch *batch;
	struct mirror *mirrors;
	size_t mirror_count;
	const struct package **missing; /* each hash once */
	struct transfer *transfers;	/* one of each, after transfers_init */
	size_t missing_count, transfer_count;
	struct progress progress;
	double shown_seconds;
};

/* ---- what is there already ---- */

static int damaged_remove(const struct fetch_request *request, const struct package *package,
			  const char *path, struct err *err)
{
	if (request->offline) {
		log_warn("%s: is damaged: its bytes are not those of %s %s", path, package->name,
			 package->version);
		return 0;
	}
	log_warn("%s: is damaged: %s %s is fetched again", path, package->name, package->version);
	if (unlink(path) < 0)
		return err_errno(err, errno, "%s: is damaged and cannot be removed", path);
	return 0;
}

/* -EINVAL: its bytes are there, and are not as many as the list says. */
static int look(const struct fetch_request *request, const struct package *package, bool *ret_there,
		struct err *err)
{
	CLEANUP(free_cleanup) char *path = store_package_path(request->store, package->sha256);
	char hash[HASH_HEX_LENGTH + 1] = "";
	struct stat status;

	*ret_there = false;
	if (stat(path, &status) < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "%s: cannot be looked at", path);
	if (hash_file(path, hash, NULL) < 0 || !str_equal(hash, package->sha256))
		return damaged_remove(request, package, path, err);
	if ((uint64_t)status.st_size != package->size_bytes)
		return err_set(err, -EINVAL,
			       "%s %s: has %" PRIu64 " bytes, and the lock file says %" PRIu64
			       ": make it anew with nestctl lock",
			       package->name, package->version, (uint64_t)status.st_size,
			       package->size_bytes);
	utimensat(AT_FDCWD, path, NULL, 0); /* it was used */
	*ret_there = true;
	return 0;
}

static void missing_add(struct fetch *fetch, const struct package *package)
{
	for (size_t i = 0; i < fetch->missing_count; i++)
		if (str_equal(fetch->missing[i]->sha256, package->sha256))
			return;
	fetch->missing = mem_grow(fetch->missing, fetch->missing_count + 1, sizeof *fetch->missing);
	fetch->missing[fetch->missing_count++] = package;
}

static int missing_find(struct fetch *fetch, struct err *err)
{
	const struct package_list *packages = fetch->request->packages;

	for (size_t i = 0; i < packages->count; i++) {
		const struct package *package = &packages->items[i];
		bool there = false;
		int r = look(fetch->request, package, &there, err);

		if (r < 0)
			return r;
		if (!there)
			missing_add(fetch, package);
	}
	return 0;
}

static int offline_error(const struct fetch *fetch, struct err *err)
{
	CLEANUP(buf_done) struct buf names = { 0 };

	for (size_t i = 0; i < fetch->missing_count && i < NAMES_SHOWN; i++)
		buf_format(&names, "%s%s %s", i > 0 ? ", " : "", fetch->missing[i]->name,
			   fetch->missing[i]->version);
	if (fetch->missing_count > NAMES_SHOWN)
		buf_text(&names, ", ...");
	return err_set(err, -ENOENT,
		       "%s: the store lacks %zu of %zu packages (%s): build once without "
		       "--offline, or unpack a bundle that has them",
		       fetch->request->purpose, fetch->missing_count,
		       fetch->request->packages->count, buf_str(&names));
}

/* ---- all that are missing ---- */

static void progress_show(struct fetch *fetch)
{
	uint64_t done_bytes = 0, wanted_bytes = 0, got_bytes = 0;
	double now = clock_seconds();
	size_t finished = 0;

	if (now - fetch->shown_seconds < PROGRESS_MIN_SECONDS)
		return;
	fetch->shown_seconds = now;
	for (size_t i = 0; i < fetch->transfer_count; i++) {
		const struct transfer *transfer = &fetch->transfers[i];

		done_bytes += transfer->offset_bytes;
		wanted_bytes += transfer->package->size_bytes;
		got_bytes += transfer->got_bytes;
		finished += transfer->state == TRANSFER_FINISHED;
	}
	progress_take(&fetch->progress, now, got_bytes);
	CLEANUP(free_cleanup)
	char *text = progress_text(&fetch->progress, done_bytes, wanted_bytes);
	log_status("  %s: %zu of %zu packages, %s", fetch->request->purpose, finished,
		   fetch->transfer_count, text);
}

static size_t count_in(const struct fetch *fetch, enum transfer_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < fetch->transfer_count; i++)
		count += fetch->transfers[i].state == state;
	return count;
}

static int waiting_start(struct fetch *fetch, struct err *err)
{
	size_t running = count_in(fetch, TRANSFER_RUNNING);
	double now = clock_seconds();
	int r = 0;

	for (size_t i = 0; r == 0 && i < fetch->transfer_count && running < AT_ONCE; i++) {
		struct transfer *transfer = &fetch->transfers[i];

		if (transfer->state != TRANSFER_WAITING || transfer->not_before_seconds > now)
			continue;
		r = transfer_start(transfer, fetch->batch, err);
		running += transfer->state == TRANSFER_RUNNING;
	}
	return r;
}

static int ended_collect(struct fetch *fetch, struct err *err)
{
	struct transfer *transfer;
	int r = 0;

	while (r == 0 && (transfer = fetch_batch_ended(fetch->batch)))
		r = transfer_end(transfer, err);
	return r;
}

static int transfers_run(struct fetch *fetch, struct err *err)
{
	int r = 0;

	while (r == 0 && count_in(fetch, TRANSFER_FINISHED) < fetch->transfer_count) {
		if (spawn_stop_signal())
			return err_set(err, -EINTR, "stopped by a signal; what arrived is kept");
		r = waiting_start(fetch, err);
		if (r == 0)
			r = fetch_batch_run(fetch->batch, POLL_MS, err);
		if (r == 0)
			r = ended_collect(fetch, err);
		progress_show(fetch);
	}
	return r;
}

static void transfers_init(struct fetch *fetch, const struct package_sources *sources)
{
	fetch->mirrors = mem_alloc((sources->count + 1) * sizeof *fetch->mirrors);
	for (size_t i = 0; i < sources->count; i++)
		fetch->mirrors[fetch->mirror_count++].source = &sources->items[i];
	fetch->transfers = mem_alloc(fetch->missing_count * sizeof *fetch->transfers);
	for (size_t i = 0; i < fetch->missing_count; i++)
		transfer_init(&fetch->transfers[fetch->transfer_count++], fetch->request->store,
			      fetch->missing[i], fetch->mirrors, fetch->mirror_count);
}

static void fetch_done(struct fetch *fetch)
{
	for (size_t i = 0; i < fetch->transfer_count; i++)
		transfer_done(&fetch->transfers[i]);
	free(fetch->transfers);
	free(fetch->missing);
	free(fetch->mirrors);
	fetch_batch_close(fetch->batch);
}

static int missing_fetch(struct fetch *fetch, struct err *err)
{
	const struct fetch_request *request = fetch->request;
	CLEANUP(free_cleanup) char *folder = path_join(store_path(request->store), PACKAGES_KIND);
	CLEANUP(package_sources_done) struct package_sources sources = { 0 };
	int r = request->sources_find(request->context, &sources, err);

	if (r == 0)
		r = proxies_find(&sources, err);
	if (r == 0)
		r = fetch_batch_open(AT_ONCE, &fetch->batch, err);
	if (r < 0)
		return r;
	transfers_init(fetch, &sources);
	r = transfers_run(fetch, err);
	log_status("%s", "");
	return r < 0 ? r : dir_sync(folder, err);
}

int packages_fetch(const struct fetch_request *request, struct err *err)
{
	CLEANUP(fetch_done) struct fetch fetch = { .request = request };
	int r = missing_find(&fetch, err);

	if (r < 0 || fetch.missing_count == 0)
		return r;
	return request->offline ? offline_error(&fetch, err) : missing_fetch(&fetch, err);
}
