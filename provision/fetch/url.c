#include "fetch/url.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/url_text.h"
#include "fetch/handle.h"

#define WHOLE_SECONDS 60L
#define SLOW_SECONDS  30L
#define TRIES	      4
#define SHOW_SECONDS  0.5
#define SAID_BYTES    200 /* of what a server says, in a message */

struct body {
	struct buf text;
	size_t max_bytes;
	bool too_large;
};

static void url_cleanup(CURLU **url)
{
	curl_url_cleanup(*url);
}

/* NULL: it has none; the caller frees with curl_free. */
static char *url_part(CURLU *url, CURLUPart part, unsigned flags)
{
	char *text = NULL;

	return curl_url_get(url, part, &text, flags) == CURLUE_OK ? text : NULL;
}

static void part_cleanup(char **text)
{
	curl_free(*text);
}

/* NULL: nothing. */
static const char *server_wrong(CURLU *url, const char *server)
{
	CURLUcode code = curl_url_set(url, CURLUPART_URL, server, 0);

	if (code != CURLUE_OK)
		return curl_url_strerror(code);
	CLEANUP(part_cleanup) char *scheme = url_part(url, CURLUPART_SCHEME, 0);
	CLEANUP(part_cleanup) char *port = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	CLEANUP(part_cleanup) char *query = url_part(url, CURLUPART_QUERY, 0);
	CLEANUP(part_cleanup) char *fragment = url_part(url, CURLUPART_FRAGMENT, 0);
	if (!str_equal(scheme, "http") && !str_equal(scheme, "https"))
		return "neither http nor https";
	if (str_equal(port, "0"))
		return "nothing listens on port 0";
	return query || fragment ? "there is something behind its path" : NULL;
}

int fetch_url_below(const char *server, const char *path, char **ret_url, struct err *err)
{
	CLEANUP(url_cleanup) CURLU *url = curl_url();
	const char *wrong = server_wrong(url, server);
	CLEANUP(free_cleanup) char *shown = url_shown(server);

	if (wrong)
		return err_set(err, -EINVAL,
			       "%s: is not the URL of a server: %s (write http://ADDRESS:PORT)",
			       shown, wrong);
	CLEANUP(part_cleanup) char *folder = url_part(url, CURLUPART_PATH, 0);
	CLEANUP(free_cleanup)
	char *whole = str_format("%s%s%s", folder, str_ends(folder, "/") ? "" : "/", path);
	curl_url_set(url, CURLUPART_PATH, whole, 0);
	CLEANUP(part_cleanup) char *text = url_part(url, CURLUPART_URL, 0);
	*ret_url = str_copy(text);
	return 0;
}

static size_t body_add(char *data, size_t size, size_t count, void *context)
{
	struct body *body = context;

	body->too_large = size * count > body->max_bytes - body->text.length;
	if (body->too_large)
		return 0;
	buf_add(&body->text, data, size * count);
	return size * count;
}

static void curl_cleanup(CURL **curl)
{
	if (*curl)
		curl_easy_cleanup(*curl);
}

/* Not 0 ends the transfer. */
static int stopped(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total,
		   curl_off_t up)
{
	(void)context;
	(void)total;
	(void)now;
	(void)up_total;
	(void)up;
	return spawn_stop_signal() != 0;
}

/* What an HTTP server says in place of what was asked for; the first line, where it is a text. */
static int answer_judge(CURL *curl, const struct body *body, const char *shown, struct err *err)
{
	const char *scheme = NULL, *type = NULL, *text = buf_str(&body->text);
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(curl, CURLINFO_SCHEME, &scheme);
	curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
	if (status < 400 || !scheme || strncasecmp(scheme, "http", 4) != 0)
		return 0;
	bool plain = type && str_starts(type, "text/plain") && *text;
	size_t line = plain ? strcspn(text, "\r\n") : 0;
	return err_set(err, status < 500 ? -ENOENT : -EIO,
		       "%s: cannot be fetched: the server answers with status %ld%s%.*s", shown,
		       status, plain ? ": " : "",
		       (int)str_cut(text, line < SAID_BYTES ? line : SAID_BYTES), text);
}

int fetch_url(const char *url, size_t max_bytes, char **ret_text, size_t *ret_length,
	      struct err *err)
{
	CLEANUP(free_cleanup) char *shown = url_shown(url);
	struct body body = { .max_bytes = max_bytes };
	char problem[CURL_ERROR_SIZE] = "";

	curl_global_init(CURL_GLOBAL_DEFAULT);
	CLEANUP(curl_cleanup) CURL *curl = curl_easy_init();
	if (!curl)
		return err_set(err, -EIO, "%s: libcurl cannot start", shown);
	handle_setup(curl, url, problem);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 0L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, WHOLE_SECONDS);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, stopped);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_add);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
	CURLcode code = curl_easy_perform(curl);
	CLEANUP(buf_done) struct buf text = body.text;
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return err_set(err, -EINTR, "%s: stopped by a signal", shown);
	int r = answer_judge(curl, &body, shown, err);
	if (r < 0)
		return r;
	if (body.too_large)
		return err_set(err, -EBADMSG, "%s: has more than %zu bytes, the most that is taken",
			       shown, max_bytes);
	if (code != CURLE_OK)
		return err_set(err, code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EIO,
			       "%s: cannot be fetched: %s", shown,
			       problem[0] ? problem : curl_easy_strerror(code));
	buf_text(&text, "");
	*ret_length = text.length;
	*ret_text = text.data ? take(&text.data) : str_copy("");
	return 0;
}

