#include "run/frame.h"

#include <string.h>

static void text_pass(struct frame *frame, const char *text, size_t length)
{
	if (length)
		frame->on_text(frame->context, text, length);
}

/* What was taken for a message is console text. */
static void line_reject(struct frame *frame)
{
	struct buf line = frame->line;

	frame->line = (struct buf){ 0 };
	frame->inside = false;
	text_pass(frame, "\x1e", 1);
	text_pass(frame, buf_str(&line), line.length);
	buf_done(&line);
}

static void line_end(struct frame *frame)
{
	struct buf line = frame->line;

	frame->line = (struct buf){ 0 };
	frame->inside = false;
	if (line.length && line.data[line.length - 1] == '\r')
		line.data[--line.length] = '\0';
	bool whole = strlen(buf_str(&line)) == line.length;
	if (!whole || !frame->on_message(frame->context, buf_str(&line))) {
		text_pass(frame, buf_str(&line), line.length);
		text_pass(frame, "\n", 1);
	}
	buf_done(&line);
}

/* Takes what belongs to the message; returns how much that was. */
static size_t message_feed(struct frame *frame, const char *data, size_t length)
{
	size_t part = 0;

	while (part < length && data[part] != '\n' && data[part] != FRAME_MARK)
		part++;
	buf_add(&frame->line, data, part);
	if (frame->line.length > FRAME_MAX_BYTES) {
		line_reject(frame);
		return part;
	}
	if (part == length)
		return part;
	if (data[part] == FRAME_MARK) {
		/* The sender began anew (it was restarted): the first part is lost text. */
		line_reject(frame);
		return part;
	}
	line_end(frame);
	return part + 1;
}

void frame_feed(struct frame *frame, const char *data, size_t length)
{
	while (length > 0) {
		size_t used;

		if (frame->inside) {
			used = message_feed(frame, data, length);
		} else {
			const char *mark = memchr(data, FRAME_MARK, length);

			used = mark ? (size_t)(mark - data) : length;
			text_pass(frame, data, used);
			if (mark) {
				frame->inside = true;
				used++;
			}
		}
		data += used;
		length -= used;
	}
}

void frame_done(struct frame *frame)
{
	buf_done(&frame->line);
	frame->inside = false;
}
