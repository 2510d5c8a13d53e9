#include "packages/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"

#define AT_ONCE		    6
#define CONNECTIONS	    4L
#define CONNECT_SECONDS	    15L
#define SLOW_BYTES	    4096L /* a second, over so many seconds: */
#define SLOW_SECONDS	    15L
#define TRIES		    4 /* of each mirror */
#define BACK_OFF_SECONDS    0.5
#define REDIRECTS	    5L
#define POLL_MS		    200
#define LOCK_WAIT_SECONDS   1800.0
#define PROGRESS_MIN_SECONDS 0.2

enum transfer_state { WAITING, RUNNING, FINISHED };

struct transfer {
	struct fetch *fetch;
	const struct package *package;
	enum transfer_state state;
	char *part; /* path; locked while it is ours */
	int fd;
	uint64_t offset; /* bytes in it */
	size_t tries;
	double not_before; /* seconds */
	CURL *curl;
	char *url; /* of the running try */
	char problem[CURL_ERROR_SIZE];
	bool too_large;
	int unwritable; /* negative errno of the write that failed */
	struct buf reasons; /* "URL: why; " of each try that failed */
	bool gone;	    /* the last answer was: no such file */
};

struct fetch {
	const struct fetch_request *request;
	CURLM *multi;
	struct transfer *transfers;
	size_t count, running, finished;
	uint64_t wanted_bytes, had_bytes, got_bytes;
	double started, shown;
};

/* ---- what is there already ---- */

static bool is_sound(const char *path, const struct package *package)
{
	char hash[HASH_HEX_LENGTH + 1] = "";
	struct stat status;

	return stat(path, &status) == 0 && (uint64_t)status.st_size == package->size_bytes &&
	       hash_file(path, hash, NULL) == 0 && str_equal(hash, package->sha256);
}

static bool is_there(const struct fetch_request *request, const struct package *package)
{
	CLEANUP(free_cleanup) char *path = store_package_path(request->store, package->sha256);

	if (!path_exists(path))
		return false;
	if (is_sound(path, package))
		return true;
	log_warn("%s of the store is damaged: %s %s is fetched again", path, package->name,
		 package->version);
	unlink(path);
	return false;
}

static void transfer_add(struct fetch *fetch, const struct package *package)
{
	for (size_t i = 0; i < fetch->count; i++)
		if (str_equal(fetch->transfers[i].package->sha256, package->sha256))
			return;
	fetch->transfers =
		mem_grow(fetch->transfers, fetch->count + 1, sizeof *fetch->transfers);
	fetch->transfers[fetch->count++] = (struct transfer){ .package = package, .fd = -1 };
	fetch->wanted_bytes += package->size_bytes;
}

/* ---- a file in the making ---- */

static bool is_in_store(const struct transfer *transfer)
{
	CLEANUP(free_cleanup)
	char *path = store_package_path(transfer->fetch->request->store,
					     transfer->package->sha256);

	return path_exists(path);
}

/* Opens what an earlier build left, or a new one. -EAGAIN: another build is at work on it. */
static int part_open(struct transfer *transfer, struct err *err)
{
	const struct store *store = transfer->fetch->request->store;
	struct stat status;

	if (transfer->fd >= 0)
		return 0;
	if (!transfer->part)
		transfer->part = store_package_part_path(store, transfer->package->sha256);
	CLEANUP(fd_cleanup)
	int fd = open(transfer->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || fstat(fd, &status) < 0)
		return err_errno(err, errno, "%s: cannot be made", transfer->part);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -EAGAIN;
	transfer->offset = (uint64_t)status.st_size;
	if (transfer->offset > transfer->package->size_bytes) {
		if (ftruncate(fd, 0) < 0)
			return err_errno(err, errno, "%s: cannot be emptied", transfer->part);
		transfer->offset = 0;
	}
	transfer->fetch->had_bytes += transfer->offset;
	transfer->fd = fd_take(&fd);
	return 0;
}

