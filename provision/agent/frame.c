#include "frame.h"

#include <string.h>

static void text_pass(struct frame *frame, const char *text, size_t length)
{
	if (length > 0 && frame->on_text)
		frame->on_text(frame->context, text, length);
}

/* The callbacks may end up here again: the line is ours before they see it. */
static struct buf line_take(struct frame *frame)
{
	struct buf line = frame->line;

	frame->line = (struct buf){ 0 };
	frame->inside = false;
	return line;
}

static void line_reject(struct frame *frame)
{
	struct buf line = line_take(frame);

	text_pass(frame, line.data, line.length);
	buf_done(&line);
}

static void line_end(struct frame *frame)
{
	struct buf line = line_take(frame);
	size_t length = line.length;

	/* A line discipline on the way may have put a return before the newline. */
	if (length > 0 && line.data[length - 1] == '\r')
		length--;
	if (!frame->on_message(frame->context, line.data, length)) {
		text_pass(frame, line.data, line.length);
		text_pass(frame, "\n", 1);
	}
	buf_done(&line);
}

/* Takes what belongs to the message; returns how much that was. */
static size_t inside_feed(struct frame *frame, const char *data, size_t length)
{
	size_t part = 0;

	while (part < length && data[part] != '\n' && data[part] != FRAME_MARK)
		part++;
	if (part > FRAME_MAX_BYTES + 1 - frame->line.length)
		part = FRAME_MAX_BYTES + 1 - frame->line.length;
	buf_add(&frame->line, data, part);
	if (frame->line.length > FRAME_MAX_BYTES) {
		line_reject(frame);
		return part;
	}
	if (part == length)
		return part;
	if (data[part] == FRAME_MARK) {
		/* The sender began anew: its first part is lost. */
		line_reject(frame);
		return part;
	}
	line_end(frame);
	return part + 1;
}

static size_t outside_feed(struct frame *frame, const char *data, size_t length)
{
	const char *mark = memchr(data, FRAME_MARK, length);

	if (!mark) {
		text_pass(frame, data, length);
		return length;
	}
	text_pass(frame, data, (size_t)(mark - data));
	frame->inside = true;
	return (size_t)(mark - data) + 1;
}

void frame_feed(struct frame *frame, const char *data, size_t length)
{
	while (length > 0) {
		size_t used = frame->inside ? inside_feed(frame, data, length)
					    : outside_feed(frame, data, length);

		data += used;
		length -= used;
	}
}

void frame_reset(struct frame *frame)
{
	if (frame->inside)
		line_reject(frame);
}

void frame_done(struct frame *frame)
{
	buf_done(&frame->line);
	frame->inside = false;
}

void frame_put(struct buf *out, const char *line, size_t length)
{
	char mark = FRAME_MARK;

	buf_add(out, &mark, 1);
	buf_add(out, line, length);
	buf_add(out, "\n", 1);
}
