/* Talking to one HTTP server that may come and go, by libcurl: get, stream, post. Redirects are not
 * followed. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct fetch_server {
	const char *name;    /* in messages; a URL holds tokens, and is never shown */
	const char *ca_path; /* PEM; https trusts these certificates alone */
};

/* All of these: -EAGAIN: a moment later it may go better (no answer, broken off, 5xx); -EACCES: the
 * server refuses (4xx); -EPROTO: it is not the one that it should be, or speaks oddly. */

/* At most max_bytes, 60 s. The caller frees. */
int fetch_server_get(const struct fetch_server *server, const char *url, size_t max_bytes,
		     char **ret_text, struct err *err);
/* A body of that media type; what is answered is not kept. */
int fetch_server_post(const struct fetch_server *server, const char *url, const char *type,
		      const void *data, size_t length, unsigned seconds, struct err *err);

/* What is done with bytes as they come; an error ends the transfer and is returned. */
struct fetch_sink {
	int (*add)(void *context, const void *data, size_t length, struct err *err);
	void *context;
	uint64_t offset_bytes; /* where to begin; grows with what was added */
};

/* From the sink's offset to the end, however long it takes, as long as bytes come. -ERANGE: the
 * server does not begin there. */
int fetch_server_stream(const struct fetch_server *server, const char *url, struct fetch_sink *sink,
			struct err *err);