static void part_close(struct transfer *transfer)
{
	if (transfer->fd >= 0)
		close(transfer->fd);
	transfer->fd = -1;
}

static void part_empty(struct transfer *transfer)
{
	if (ftruncate(transfer->fd, 0) == 0)
		transfer->offset = 0;
}

static size_t part_write(char *data, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t length = size * count;

	transfer->too_large = length > transfer->package->size_bytes - transfer->offset;
	if (transfer->too_large)
		return 0;
	transfer->unwritable = fd_pwrite_all(transfer->fd, data, length, transfer->offset);
	if (transfer->unwritable)
		return 0;
	transfer->offset += length;
	transfer->fetch->got_bytes += length;
	return length;
}

static int part_publish(struct transfer *transfer, struct err *err)
{
	CLEANUP(free_cleanup)
	char *path = store_package_path(transfer->fetch->request->store,
					     transfer->package->sha256);

	if (fsync(transfer->fd) < 0 || rename(transfer->part, path) < 0)
		return err_errno(err, errno, "%s: cannot get its name", path);
	part_close(transfer);
	transfer->state = FINISHED;
	transfer->fetch->finished++;
	return 0;
}

/* ---- one try ---- */

/* The n-th source that has the package's suite, counted around; where none has, a mirror may keep
 * all suites in one place. NULL: there is none at all. */
static const struct package_source *source_at(const struct fetch_request *request,
					      const struct package *package, size_t n,
					      size_t *ret_count)
{
	const struct package_sources *sources = request->sources;
	const struct package_source *found = NULL;
	size_t count = 0, seen = 0;

	for (size_t i = 0; i < sources->count; i++)
		count += str_equal(sources->items[i].suite, package->suite);
	*ret_count = count ? count : sources->count;
	for (size_t i = 0; i < sources->count && !found; i++)
		if ((count == 0 || str_equal(sources->items[i].suite, package->suite)) &&
		    seen++ == n % *ret_count)
			found = &sources->items[i];
	return found;
}

static void options_set(struct transfer *transfer)
{
	CURL *curl = transfer->curl;

	curl_easy_setopt(curl, CURLOPT_URL, transfer->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,ftp,file");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https,ftp");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SLOW_SECONDS);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "nestctl/" NESTCTL_VERSION);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->problem);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, part_write);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)transfer->offset);
}

static int transfer_start(struct transfer *transfer, struct err *err)
{
	struct fetch *fetch = transfer->fetch;
	const struct package *package = transfer->package;
	size_t sources = 0;
	const struct package_source *source =
		source_at(fetch->request, package, transfer->tries, &sources);

	if (!source)
		return err_set(err, -ENOENT, "%s %s: no mirror is known for %s: name one as "
					     "os.mirror in the profile",
			       package->name, package->version, package->suite);
	free(transfer->url);
	transfer->url = str_format("%s%s", source->uri, package->path);
	transfer->problem[0] = '\0';
	transfer->too_large = false;
	transfer->unwritable = 0;
	transfer->curl = curl_easy_init();
	if (!transfer->curl)
		return err_set(err, -EIO, "libcurl cannot start a transfer");
	options_set(transfer);
	curl_multi_add_handle(fetch->multi, transfer->curl);
	transfer->state = RUNNING;
	fetch->running++;
	return 0;
}

/* "http://HOST/PATH" where the answer came from somewhere else than was asked. */
static void reason_add(struct transfer *transfer, const char *why)
{
	const char *last_url = NULL, *type = NULL;

	curl_easy_getinfo(transfer->curl, CURLINFO_EFFECTIVE_URL, &last_url);
	curl_easy_getinfo(transfer->curl, CURLINFO_CONTENT_TYPE, &type);
	buf_format(&transfer->reasons, "\n  %s", transfer->url);
	if (last_url && !str_equal(last_url, transfer->url))
		buf_format(&transfer->reasons, " (led on to %s)", last_url);
	buf_format(&transfer->reasons, ": %s", why);
	if (type && str_starts(type, "text/html"))
		buf_text(&transfer->reasons, " (a web page: a login, perhaps)");
}

