/* The agent's own channel, towards L0, and what the outer end has said of this run. Opens the
 * channel, or dials the server, again whenever it is hung up; tells its events anew to everyone who
 * says hello with a new nonce. */
#pragma once
#include "channel.h"
#include "conf.h"
#include "dial.h"
#include "loop.h"

#define PATH_BYTES	 512
#define NONCE_DIGITS	 32
#define EVENT_TEXT_BYTES 2048
#define EVENTS_KEPT	 64

struct event {
	double seconds;
	const char *step;
	char guest[CONF_NAME]; /* name; "": about the layer itself */
	char *text;	       /* owned */
	bool told;	       /* to somebody; it may have been lost */
};

struct outward {
	struct loop *loop;
	const struct conf *conf;
	bool (*on_message)(void *context, const char *line, size_t length); /* as in frame.h */
	void (*on_drain)(void *context); /* there is room for more output */
	void *context;

	struct channel channel;
	struct dial dial;   /* where there is a server: it takes the place of conf->channel */
	struct timer again; /* opening the other kind */
	struct timer quiet; /* until the kernel may speak on the shared line again */
	bool kernel_shares; /* the channel is the kernel's console too */
	bool kernel_is_quiet;

	char path[PATH_BYTES]; /* "" until hello */
	char nonce[NONCE_DIGITS + 1];
	char echo[32];

	struct event events[EVENTS_KEPT]; /* the oldest first */
	unsigned event_count;
};

/* The callbacks are set by the caller before. */
void outward_init(struct outward *outward, struct loop *loop, const struct conf *conf);
void outward_done(struct outward *outward);

bool outward_has_hello(const struct outward *outward);
/* From a hello that was checked. True: a new run; the events were sent again. */
bool outward_hello(struct outward *outward, const char *path, const char *nonce, const char *echo);

/* Takes a message, empties the buffer; false: it could not be queued. */
bool outward_send(struct outward *outward, struct buf *message);
/* step is one of the protocol's and lives for ever; guest is a name or NULL. */
void outward_event(struct outward *outward, const char *step, const char *guest, const char *text);
/* A server is at the other end, and nobody knows who that is: what it says counts as far as
 * docs/agent-protocol.md, "A server", allows. */
bool outward_is_server(const struct outward *outward);
/* Whether makers of much output have to wait (CHANNEL_QUEUE_HIGH). */
bool outward_is_full(const struct outward *outward);
bool outward_is_idle(const struct outward *outward); /* all is sent, the driver's part too */
