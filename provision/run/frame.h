/* The agent's channel as bytes: tells messages from console text (docs/agent-protocol.md,
 * "Messages"). Knows nothing of what a message says. */
#pragma once
#include <stdbool.h>

#include "base/str.h"

#define FRAME_MARK	'\x1e'
#define FRAME_MAX_BYTES 32768

struct frame {
	/* A line between 0x1e and newline, without them. False: no message after all, so it is
	 * console text. */
	bool (*on_message)(void *context, const char *line);
	/* Whatever stands outside of messages. */
	void (*on_text)(void *context, const char *text, size_t length);
	void *context;

	struct buf line; /* the message that is being received */
	bool inside;
};

/* Bytes as they came, in pieces of any size; calls back before it returns. */
void frame_feed(struct frame *frame, const char *data, size_t length);
void frame_done(struct frame *frame);