/* All that came is there: is it what was asked for? */
static bool part_is_sound(struct transfer *transfer)
{
	char hash[HASH_HEX_LENGTH + 1] = "";

	return transfer->offset == transfer->package->size_bytes &&
	       hash_file(transfer->part, hash, NULL) == 0 &&
	       str_equal(hash, transfer->package->sha256);
}

static void try_judge(struct transfer *transfer, CURLcode code)
{
	long status = 0;

	curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
	transfer->gone = status == 404 || status == 410 || code == CURLE_FILE_COULDNT_READ_FILE;
	if (transfer->too_large) {
		reason_add(transfer, "sends more bytes than the package has");
		part_empty(transfer);
	} else if (code == CURLE_RANGE_ERROR || code == CURLE_BAD_DOWNLOAD_RESUME ||
		   status == 416) {
		reason_add(transfer, "cannot resume");
		part_empty(transfer);
	} else if (code != CURLE_OK) {
		reason_add(transfer, transfer->problem[0] ? transfer->problem
							  : curl_easy_strerror(code));
	} else if (transfer->offset < transfer->package->size_bytes) {
		reason_add(transfer, "ended before its end");
	} else {
		reason_add(transfer, "has other bytes than the package");
		part_empty(transfer);
	}
}

static int final_error(const struct transfer *transfer, struct err *err)
{
	const struct package *package = transfer->package;

	return err_set(err, transfer->gone ? -ENOENT : -EIO,
		       transfer->gone ? "%s %s is gone from the mirrors (another mirror may have "
					"it, or a new lock file helps):%s"
				      : "%s %s cannot be fetched:%s",
		       package->name, package->version, buf_str(&transfer->reasons));
}

/* A try has ended, well or not. */
static int try_end(struct transfer *transfer, CURLcode code, struct err *err)
{
	struct fetch *fetch = transfer->fetch;
	bool sound = code == CURLE_OK && part_is_sound(transfer);
	size_t sources = 0;

	if (!sound)
		try_judge(transfer, code);
	curl_multi_remove_handle(fetch->multi, transfer->curl);
	curl_easy_cleanup(take(&transfer->curl));
	fetch->running--;
	if (sound)
		return part_publish(transfer, err);
	if (transfer->unwritable)
		return err_errno(err, -transfer->unwritable, "%s: cannot be written",
				 transfer->part);
	transfer->state = WAITING;
	transfer->tries++;
	source_at(fetch->request, transfer->package, 0, &sources);
	/* A mirror that has no such file will not have it a moment later. */
	if (transfer->tries >= (transfer->gone ? 1 : TRIES) * sources)
		return final_error(transfer, err);
	transfer->not_before = clock_seconds();
	if (transfer->tries % sources == 0)
		transfer->not_before += BACK_OFF_SECONDS * (1u << transfer->tries / sources);
	return 0;
}

/* ---- all of them ---- */

