#include "pxe/web_events.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/log.h"

#define PAUSE_SECONDS 0.25		 /* between two events */
#define BEAT_SECONDS  15.0		 /* of silence at most: shows who is gone */
#define HELD_BYTES    ((size_t)16 << 20) /* of what slow listeners are still being told */

/* An event, not a comment: scripts do not see those, and could not tell that nothing comes. */
static const char beat_text[] = "event: beat\ndata: -\n\n";

/* An event as it is sent, shared by those to whom it is. */
struct event {
	unsigned users;
	char *text;
	size_t length;
};

struct web_events {
	struct ledger *ledger;
	struct web_watch *watch;
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	bool stopping;
	struct listener *listeners;
	size_t held_bytes;	      /* of all events that somebody uses */
	uint64_t number;	      /* of the newest state */
	uint64_t beat;		      /* signs of life so far */
	struct event *whole, *change; /* written by the events' thread alone; NULL while nobody
				       * listens */
	json_t *shown;		      /* what they tell; the events' thread alone */
};

struct listener {
	struct web_events *events;
	struct listener *next, **link; /* link: what points here */
	struct event *event;	       /* being sent; NULL: none */
	bool cut;		       /* it was too slow */
	size_t sent;
	uint64_t number, beat; /* what it has */
};

/* ---- texts ---- */

static struct event *event_new(const char *name, const json_t *json)
{
	char *data = json_dumps(json, JSON_COMPACT); /* in one line */
	struct event *event = mem_alloc(sizeof *event);

	event->users = 1;
	event->text = str_format("retry: 2000\nevent: %s\ndata: %s\n\n", name, data ? data : "{}");
	event->length = strlen(event->text);
	free(data);
	return event;
}

static void event_release(struct web_events *events, struct event **event)
{
	if (*event && --(*event)->users == 0) {
		events->held_bytes -= (*event)->length;
		free((*event)->text);
		free(*event);
	}
	*event = NULL;
}

/* The state without what passes by itself: a clock is no change. */
static json_t *state_read(struct ledger *ledger)
{
	CLEANUP(free_cleanup) char *text = ledger_json(ledger);
	json_t *state = json_loads(text, 0, NULL);
	json_t *machine;
	size_t i;

	json_array_foreach(json_object_get(state, "machines"), i, machine)
	{
		json_object_del(machine, "seconds");
	}
	return state;
}

/* The same object with only those machines that are not as they were, for machines neither come nor
 * go while a lab is served; and with all strangers or, unchanged, none. */
static json_t *change_of(const json_t *old, const json_t *new)
{
	const json_t *before = json_object_get(old, "machines");
	json_t *change = json_copy((json_t *)new);
	json_t *changed = json_array(), *machine;
	size_t i;

	json_array_foreach(json_object_get(new, "machines"), i,
			   machine) if (!json_equal(machine, json_array_get(before, i)))
		json_array_append(changed, machine);
	json_object_set_new(change, "machines", changed);
	if (json_equal(json_object_get(old, "strangers"), json_object_get(new, "strangers")))
		json_object_del(change, "strangers");
	return change;
}

/* ---- the thread that tells ---- */

/* A listener that does not read keeps what it is being told, and each may keep another state: those
 * that are furthest behind are let go, and may come again. */
static void listeners_cut(struct web_events *events)
{
	while (events->held_bytes > HELD_BYTES) {
		struct listener *last = NULL;

		for (struct listener *l = events->listeners; l; l = l->next)
			if (l->event && l->number < events->number &&
			    (!last || l->number < last->number))
				last = l;
		if (!last)
			return;
		last->cut = true;
		event_release(events, &last->event);
	}
}

static void publish(struct web_events *events)
{
	json_t *state = state_read(events->ledger);
	CLEANUP(json_cleanup) json_t *change = change_of(events->shown, state);
	struct event *whole = event_new("lab", state);
	struct event *part = event_new("change", change);

	json_decref(events->shown);
	events->shown = state;
	pthread_mutex_lock(&events->lock);
	event_release(events, &events->whole);
	event_release(events, &events->change);
	events->whole = whole;
	events->change = part;
	events->held_bytes += whole->length + part->length;
	events->number++;
	listeners_cut(events);
	pthread_mutex_unlock(&events->lock);
	web_watch_wake(events->watch);
}

static struct timespec time_in(double seconds)
{
	double until = clock_seconds() + seconds;

	return (struct timespec){ .tv_sec = (time_t)until,
				  .tv_nsec = (long)((until - (double)(time_t)until) * 1e9) };
}

static void beat(struct web_events *events)
{
	pthread_mutex_lock(&events->lock);
	events->beat++;
	pthread_mutex_unlock(&events->lock);
	web_watch_wake(events->watch);
}

