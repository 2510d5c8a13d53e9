/* HTTP on one address of ours (libmicrohttpd, whose types appear in web_mhd.h alone). What is asked
 * and what is answered are plain structs; every limit that a client can run into is kept in here.
 */
#pragma once
#include <sys/types.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/str.h"

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST };

struct http_request { /* borrowed, as long as it is handled */
	enum http_method method;
	const char *path;   /* as web_target_parse gives it: "boot/ipxe" */
	const char *query;  /* undecoded, "" for none */
	const char *client; /* address, dotted */
	bool local_client;  /* from this machine */
	const char *body;   /* of a POST, NUL-terminated; may hold NULs of its own */
	size_t body_length;
	void *connection; /* for http_field */
};

/* A field of the request's header, NULL if it has none. */
const char *http_field(const struct http_request *request, const char *name);

/* An answer without an end. read: up to size bytes; 0: nothing yet, web_watch_wake when there is;
 * -1: it is over. It is called with the watch's lock held, and must not call web_watch_wake. */
struct http_stream {
	ssize_t (*read)(void *context, char *buffer, size_t size);
	void (*end)(void *context); /* the client is gone; frees the context */
	void *context;
};

/* A zeroed struct with fd -1 is an empty 200. Exactly one of text, fd and stream. */
struct http_answer {
	unsigned status;
	const char *type; /* media type; static */
	char *text;	  /* owned */
	size_t length;
	int fd;				/* owned; a regular file */
	char etag[HASH_HEX_LENGTH + 1]; /* of what fd holds; "": made of the file's identity */
	struct http_stream stream;	/* read NULL: none */
	const char *allow;		/* with 405: "GET, HEAD"; static */
	bool no_store;			/* no cache may keep it */
	unsigned delay_ms;		/* it is held back for so long, and no thread with it */
};

/* Takes the text over; type is static. */
void http_answer_text(struct http_answer *answer, const char *type, char *text);
/* An error as one plain line. */
void http_answer_line(struct http_answer *answer, unsigned status, const char *line);
void http_answer_done(struct http_answer *answer);

struct http_pair { /* static */
	const char *name, *value;
};

/* What all listeners share: time limits, answers that wait, streams. */
struct web_watch;

/* Starts its thread. -EAGAIN: there is none to be had. */
int web_watch_start(struct web_watch **ret_watch, struct err *err);
/* Streams have news. From any thread. */
void web_watch_wake(struct web_watch *watch);
/* No answer waits from now on: before http_stop. */
void web_watch_stop(struct web_watch *watch);
void web_watch_free(struct web_watch *watch); /* after http_stop */

struct http_listener {	     /* all of it outlives the server */
	const char *name;    /* for messages: "boot" */
	const char *address; /* dotted */
	unsigned port;
	unsigned connections, connections_per_client; /* at most, at a time */
	size_t body_bytes;			      /* of a POST, at most */
	int send_buffer_bytes;		/* of each connection, in the kernel; 0: as it likes, up to
					 * megabytes */
	const char *key, *certificate;	/* PEM; NULL: no TLS */
	const char *interface;		/* the only one that it is heard on; NULL: all */
	const struct http_pair *fields; /* go with every answer; ends with a NULL name */
	struct web_watch *watch;
	/* From several threads. */
	void (*handle)(void *context, const struct http_request *request,
		       struct http_answer *answer);
	void *context;
};

struct http;

/* -EADDRINUSE, -EADDRNOTAVAIL, -EACCES ... name address and port. */
int http_start(const struct http_listener *listener, struct http **ret_http, struct err *err);
/* Ends what goes on; NULL is allowed. */
void http_stop(struct http *http);
