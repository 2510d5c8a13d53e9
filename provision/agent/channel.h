/* A two-way stream of messages over a descriptor that does not block. What cannot be sent yet
 * waits in a bounded queue; whoever makes more looks at channel_queued first and goes on when
 * on_drain says so. Knows no kind of message. */
#pragma once
#include <stdbool.h>

#include "buf.h"
#include "frame.h"
#include "loop.h"

#define CHANNEL_QUEUE_MAX  (256 * 1024) /* beyond: messages are lost */
#define CHANNEL_QUEUE_HIGH (64 * 1024)	/* makers of messages stop */
#define CHANNEL_QUEUE_LOW  (8 * 1024)	/* and go on */

struct channel {
	struct loop *loop;
	/* A line is shared with other text: a newline goes before the mark. */
	bool shared;
	bool (*on_message)(void *context, const char *line, size_t length); /* as in frame.h */
	void (*on_text)(void *context, const char *text, size_t length);    /* or NULL */
	void (*on_hangup)(void *context); /* the descriptor is closed already; or NULL */
	void (*on_drain)(void *context);  /* fewer than CHANNEL_QUEUE_LOW are left; or NULL */
	void *context;

	struct watch watch; /* fd -1: closed */
	struct frame frame;
	struct buf out;
	size_t sent; /* of out's beginning */
	bool paused;
};

/* Closed, nothing queued. The callbacks are set by the caller before. */
void channel_init(struct channel *channel, struct loop *loop);
/* Goes on over fd, which is the channel's from now on; what is queued is sent. */
void channel_attach(struct channel *channel, int fd);
/* Keeps what is queued; a half-sent message will not be sent. */
void channel_detach(struct channel *channel);
/* What is queued will not be sent. */
void channel_forget(struct channel *channel);
void channel_done(struct channel *channel);

/* One message, without mark and newline. False: too long, or the queue is full. */
bool channel_send(struct channel *channel, const char *line, size_t length);
/* Bytes that stand for themselves: what is typed at a console. */
void channel_type(struct channel *channel, const char *data, size_t length);
size_t channel_queued(const struct channel *channel);
/* Stops reading, so that the other side has to wait. */
void channel_pause(struct channel *channel, bool pause);
