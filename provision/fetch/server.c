#include "fetch/server.h"

#include <errno.h>
#include <openssl/ssl.h>

#include "base/str.h"
#include "fetch/handle.h"

#define WHOLE_SECONDS 60L
#define SLOW_SECONDS  20L

struct transfer {
	const struct fetch_server *server;
	CURL *curl;
	char problem[CURL_ERROR_SIZE];
};

static void transfer_done(struct transfer *transfer)
{
	if (transfer->curl)
		curl_easy_cleanup(transfer->curl);
}

/* The clock of a machine without a system says anything. Who holds the key of a certificate is what
 * counts, not the day. */
static CURLcode no_clock(CURL *curl, void *context, void *unused)
{
	(void)curl;
	(void)unused;
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_NO_CHECK_TIME);
	return CURLE_OK;
}

static int transfer_begin(struct transfer *transfer, const struct fetch_server *server,
			  const char *url, struct err *err)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	transfer->server = server;
	transfer->problem[0] = '\0';
	transfer->curl = curl_easy_init();
	if (!transfer->curl)
		return err_set(err, -EIO, "%s: libcurl cannot start", server->name);
	handle_setup(transfer->curl, url, transfer->problem);
	curl_easy_setopt(transfer->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(transfer->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(transfer->curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(transfer->curl, CURLOPT_CAINFO, server->ca_path);
	curl_easy_setopt(transfer->curl, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(transfer->curl, CURLOPT_SSL_CTX_FUNCTION, no_clock);
	return 0;
}

static int code_errno(CURL *curl, CURLcode code)
{
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	switch (code) {
	case CURLE_RANGE_ERROR:
	case CURLE_BAD_DOWNLOAD_RESUME:
		return -ERANGE;
	case CURLE_HTTP_RETURNED_ERROR:
		return status == 416 ? -ERANGE : status < 500 && status != 429 ? -EACCES : -EAGAIN;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_WRITE_ERROR: /* more than was asked for */
		return -EPROTO;
	default:
		return -EAGAIN;
	}
}

static int transfer_perform(struct transfer *transfer, struct err *err)
{
	CURLcode code = curl_easy_perform(transfer->curl);
	long status = 0;

	curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK && status / 100 == 2)
		return 0;
	if (code == CURLE_OK)
		return err_set(err, -EPROTO, "%s: answers with status %ld", transfer->server->name,
			       status);
	return err_set(err, code_errno(transfer->curl, code), "%s: %s", transfer->server->name,
		       transfer->problem[0] ? transfer->problem : curl_easy_strerror(code));
}

static void sink_set(struct transfer *transfer, curl_write_callback write, void *context)
{
	curl_easy_setopt(transfer->curl, CURLOPT_WRITEFUNCTION, write);
	curl_easy_setopt(transfer->curl, CURLOPT_WRITEDATA, context);
}

/* ---- texts ---- */

struct body {
	struct buf text;
	size_t max_bytes;
};

static size_t body_add(char *data, size_t size, size_t count, void *context)
{
	struct body *body = context;

	if (size * count > body->max_bytes - body->text.length)
		return 0;
	buf_add(&body->text, data, size * count);
	return size * count;
}

int fetch_server_get(const struct fetch_server *server, const char *url, size_t max_bytes,
		     char **ret_text, struct err *err)
{
	CLEANUP(transfer_done) struct transfer transfer = { 0 };
	struct body body = { .max_bytes = max_bytes };
	int r = transfer_begin(&transfer, server, url, err);

	if (r < 0)
		return r;
	curl_easy_setopt(transfer.curl, CURLOPT_TIMEOUT, WHOLE_SECONDS);
	sink_set(&transfer, body_add, &body);
	r = transfer_perform(&transfer, err);
	CLEANUP(buf_done) struct buf text = body.text;
	if (r < 0)
		return r;
	buf_text(&text, "");
	*ret_text = take(&text.data);
	return 0;
}

static size_t body_drop(char *data, size_t size, size_t count, void *context)
{
	(void)data;
	(void)context;
	return size * count;
}

int fetch_server_post(const struct fetch_server *server, const char *url, const char *type,
		      const void *data, size_t length, unsigned seconds, struct err *err)
{
	CLEANUP(transfer_done) struct transfer transfer = { 0 };
	CLEANUP(free_cleanup) char *field = str_format("Content-Type: %s", type);
	int r = transfer_begin(&transfer, server, url, err);

	if (r < 0)
		return r;
	struct curl_slist *fields = curl_slist_append(NULL, field);
	curl_easy_setopt(transfer.curl, CURLOPT_HTTPHEADER, fields);
	curl_easy_setopt(transfer.curl, CURLOPT_POSTFIELDS, data);
	curl_easy_setopt(transfer.curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
	curl_easy_setopt(transfer.curl, CURLOPT_TIMEOUT, (long)seconds);
	curl_easy_setopt(transfer.curl, CURLOPT_CONNECTTIMEOUT, (long)seconds);
	sink_set(&transfer, body_drop, NULL);
	r = transfer_perform(&transfer, err);
	curl_slist_free_all(fields);
	return r;
}

/* ---- what goes on as it comes ---- */

struct flow {
	struct fetch_sink *sink;
	struct err failure;
	int failed;
};

static size_t flow_add(char *data, size_t size, size_t count, void *context)
{
	struct flow *flow = context;

	flow->failed = flow->sink->add(flow->sink->context, data, size * count, &flow->failure);
	if (flow->failed < 0)
		return 0;
	flow->sink->offset_bytes += size * count;
	return size * count;
}

int fetch_server_stream(const struct fetch_server *server, const char *url, struct fetch_sink *sink,
			struct err *err)
{
	CLEANUP(transfer_done) struct transfer transfer = { 0 };
	CLEANUP(err_clear) struct err failure = { 0 };
	struct flow flow = { .sink = sink };
	int r = transfer_begin(&transfer, server, url, err);

	if (r < 0)
		return r;
	handle_patience(transfer.curl, SLOW_SECONDS);
	curl_easy_setopt(transfer.curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)sink->offset_bytes);
	curl_easy_setopt(transfer.curl, CURLOPT_BUFFERSIZE, 256L << 10);
	sink_set(&transfer, flow_add, &flow);
	r = transfer_perform(&transfer, err);
	failure = flow.failure;
	return flow.failed < 0 ? err_set(err, flow.failed, "%s", failure.text) : r;
}
