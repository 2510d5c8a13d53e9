#include "outward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "tty.h"

#define REOPEN_SECONDS	    1.0
#define QUIET_SECONDS	    0.3
#define KERNEL_LEVEL_QUIET  1 /* emergencies */
#define KERNEL_LEVEL_SHARED 4 /* and errors: what a person needs to see */
#define SHARED_CONSOLE	    "/dev/hvc"

bool outward_is_server(const struct outward *outward)
{
	return outward->conf->server != 0;
}

static void server_connected(void *context, int fd)
{
	struct outward *outward = context;

	channel_attach(&outward->channel, fd);
}

static void channel_open(void *context)
{
	struct outward *outward = context;
	int fd = tty_open(outward->conf->channel);

	if (fd >= 0)
		channel_attach(&outward->channel, fd);
	else
		timer_set(outward->loop, &outward->again, REOPEN_SECONDS);
}

static void channel_lost(void *context)
{
	struct outward *outward = context;

	if (!outward_is_server(outward)) {
		timer_set(outward->loop, &outward->again, REOPEN_SECONDS);
		return;
	}
	/* What was said meanwhile would only hold its makers back: each connection begins with a
	 * hello of its own, after which all that counts is told again. */
	channel_forget(&outward->channel);
	dial_again(&outward->dial);
	outward->on_drain(outward->context);
}

static bool message_in(void *context, const char *line, size_t length)
{
	struct outward *outward = context;

	return outward->on_message(outward->context, line, length);
}

static void drained(void *context)
{
	struct outward *outward = context;

	outward->on_drain(outward->context);
}

/* ---- a console that the kernel writes to as well ---- */

static void quiet_fire(void *context)
{
	struct outward *outward = context;

	if (!outward_is_idle(outward) && outward->channel.watch.fd >= 0) {
		timer_set(outward->loop, &outward->quiet, QUIET_SECONDS);
		return;
	}
	outward->kernel_is_quiet = false;
	kernel_console_level(KERNEL_LEVEL_SHARED);
}

/* A kernel message in the middle of one of ours would spoil both. */
static void kernel_hush(struct outward *outward)
{
	if (!outward->kernel_shares)
		return;
	if (!outward->kernel_is_quiet)
		kernel_console_level(KERNEL_LEVEL_QUIET);
	outward->kernel_is_quiet = true;
	timer_set(outward->loop, &outward->quiet, QUIET_SECONDS);
}

/* ---- set-up ---- */

void outward_init(struct outward *outward, struct loop *loop, const struct conf *conf)
{
	outward->loop = loop;
	outward->conf = conf;
	outward->again = (struct timer){ .fire = channel_open, .context = outward };
	outward->quiet = (struct timer){ .fire = quiet_fire, .context = outward };
	outward->kernel_shares = !conf->server && strncmp(conf->channel, SHARED_CONSOLE,
							  strlen(SHARED_CONSOLE)) == 0;
	outward->channel = (struct channel){ .shared = outward->kernel_shares,
					     .on_message = message_in,
					     .on_hangup = channel_lost,
					     .on_drain = drained,
					     .context = outward };
	channel_init(&outward->channel, loop);
	outward->dial = (struct dial){ .on_connected = server_connected, .context = outward };
	if (outward_is_server(outward))
		dial_init(&outward->dial, loop, conf);
	else
		channel_open(outward);
}

void outward_done(struct outward *outward)
{
	dial_done(&outward->dial);
	channel_done(&outward->channel);
	for (unsigned i = 0; i < outward->event_count; i++)
		free(outward->events[i].text);
	outward->event_count = 0;
}

/* ---- sending ---- */

bool outward_send(struct outward *outward, struct buf *message)
{
	bool nobody = outward_is_server(outward) && outward_has_hello(outward) &&
		      outward->channel.watch.fd < 0;
	bool good = !nobody && channel_send(&outward->channel, message->data, message->length);

	if (good)
		kernel_hush(outward);
	buf_done(message);
	return good;
}

bool outward_is_full(const struct outward *outward)
{
	return channel_queued(&outward->channel) >= CHANNEL_QUEUE_HIGH;
}

bool outward_is_idle(const struct outward *outward)
{
	return channel_queued(&outward->channel) == 0 &&
	       (outward->channel.watch.fd < 0 || tty_unsent(outward->channel.watch.fd) == 0);
}

/* ---- events ---- */

/* What a run before was told, and what happens now makes old: a layer may run for years, and have
 * many runs look at it. */
static void overtaken_drop(struct outward *outward, const char *step, const char *guest)
{
	bool starts = strcmp(step, "guest-started") == 0, network = strcmp(step, "network") == 0;
	unsigned kept = 0;

	for (unsigned i = 0; i < outward->event_count; i++) {
		struct event *event = &outward->events[i];

		if (event->told && ((starts && guest && strcmp(event->guest, guest) == 0) ||
				    (network && strcmp(event->step, step) == 0)))
			free(event->text);
		else
			outward->events[kept++] = *event;
	}
	outward->event_count = kept;
}

static void event_send(struct outward *outward, struct event *event)
{
	struct buf message = { 0 };
	char path[PATH_BYTES + CONF_NAME];

	event->told = true;
	json_begin(&message, "event");
	json_text(&message, "path", outward->path);
	json_seconds(&message, "seconds", event->seconds);
	json_text(&message, "step", event->step);
	if (*event->guest) {
		snprintf(path, sizeof path, "%s/%s", outward->path, event->guest);
		json_text(&message, "guest", path);
	}
	json_text(&message, "text", event->text);
	json_close(&message, '}');
	outward_send(outward, &message);
}

void outward_event(struct outward *outward, const char *step, const char *guest, const char *text)
{
	char copy[EVENT_TEXT_BYTES];
	struct event *event;

	overtaken_drop(outward, step, guest);
	if (outward->event_count == EVENTS_KEPT) {
		free(outward->events[0].text);
		memmove(outward->events, outward->events + 1,
			sizeof outward->events - sizeof outward->events[0]);
		outward->event_count--;
	}
	event = &outward->events[outward->event_count++];
	*event = (struct event){ .seconds = clock_now(), .step = step };
	text_copy(event->guest, sizeof event->guest, guest ? guest : "");
	text_copy(copy, sizeof copy, text);
	event->text = strdup(copy);
	if (!event->text)
		abort();
	if (outward_has_hello(outward))
		event_send(outward, event);
}

/* ---- hello ---- */

bool outward_has_hello(const struct outward *outward)
{
	return *outward->nonce != '\0';
}

bool outward_hello(struct outward *outward, const char *path, const char *nonce, const char *echo)
{
	if (outward_is_server(outward))
		dial_greeted(&outward->dial);
	if (strcmp(outward->nonce, nonce) == 0 && strcmp(outward->path, path) == 0 &&
	    strcmp(outward->echo, echo) == 0)
		return false;
	text_copy(outward->path, sizeof outward->path, path);
	text_copy(outward->nonce, sizeof outward->nonce, nonce);
	text_copy(outward->echo, sizeof outward->echo, echo);
	for (unsigned i = 0; i < outward->event_count; i++)
		event_send(outward, &outward->events[i]);
	return true;
}
