/* One round of poll(2): who waits for what is said anew each round. */
#pragma once
#include <stddef.h>
#include <poll.h>

#define LOOP_MAX 64

typedef void loop_handler(void *context, int fd, short events);

struct loop {
	struct pollfd fds[LOOP_MAX];
	loop_handler *handlers[LOOP_MAX];
	void *contexts[LOOP_MAX];
	size_t count;
};

/* fd -1 is left out; so is what exceeds LOOP_MAX (users bound their number below it). */
void loop_add(struct loop *loop, int fd, short events, loop_handler *handler, void *context);
/* Waits up to that long and calls the handlers of what is ready, in the order of loop_add. A
 * handler must not free what a later one of the same round uses. Empties the loop. */
void loop_round(struct loop *loop, int milliseconds);
