/* The channel as bytes: tells messages from console text (docs/agent-protocol.md, "Messages").
 * Knows nothing of what a message says, nor where the bytes come from. */
#pragma once
#include <stdbool.h>

#include "buf.h"

#define FRAME_MARK	'\x1e'
#define FRAME_MAX_BYTES 32768 /* of a line: between the mark and the newline */

struct frame {
	/* A line without mark and newline. False: no message after all, so it is text. */
	bool (*on_message)(void *context, const char *line, size_t length);
	/* Whatever stands outside of messages; NULL: nobody wants it. */
	void (*on_text)(void *context, const char *text, size_t length);
	void *context;

	struct buf line;
	bool inside;
};

/* Bytes as they came, in pieces of any size; calls back before it returns. */
void frame_feed(struct frame *frame, const char *data, size_t length);
/* The line is new: what was half received is text. */
void frame_reset(struct frame *frame);
void frame_done(struct frame *frame);
/* Appends mark, line and newline. */
void frame_put(struct buf *out, const char *line, size_t length);