/* A moment in which changes gather to one event; without listeners, until there is one. False: the
 * end. */
static bool moment_passes(struct web_events *events)
{
	struct timespec time = time_in(PAUSE_SECONDS);
	int r = 0;

	pthread_mutex_lock(&events->lock);
	if (!events->listeners) { /* what they were told would be old to the next */
		event_release(events, &events->whole);
		event_release(events, &events->change);
	}
	while (!events->stopping && !events->listeners)
		pthread_cond_wait(&events->changed, &events->lock);
	while (r == 0 && !events->stopping && events->whole)
		r = pthread_cond_timedwait(&events->changed, &events->lock, &time);
	bool passes = !events->stopping;
	pthread_mutex_unlock(&events->lock);
	return passes;
}

static void *events_main(void *context)
{
	struct web_events *events = context;
	uint64_t told = 0; /* the ledger's version */
	double spoke = 0;

	while (moment_passes(events)) {
		uint64_t version = ledger_version(events->ledger);
		double now = clock_seconds();

		if (version != told || !events->whole)
			publish(events);
		else if (now - spoke >= BEAT_SECONDS)
			beat(events);
		else
			continue;
		told = version;
		spoke = now;
	}
	return NULL;
}

/* ---- listeners ---- */

/* What it is to be sent next, or NULL. */
static struct event *listener_next(struct listener *listener)
{
	struct web_events *events = listener->events;
	struct event *event = listener->number + 1 == events->number && listener->number > 0
				      ? events->change
				      : events->whole;

	if (listener->number == events->number || !event)
		return NULL;
	event->users++;
	listener->number = events->number;
	listener->beat = events->beat;
	return event;
}

static ssize_t listener_read(void *context, char *buffer, size_t size)
{
	struct listener *listener = context;
	struct web_events *events = listener->events;
	size_t length = 0;

	pthread_mutex_lock(&events->lock);
	bool cut = listener->cut;
	if (!cut && !listener->event) {
		listener->event = listener_next(listener);
		listener->sent = 0;
	}
	if (listener->event) {
		length = listener->event->length - listener->sent;
		length = length < size ? length : size;
		memcpy(buffer, listener->event->text + listener->sent, length);
		listener->sent += length;
		if (listener->sent == listener->event->length)
			event_release(events, &listener->event);
	} else if (listener->beat != events->beat && size >= sizeof beat_text) {
		listener->beat = events->beat;
		length = sizeof beat_text - 1;
		memcpy(buffer, beat_text, length);
	}
	pthread_mutex_unlock(&events->lock);
	return cut ? -1 : (ssize_t)length;
}

static void listener_end(void *context)
{
	struct listener *listener = context;
	struct web_events *events = listener->events;

	pthread_mutex_lock(&events->lock);
	*listener->link = listener->next;
	if (listener->next)
		listener->next->link = listener->link;
	event_release(events, &listener->event);
	pthread_mutex_unlock(&events->lock);
	free(listener);
}

void web_events_answer(struct web_events *events, struct http_answer *answer)
{
	struct listener *listener = mem_alloc(sizeof *listener);

	listener->events = events;
	pthread_mutex_lock(&events->lock);
	listener->beat = events->beat;
	listener->next = events->listeners;
	listener->link = &events->listeners;
	if (listener->next)
		listener->next->link = &listener->next;
	events->listeners = listener;
	pthread_cond_signal(&events->changed);
	pthread_mutex_unlock(&events->lock);
	answer->type = "text/event-stream";
	answer->stream = (struct http_stream){ listener_read, listener_end, listener };
}

/* ---- life ---- */

static void events_free(struct web_events *events)
{
	event_release(events, &events->whole);
	event_release(events, &events->change);
	json_decref(events->shown);
	pthread_mutex_destroy(&events->lock);
	pthread_cond_destroy(&events->changed);
	free(events);
}

int web_events_start(struct ledger *ledger, struct web_watch *watch, struct web_events **ret_events,
		     struct err *err)
{
	struct web_events *events = mem_alloc(sizeof *events);
	pthread_condattr_t monotonic;

	events->ledger = ledger;
	events->watch = watch;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&events->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&events->lock, NULL);
	int r = pthread_create(&events->thread, NULL, events_main, events);
	if (r != 0) {
		events_free(events);
		return err_errno(err, r, "the status page has no thread for its events");
	}
	*ret_events = events;
	return 0;
}

void web_events_stop(struct web_events *events)
{
	if (!events)
		return;
	pthread_mutex_lock(&events->lock);
	events->stopping = true;
	pthread_cond_signal(&events->changed);
	pthread_mutex_unlock(&events->lock);
	pthread_join(events->thread, NULL);
	events_free(events);
}
