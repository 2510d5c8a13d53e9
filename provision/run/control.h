/* The control socket of a running stack, run/control.sock: one JSON object a line.
 * In:  {"do":"status"} {"do":"down","seconds":N} {"do":"exec","layer":NAME,"argv":[...]}
 *      {"do":"console","layer":NAME}, then {"do":"input","data":BASE64} any number of times
 * Out: {"t":"status", and the matrix's keys, "phase":..., "pid":...},
 * {"t":"out","fd":N,"data":...},
 *      {"t":"exit","status":N,"text":...}, {"t":"console","data":...}, {"t":"down"},
 *      {"t":"error","text":...}
 * Knows the socket and its clients; what is asked is done by the host. */
#pragma once
#include "run/levels.h"
#include "run/loop.h"
#include "run/message.h"

struct control_host {
	void *context;
	/* The whole status line without newline; the caller frees. */
	char *(*status)(void *context);
	/* NULL, or why it cannot be (the caller frees). */
	char *(*exec)(void *context, const struct level *level, unsigned id, char *const *argv);
	void (*input)(void *context, const struct level *level, const char *data, size_t length);
	void (*down)(void *context, unsigned seconds);
};

struct control;

/* folder: descriptor of run/. levels and host outlive it. */
int control_start(int folder, const struct levels *levels, const struct control_host *host,
		  struct control **ret_control, struct err *err);
/* Tells those who asked for `down` that it is done, closes, removes the socket. */
void control_end(struct control *control);
void control_poll(struct control *control, struct loop *loop);
/* To whom it may concern: clients at that console, the client of that exec. */
void control_console(struct control *control, const struct level *level, const char *data,
		     size_t length);
void control_exec_message(struct control *control, const struct message *message);
