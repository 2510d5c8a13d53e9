/* The outer end of a talk with L1's agent: bytes come in, levels change, answers go out
 * (docs/agent-protocol.md). Knows neither what carries the bytes nor who wants to know. */
#pragma once
#include "run/crypto.h"
#include "run/frame.h"
#include "run/levels.h"
#include "run/message.h"

struct conversation_host {
	void *context;
	double (*now)(void *context); /* in the time of the levels */
	/* What the echo server answers the layer. */
	void (*echo)(void *context, const char *path, char ret_hex[ECHO_HEX_LENGTH + 1]);
	/* What a guest's console said: the level has it already. */
	void (*console)(void *context, const struct level *level, const char *data, size_t length);
	/* Out and exit of a command; NULL: nobody asks for commands. */
	void (*command)(void *context, const struct message *message);
};

struct conversation {
	struct levels *levels;
	const struct conversation_host *host;
	char *echo_address; /* as the layers see the echo server: "10.0.2.2:PORT" */
	struct frame frame;
	struct buf out; /* framed messages that wait to be sent; anyone may append */
};

/* levels and host are borrowed. conversation_done. */
void conversation_begin(struct conversation *conversation, struct levels *levels,
			const struct conversation_host *host, const char *echo_address);
void conversation_done(struct conversation *conversation);

/* Hello to L1, which passes it on: said for each `ready`, and unasked to an agent that may have
 * heard one before. */
void conversation_hello(struct conversation *conversation);
void conversation_feed(struct conversation *conversation, const char *data, size_t length);
/* One read. False: the other end is gone. */
bool conversation_read(struct conversation *conversation, int fd);
/* As much as goes without waiting; too much that nobody takes is dropped. */
void conversation_write(struct conversation *conversation, int fd);
short conversation_events(const struct conversation *conversation); /* for poll(2) */
