/* Between the files of the HTTP server that know libmicrohttpd. */
#pragma once
#include <microhttpd.h>
#include <netinet/in.h>

#include "pxe/web_http.h"

/* One TCP connection, as the watch sees it. */
struct connection;

/* A request, from its first line to the last byte of its answer. */
struct exchange {
	struct http *http;
	char *path, *query; /* path NULL: refused */
	char client[INET_ADDRSTRLEN];
	struct http_request request;
	struct buf body;
	bool begun;    /* its header was read */
	bool answered; /* the answer is there, if not yet sent */
	struct http_answer answer;
};

struct http {
	const struct http_listener *listener;
	struct MHD_Daemon *daemon;
};

/* Sends exchange->answer. */
enum MHD_Result answer_send(struct exchange *exchange, struct MHD_Connection *connection);

/* ---- the watch ---- */

struct connection *web_watch_add(struct web_watch *watch, struct MHD_Connection *mhd);
/* Before its socket is closed. */
void web_watch_remove(struct connection *connection);
/* A request is awaited: it has to be there in time. */
void web_watch_awaits(struct connection *connection);
/* Its answer goes out: it has to get on. */
void web_watch_answers(struct connection *connection);
/* Suspends it for so long; false: nothing waits any more. */
bool web_watch_park(struct connection *connection, unsigned milliseconds);
/* What the stream has; suspended while that is nothing. For MHD_ContentReaderCallback. */
ssize_t web_watch_read(struct connection *connection, const struct http_stream *stream,
		       char *buffer, size_t size);
struct connection *connection_of(struct MHD_Connection *mhd);