/* Starts what may start. A file that another build is fetching is looked at again later. */
static int waiting_start(struct fetch *fetch, struct err *err)
{
	double now = clock_seconds();

	for (size_t i = 0; i < fetch->count && fetch->running < AT_ONCE; i++) {
		struct transfer *transfer = &fetch->transfers[i];

		if (transfer->state != WAITING || transfer->not_before > now)
			continue;
		int r = part_open(transfer, err);
		if (r == -EAGAIN) {
			if (now - fetch->started > LOCK_WAIT_SECONDS)
				return err_set(err, -ETIMEDOUT,
					       "%s: another build has been at work on it for too "
					       "long",
					       transfer->part);
			transfer->not_before = now + 1;
			continue;
		}
		/* The other build may have finished it between two looks. */
		if (r == 0 && is_in_store(transfer)) {
			unlink(transfer->part);
			part_close(transfer);
			transfer->state = FINISHED;
			fetch->finished++;
			continue;
		}
		if (r == 0)
			r = part_is_sound(transfer) ? part_publish(transfer, err)
						    : transfer_start(transfer, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void progress_show(struct fetch *fetch)
{
	double now = clock_seconds(), seconds = now - fetch->started;
	uint64_t done = fetch->had_bytes + fetch->got_bytes;

	if (now - fetch->shown < PROGRESS_MIN_SECONDS || seconds <= 0)
		return;
	fetch->shown = now;
	double rate = (double)fetch->got_bytes / seconds;
	double left = fetch->wanted_bytes > done ? (double)(fetch->wanted_bytes - done) : 0;
	log_status("  %s: %zu of %zu packages, %.0f of %.0f MiB, %.1f MiB/s, %.0f s left",
		   fetch->request->purpose, fetch->finished, fetch->count,
		   (double)done / (1 << 20), (double)fetch->wanted_bytes / (1 << 20),
		   rate / (1 << 20), rate > 0 ? left / rate : 0);
}

static int ended_collect(struct fetch *fetch, struct err *err)
{
	const CURLMsg *message;
	int left, r = 0;

	while (r == 0 && (message = curl_multi_info_read(fetch->multi, &left))) {
		struct transfer *transfer = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
		r = try_end(transfer, code, err);
	}
	return r;
}

static int transfers_run(struct fetch *fetch, struct err *err)
{
	int running, r = 0;

	while (r == 0 && fetch->finished < fetch->count) {
		if (spawn_stop_signal())
			return err_set(err, -EINTR, "stopped by a signal; what arrived is kept");
		r = waiting_start(fetch, err);
		if (r < 0)
			return r;
		curl_multi_perform(fetch->multi, &running);
		r = ended_collect(fetch, err);
		progress_show(fetch);
		if (r == 0 && fetch->finished < fetch->count)
			curl_multi_poll(fetch->multi, NULL, 0, POLL_MS, NULL);
	}
	return r;
}

static void fetch_done(struct fetch *fetch)
{
	for (size_t i = 0; i < fetch->count; i++) {
		struct transfer *transfer = &fetch->transfers[i];

		if (transfer->curl) {
			curl_multi_remove_handle(fetch->multi, transfer->curl);
			curl_easy_cleanup(transfer->curl);
		}
		part_close(transfer);
		free(transfer->part);
		free(transfer->url);
		buf_done(&transfer->reasons);
	}
	free(fetch->transfers);
	if (fetch->multi)
		curl_multi_cleanup(fetch->multi);
}

static int offline_error(const struct fetch *fetch, struct err *err)
{
	const struct package *first = fetch->transfers[0].package;

	return err_set(err, -ENOENT,
		       "%s: %zu packages are not in the store, %s %s the first of them: build "
		       "once without --offline, or unpack a bundle that has them",
		       fetch->request->purpose, fetch->count, first->name, first->version);
}

static int missing_fetch(struct fetch *fetch, struct err *err)
{
	CLEANUP(free_cleanup)
	char *folder = path_join(store_path(fetch->request->store), PACKAGES_KIND);

	for (size_t i = 0; i < fetch->count; i++)
		fetch->transfers[i].fetch = fetch;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	fetch->multi = curl_multi_init();
	if (!fetch->multi)
		return err_set(err, -EIO, "libcurl cannot start");
	curl_multi_setopt(fetch->multi, CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS);
	int r = transfers_run(fetch, err);
	log_status("%s", "");
	return r < 0 ? r : dir_sync(folder, err);
}

int packages_fetch(const struct fetch_request *request, struct err *err)
{
	CLEANUP(fetch_done) struct fetch fetch = { .request = request,
						   .started = clock_seconds() };

	for (size_t i = 0; i < request->packages->count; i++)
		if (!is_there(request, &request->packages->items[i]))
			transfer_add(&fetch, &request->packages->items[i]);
	if (fetch.count == 0)
		return 0;
	return request->offline ? offline_error(&fetch, err) : missing_fetch(&fetch, err);
}
