#include "run/loop.h"

#include <stdlib.h>

#include "base/str.h"

#define CAPACITY_FIRST 64

struct loop_user {
	loop_handler *handler;
	void *context;
};

void loop_add(struct loop *loop, int fd, short events, loop_handler *handler, void *context)
{
	if (fd < 0)
		return;
	if (loop->count == loop->capacity) {
		loop->capacity = loop->capacity ? 2 * loop->capacity : CAPACITY_FIRST;
		loop->fds = mem_grow(loop->fds, loop->capacity, sizeof *loop->fds);
		loop->users = mem_grow(loop->users, loop->capacity, sizeof *loop->users);
	}
	loop->fds[loop->count] = (struct pollfd){ .fd = fd, .events = events };
	loop->users[loop->count++] = (struct loop_user){ handler, context };
}

void loop_round(struct loop *loop, int milliseconds)
{
	int ready = poll(loop->fds, loop->count, milliseconds);

	for (size_t i = 0; ready > 0 && i < loop->count; i++)
		if (loop->fds[i].revents)
			loop->users[i].handler(loop->users[i].context, loop->fds[i].fd,
					       loop->fds[i].revents);
	loop->count = 0;
}

void loop_done(struct loop *loop)
{
	free(loop->fds);
	free(loop->users);
	*loop = (struct loop){ 0 };
}