/* ---- large files ---- */

struct download {
	CURL *curl;
	const char *url, *shown;
	int fd;
	uint64_t offset_bytes; /* what the file has */
	uint64_t max_bytes;
	bool too_large;
	int write_error;     /* positive errno */
	double began, drawn; /* seconds */
	uint64_t began_bytes;
	char problem[CURL_ERROR_SIZE];
};

static size_t download_write(char *data, size_t size, size_t count, void *context)
{
	struct download *download = context;

	download->too_large = size * count > download->max_bytes - download->offset_bytes;
	if (download->too_large)
		return 0;
	int r = fd_pwrite_all(download->fd, data, size * count, download->offset_bytes);
	if (r < 0) {
		download->write_error = -r;
		return 0;
	}
	download->offset_bytes += size * count;
	return size * count;
}

/* Not 0 ends the transfer. */
static int download_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total,
			     curl_off_t up)
{
	struct download *download = context;
	double seconds = clock_seconds() - download->began;

	(void)up_total;
	(void)up;
	if (spawn_stop_signal())
		return 1;
	if (clock_seconds() - download->drawn < SHOW_SECONDS || seconds <= 0)
		return 0;
	download->drawn = clock_seconds();
	uint64_t came = download->offset_bytes - download->began_bytes;
	uint64_t left = total > now ? (uint64_t)(total - now) : 0;
	log_status("  %s: %llu of %llu MiB, %.1f MiB/s", path_name(download->shown),
		   (unsigned long long)download->offset_bytes >> 20,
		   (unsigned long long)(download->offset_bytes + left) >> 20,
		   (double)came / seconds / (1 << 20));
	return 0;
}

static int download_restart(struct download *download, struct err *err)
{
	download->offset_bytes = 0;
	return ftruncate(download->fd, 0) < 0
		       ? err_errno(err, errno, "%s: what came of it cannot be emptied",
				   download->shown)
		       : 0;
}

static CURLcode download_try(struct download *download)
{
	CURL *curl = download->curl;

	curl_easy_reset(curl);
	handle_setup(curl, download->url, download->problem);
	handle_patience(curl, SLOW_SECONDS);
	curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)download->offset_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, download_write);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, download);
	/* Where the server says how much comes, nothing of too much does. */
	curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)download->max_bytes);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, download_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, download);
	download->problem[0] = '\0';
	return curl_easy_perform(curl);
}

/* 1: try again, 0: it is whole as far as the server knows, or a negative errno. */
static int download_judge(struct download *download, CURLcode code, struct err *err)
{
	long status = 0;

	curl_easy_getinfo(download->curl, CURLINFO_RESPONSE_CODE, &status);
	/* 416: there is nothing behind what we have. */
	if (code == CURLE_OK || (status == 416 && download->offset_bytes > 0))
		return 0;
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return err_set(err, -EINTR, "%s: stopped by a signal; what came is kept",
			       download->shown);
	if (download->too_large || code == CURLE_FILESIZE_EXCEEDED)
		return err_set(err, -EFBIG, "%s: has more than %llu bytes, the most that is taken",
			       download->shown, (unsigned long long)download->max_bytes);
	if (download->write_error)
		return err_errno(err, download->write_error, "%s: cannot be kept", download->shown);
	err_set(err, handle_says_gone(download->curl, code) ? -ENOENT : -EIO,
		"%s: cannot be fetched: %s", download->shown,
		download->problem[0] ? download->problem : curl_easy_strerror(code));
	if (code == CURLE_RANGE_ERROR || code == CURLE_BAD_DOWNLOAD_RESUME) {
		int r = download_restart(download, err);

		return r < 0 ? r : 1;
	}
	return code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR ||
			       code == CURLE_GOT_NOTHING || code == CURLE_OPERATION_TIMEDOUT
		       ? 1
		       : (err ? err->code : -EIO);
}

int fetch_url_to(const char *url, int fd, uint64_t max_bytes, struct err *err)
{
	CLEANUP(free_cleanup) char *shown = url_shown(url);
	struct download download = { .url = url, .shown = shown, .fd = fd, .max_bytes = max_bytes };
	struct stat status;
	int r = 1;

	if (fstat(fd, &status) < 0)
		return err_errno(err, errno, "%s: cannot be kept", shown);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	CLEANUP(curl_cleanup) CURL *curl = curl_easy_init();
	if (!curl)
		return err_set(err, -EIO, "%s: libcurl cannot start", shown);
	download.curl = curl;
	download.offset_bytes = download.began_bytes = (uint64_t)status.st_size;
	download.began = clock_seconds();
	if (download.offset_bytes > max_bytes)
		r = download_restart(&download, err) < 0 ? -EIO : 1;
	for (int i = 0; r == 1 && i < TRIES; i++)
		r = download_judge(&download, download_try(&download), err);
	log_status("%s", "");
	if (r == 0 && err)
		err_clear(err);
	return r == 1 ? (err ? err->code : -EIO) : r;
}
