#include "run/loop.h"

void loop_add(struct loop *loop, int fd, short events, loop_handler *handler, void *context)
{
	if (fd < 0 || loop->count == LOOP_MAX)
		return;
	loop->fds[loop->count] = (struct pollfd){ .fd = fd, .events = events };
	loop->handlers[loop->count] = handler;
	loop->contexts[loop->count] = context;
	loop->count++;
}

void loop_round(struct loop *loop, int milliseconds)
{
	int ready = poll(loop->fds, loop->count, milliseconds);

	for (size_t i = 0; ready > 0 && i < loop->count; i++)
		if (loop->fds[i].revents)
			loop->handlers[i](loop->contexts[i], loop->fds[i].fd, loop->fds[i].revents);
	loop->count = 0;
}
