#include "fix/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"

#define CONNECT_SECONDS 15L
#define WHOLE_SECONDS	60L
#define REDIRECTS	5L

struct body {
	struct buf text;
	size_t max_bytes;
	bool too_large;
};

bool is_url(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+");

	return length > 1 && str_starts(text + length, "://");
}

/* The URL without user and password; the caller frees. */
static char *url_shown(const char *url)
{
	const char *host = strstr(url, "://") + 3;
	const char *end = host + strcspn(host, "/"), *at = memrchr(host, '@', (size_t)(end - host));

	return at ? str_format("%.*s%s", (int)(host - url), url, at + 1) : str_copy(url);
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

static void options_set(CURL *curl, const char *url, struct body *body, char *problem)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,ftp,file");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https,ftp");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, WHOLE_SECONDS);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "nestctl/" NESTCTL_VERSION);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_add);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
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
	options_set(curl, url, &body, problem);
	CURLcode code = curl_easy_perform(curl);
	CLEANUP(buf_done) struct buf text = body.text;
	if (body.too_large)
		return err_set(err, -EBADMSG, "%s: has more than %zu bytes: it is no boot menu",
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
