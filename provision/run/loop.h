/* One round of poll(2): who waits for what is said anew each round. A zeroed struct is an empty
 * loop. */
#pragma once
#include <poll.h>
#include <stddef.h>

typedef void loop_handler(void *context, int fd, short events);

struct loop {
	struct pollfd *fds;
	struct loop_user *users; /* of the same index */
	size_t count, capacity;
};

/* fd -1 is left out. */
void loop_add(struct loop *loop, int fd, short events, loop_handler *handler, void *context);
/* Waits up to that long and calls the handlers of what is ready, in the order of loop_add. A
 * handler must not free what a later one of the same round uses. Empties the loop. */
void loop_round(struct loop *loop, int milliseconds);
void loop_done(struct loop *loop);
