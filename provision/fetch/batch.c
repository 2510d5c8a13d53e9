#include "fetch/batch.h"

#include <errno.h>

#include "base/str.h"
#include "fetch/handle.h"

struct fetch_batch {
	CURLM *multi;
};

struct fetch_try {
	struct fetch_batch *batch;
	struct fetch_wish wish;
	CURL *curl;
	CURLcode code;
	char problem[CURL_ERROR_SIZE];
};

static int start_failed(struct err *err)
{
	return err_set(err, -ENOMEM, "libcurl cannot start");
}

int fetch_batch_open(unsigned connections, struct fetch_batch **ret_batch, struct err *err)
{
	struct fetch_batch *batch = mem_alloc(sizeof *batch);

	curl_global_init(CURL_GLOBAL_DEFAULT);
	batch->multi = curl_multi_init();
	if (!batch->multi) {
		free(batch);
		return start_failed(err);
	}
	curl_multi_setopt(batch->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)connections);
	*ret_batch = batch;
	return 0;
}

void fetch_batch_close(struct fetch_batch *batch)
{
	if (batch)
		curl_multi_cleanup(batch->multi);
	free(batch);
}

static size_t bytes_add(char *data, size_t size, size_t count, void *context)
{
	const struct fetch_try *one = context;

	return one->wish.add(one->wish.context, data, size * count) ? size * count : 0;
}

static void options_set(struct fetch_try *one)
{
	const struct fetch_wish *wish = &one->wish;

	handle_setup(one->curl, wish->url, one->problem);
	handle_patience(one->curl, (long)wish->slow_seconds);
	if (wish->proxy)
		curl_easy_setopt(one->curl, CURLOPT_PROXY, wish->proxy);
	curl_easy_setopt(one->curl, CURLOPT_WRITEFUNCTION, bytes_add);
	curl_easy_setopt(one->curl, CURLOPT_WRITEDATA, one);
	curl_easy_setopt(one->curl, CURLOPT_PRIVATE, one);
	curl_easy_setopt(one->curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)wish->offset_bytes);
}

int fetch_try_start(struct fetch_batch *batch, const struct fetch_wish *wish,
		    struct fetch_try **ret_try, struct err *err)
{
	CLEANUP(fetch_try_drop) struct fetch_try *one = mem_alloc(sizeof *one);

	one->batch = batch;
	one->wish = *wish;
	one->curl = curl_easy_init();
	if (!one->curl)
		return start_failed(err);
	options_set(one);
	CURLMcode code = curl_multi_add_handle(batch->multi, one->curl);
	if (code != CURLM_OK)
		return err_set(err, -EIO, "libcurl cannot start a transfer: %s",
			       curl_multi_strerror(code));
	*ret_try = take(&one);
	return 0;
}

void fetch_try_drop(struct fetch_try **one)
{
	if (!*one)
		return;
	if ((*one)->curl) {
		curl_multi_remove_handle((*one)->batch->multi, (*one)->curl);
		curl_easy_cleanup((*one)->curl);
	}
	free(take(one));
}

int fetch_batch_run(struct fetch_batch *batch, unsigned wait_ms, struct err *err)
{
	int running;
	CURLMcode code = curl_multi_poll(batch->multi, NULL, 0, (int)wait_ms, NULL);

	if (code == CURLM_OK)
		code = curl_multi_perform(batch->multi, &running);
	return code == CURLM_OK
		       ? 0
		       : err_set(err, -EIO, "libcurl cannot go on: %s", curl_multi_strerror(code));
}

void *fetch_batch_ended(struct fetch_batch *batch)
{
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(batch->multi, &left))) {
		struct fetch_try *one = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&one);
		one->code = code;
		return one->wish.context;
	}
	return NULL;
}

int64_t fetch_try_length(const struct fetch_try *one)
{
	curl_off_t length = -1;

	curl_easy_getinfo(one->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	return length;
}

enum fetch_end fetch_try_end(const struct fetch_try *one)
{
	long status = 0;

	curl_easy_getinfo(one->curl, CURLINFO_RESPONSE_CODE, &status);
	/* To libcurl it is no error where it resumes. */
	if (status == 416 || one->code == CURLE_RANGE_ERROR ||
	    one->code == CURLE_BAD_DOWNLOAD_RESUME)
		return FETCH_NO_RANGES;
	if (one->code == CURLE_OK)
		return FETCH_WHOLE;
	if (handle_says_gone(one->curl, one->code))
		return FETCH_GONE;
	return one->code == CURLE_OPERATION_TIMEDOUT   ? FETCH_SLOW
	       : one->code == CURLE_TOO_MANY_REDIRECTS ? FETCH_ASTRAY
						       : FETCH_BROKEN;
}

const char *fetch_try_problem(const struct fetch_try *one)
{
	return one->problem[0] ? one->problem : curl_easy_strerror(one->code);
}

const char *fetch_try_address(const struct fetch_try *one)
{
	const char *address = NULL;

	curl_easy_getinfo(one->curl, CURLINFO_EFFECTIVE_URL, &address);
	return address;
}

const char *fetch_try_type(const struct fetch_try *one)
{
	const char *type = NULL;

	curl_easy_getinfo(one->curl, CURLINFO_CONTENT_TYPE, &type);
	return type;
}
