#include "channel.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES     8192
#define READS_PER_TURN 4 /* then others get theirs */

static void events_update(struct channel *channel)
{
	channel->watch.events =
		(short)((channel->paused ? 0 : POLLIN) | (channel_queued(channel) ? POLLOUT : 0));
}

static void hang_up(struct channel *channel)
{
	channel_detach(channel);
	if (channel->on_hangup)
		channel->on_hangup(channel->context);
}

/* ---- writing ---- */

size_t channel_queued(const struct channel *channel)
{
	return channel->out.length - channel->sent;
}

/* False: the descriptor is gone. */
static bool out_write(struct channel *channel)
{
	while (channel->watch.fd >= 0 && channel_queued(channel) > 0) {
		ssize_t done = write(channel->watch.fd, channel->out.data + channel->sent,
				     channel_queued(channel));

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN)
			break;
		if (done < 0)
			return false;
		if (done == 0)
			break;
		channel->sent += (size_t)done;
	}
	if (channel->sent >= CHANNEL_QUEUE_HIGH || channel_queued(channel) == 0) {
		buf_drop(&channel->out, channel->sent);
		channel->sent = 0;
	}
	events_update(channel);
	return true;
}

bool channel_send(struct channel *channel, const char *line, size_t length)
{
	if (length > FRAME_MAX_BYTES || channel_queued(channel) + length + 3 > CHANNEL_QUEUE_MAX)
		return false;
	if (channel->shared)
		buf_text(&channel->out, "\n");
	frame_put(&channel->out, line, length);
	/* Written by the loop: a sender must never find its channel closed under its feet. */
	events_update(channel);
	return true;
}

void channel_type(struct channel *channel, const char *data, size_t length)
{
	if (channel_queued(channel) + length > CHANNEL_QUEUE_MAX)
		return;
	buf_add(&channel->out, data, length);
	events_update(channel);
}

/* ---- reading ---- */

/* False: the descriptor is gone. */
static bool in_read(struct channel *channel)
{
	char data[READ_BYTES];

	for (int turn = 0; turn < READS_PER_TURN && channel->watch.fd >= 0 && !channel->paused;
	     turn++) {
		ssize_t got = read(channel->watch.fd, data, sizeof data);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (got <= 0)
			return false;
		frame_feed(&channel->frame, data, (size_t)got);
	}
	return true;
}

static void channel_ready(void *context, short revents)
{
	struct channel *channel = context;
	bool was_full = channel_queued(channel) >= CHANNEL_QUEUE_LOW;
	bool good = true;

	if (revents & POLLOUT)
		good = out_write(channel);
	if (good && (revents & POLLIN))
		good = in_read(channel);
	else if (good && (revents & (POLLHUP | POLLERR | POLLNVAL)))
		/* Nothing left to read, or reading is paused: then the rest is lost with it. */
		good = false;
	if (!good && channel->watch.fd >= 0) {
		hang_up(channel);
		return;
	}
	if (channel->on_drain && channel_queued(channel) < CHANNEL_QUEUE_LOW &&
	    (was_full || (revents & POLLOUT)))
		channel->on_drain(channel->context);
}

void channel_pause(struct channel *channel, bool pause)
{
	channel->paused = pause;
	events_update(channel);
}

/* ---- the descriptor ---- */

void channel_init(struct channel *channel, struct loop *loop)
{
	channel->loop = loop;
	channel->watch = (struct watch){ .fd = -1, .ready = channel_ready, .context = channel };
	channel->frame = (struct frame){ .on_message = channel->on_message,
					 .on_text = channel->on_text,
					 .context = channel->context };
	channel->out = (struct buf){ 0 };
	channel->sent = 0;
	channel->paused = false;
}

void channel_attach(struct channel *channel, int fd)
{
	channel_detach(channel);
	channel->watch.fd = fd;
	channel->paused = false;
	events_update(channel);
	loop_watch(channel->loop, &channel->watch);
}

/* A message whose beginning is lost would be noise at the other end. */
static void half_sent_drop(struct channel *channel)
{
	const char *next;

	if (channel->sent == 0)
		return;
	buf_drop(&channel->out, channel->sent);
	channel->sent = 0;
	next = channel->out.length ? memchr(channel->out.data, FRAME_MARK, channel->out.length)
				   : NULL;
	buf_drop(&channel->out, next ? (size_t)(next - channel->out.data) : channel->out.length);
}

void channel_detach(struct channel *channel)
{
	if (channel->watch.fd < 0)
		return;
	loop_unwatch(channel->loop, &channel->watch);
	close(channel->watch.fd);
	channel->watch.fd = -1;
	half_sent_drop(channel);
	frame_reset(&channel->frame);
}

void channel_forget(struct channel *channel)
{
	buf_drop(&channel->out, channel->out.length);
	channel->sent = 0;
	events_update(channel);
}

void channel_done(struct channel *channel)
{
	if (channel->loop)
		channel_detach(channel);
	frame_done(&channel->frame);
	buf_done(&channel->out);
}
