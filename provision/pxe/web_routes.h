/* What each port of the lab answers. Between the files of the web server. */
#pragma once
#include <pthread.h>

#include "pxe/web.h"
#include "pxe/web_events.h"
#include "pxe/web_http.h"

/* The files of the page. */
enum { PAGE_HTML, PAGE_JS, PAGE_CSS, PAGE_ICON, PAGE_FILES };

struct web_refusals { /* of tokens */
	pthread_mutex_t lock;
	double next; /* when the next is told */
	unsigned untold;
};

struct web_site {
	struct web_refusals refusals;
	struct web_request request;
	struct web_events *events;
	char *pages[PAGE_FILES];
};

/* Handlers of the ports, with a struct web_site as context. */
void web_boot_port(void *context, const struct http_request *request, struct http_answer *answer);
void web_secure_port(void *context, const struct http_request *request, struct http_answer *answer);
void web_answers_port(void *context, const struct http_request *request,
		      struct http_answer *answer);
void web_status_port(void *context, const struct http_request *request, struct http_answer *answer);

/* Reads the page's files. */
int web_pages_load(struct web_site *site, struct err *err);
void web_pages_free(struct web_site *site);

/* Is the request's method one of the route's? If not, the answer says which are. */
bool web_method_check(const struct http_request *request, const char *allowed,
		      struct http_answer *answer);
/* 404, 403, 400 by errno; anything else is told to the log, and to the client only as 500. */
void web_answer_err(struct http_answer *answer, const struct err *err, const char *what);
