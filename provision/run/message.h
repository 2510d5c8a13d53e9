/* Messages of the agent's channel as structs and JSON lines (docs/agent-protocol.md). */
#pragma once
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum message_kind {
	MESSAGE_OTHER, /* unknown kinds are dropped */
	MESSAGE_READY,
	MESSAGE_RECORD,
	MESSAGE_EVENT,
	MESSAGE_CONSOLE,
	MESSAGE_OUT,
	MESSAGE_EXIT,
	MESSAGE_STATUS, /* these three on the control socket only (run/control.h) */
	MESSAGE_ERROR,
	MESSAGE_DOWN,
};

struct message { /* strings are owned, "" where the message has none */
	enum message_kind kind;
	char *layer; /* ready */
	char *path;
	char *step, *guest, *text; /* event; text: exit too */
	double seconds;
	char *data; /* console, out: decoded bytes */
	size_t data_length;
	unsigned id, fd, status; /* out, exit */
	char *json;		 /* the line itself */
};

/* -EBADMSG: no JSON object with "t". message_done frees. */
int message_parse(const char *line, struct message *ret_message, struct err *err);
void message_done(struct message *message);

/* The inward messages, framed and ready to be sent; appended to out. */
void message_hello(struct buf *out, const char *path, const char *nonce, const char *echo);
void message_ack(struct buf *out, const char *path, const char *nonce);
void message_exec(struct buf *out, const char *path, unsigned id, char *const *argv);
void message_input(struct buf *out, const char *path, const void *data, size_t length);
void message_down(struct buf *out, const char *path, unsigned seconds);
