#include "pxe/web.h"

#include "base/fs.h"
#include "pxe/web_routes.h"
#include "pxe/web_tls.h"

/* Of one client: a few at a time are all that an installer needs; a cache in front of many machines
 * needs more. */
#define CLIENT_CONNECTIONS 64
#define LAB_CONNECTIONS	   1024
#define FEW_CONNECTIONS	   256
/* A body is held while it comes, whoever sends it: only where consoles come, much of it. */
#define SECURE_BODY_BYTES (64u << 10)
#define BODY_BYTES	  (4u << 10)
/* Events for a listener that does not read pile up in here until it is found out. */
#define EVENT_BUFFER_BYTES (64 << 10)

enum { BOOT, SECURE, ANSWERS, STATUS, PORTS };

struct web {
	struct web_site site;
	struct web_tls tls;
	struct web_watch *watch;
	struct http_listener listeners[PORTS];
	struct http *ports[PORTS];
};

static const struct http_pair lab_fields[] = {
	{ "X-Content-Type-Options", "nosniff" },
	{ 0 },
};

static const struct http_pair secret_fields[] = {
	{ "X-Content-Type-Options", "nosniff" },
	{ "Cache-Control", "no-store" },
	{ 0 },
};

static const struct http_pair page_fields[] = {
	{ "X-Content-Type-Options", "nosniff" },
	{ "Cache-Control", "no-store" },
	{ "Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
				     "form-action 'none'; object-src 'none'" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ 0 },
};

static void listeners_set(struct web *web)
{
	const struct web_request *request = &web->site.request;
	const struct lab_ports *ports = &request->lab->ports;
	const struct http_listener listeners[PORTS] = {
		[BOOT] = { "boot", request->address, ports->boot, LAB_CONNECTIONS,
			   .fields = lab_fields, .handle = web_boot_port },
		[SECURE] = { "secure", request->address, ports->secure, LAB_CONNECTIONS,
			     .key = web->tls.key, .certificate = web->tls.certificate,
			     .fields = secret_fields, .handle = web_secure_port },
		[ANSWERS] = { "answers", request->address, ports->answers, FEW_CONNECTIONS,
			      .fields = secret_fields, .handle = web_answers_port },
		[STATUS] = { "status", request->lab->status_address, ports->status, FEW_CONNECTIONS,
			     .send_buffer_bytes = EVENT_BUFFER_BYTES, .fields = page_fields,
			     .handle = web_status_port },
	};

	for (size_t i = 0; i < PORTS; i++) {
		web->listeners[i] = listeners[i];
		web->listeners[i].body_bytes = i == SECURE ? SECURE_BODY_BYTES : BODY_BYTES;
		web->listeners[i].connections_per_client = CLIENT_CONNECTIONS;
		web->listeners[i].interface = i == STATUS ? NULL : request->lab->interface;
		web->listeners[i].watch = web->watch;
		web->listeners[i].context = &web->site;
	}
}

static int web_open(struct web *web, struct err *err)
{
	const struct web_request *request = &web->site.request;
	CLEANUP(free_cleanup) char *folder = path_join(request->folder, "tls");
	int r = web_pages_load(&web->site, err);

	if (r == 0)
		r = web_tls_open(folder, request->lab->name, request->address, &web->tls, err);
	if (r == 0)
		r = web_watch_start(&web->watch, err);
	if (r == 0)
		r = web_events_start(request->ledger, web->watch, &web->site.events, err);
	if (r < 0)
		return r;
	listeners_set(web);
	for (size_t i = 0; r == 0 && i < PORTS; i++)
		r = http_start(&web->listeners[i], &web->ports[i], err);
	return r;
}

int web_start(const struct web_request *request, struct web **ret_web, struct err *err)
{
	struct web *web = mem_alloc(sizeof *web);

	web->site.request = *request;
	pthread_mutex_init(&web->site.refusals.lock, NULL);
	int r = web_open(web, err);
	if (r < 0) {
		web_stop(web);
		return err_wrap(err, r, "the lab's web server");
	}
	*ret_web = web;
	return 0;
}

void web_stop(struct web *web)
{
	if (!web)
		return;
	if (web->watch)
		web_watch_stop(web->watch);
	for (size_t i = 0; i < PORTS; i++)
		http_stop(web->ports[i]);
	web_events_stop(web->site.events);
	web_watch_free(web->watch);
	web_pages_free(&web->site);
	web_tls_done(&web->tls);
	pthread_mutex_destroy(&web->site.refusals.lock);
	free(web);
}

const char *web_ca(const struct web *web)
{
	return web->tls.ca;
}
