#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

double clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- children ---- */

static void children_reap(struct loop *loop)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *child = loop->children;

		while (child && child->pid != pid)
			child = child->next;
		if (!child)
			continue; /* process 1 inherits strangers */
		loop_forget(loop, child);
		child->ended(child->context, status);
	}
}

void loop_child(struct loop *loop, struct child *child)
{
	child->next = loop->children;
	loop->children = child;
}

void loop_forget(struct loop *loop, struct child *child)
{
	for (struct child **at = &loop->children; *at; at = &(*at)->next)
		if (*at == child) {
			*at = child->next;
			return;
		}
}

static void signals_ready(void *context, short revents)
{
	struct loop *loop = context;
	struct signalfd_siginfo info;

	(void)revents;
	while (read(loop->signals.fd, &info, sizeof info) == (ssize_t)sizeof info)
		if (info.ssi_signo == SIGCHLD)
			children_reap(loop);
		else if (loop->on_signal)
			loop->on_signal(loop->context, (int)info.ssi_signo);
}

/* ---- descriptors ---- */

void loop_watch(struct loop *loop, struct watch *watch)
{
	if (loop->count == loop->capacity) {
		loop->capacity = loop->capacity ? loop->capacity * 2 : 16;
		loop->watches = realloc(loop->watches, loop->capacity * sizeof *loop->watches);
		loop->polls = realloc(loop->polls, loop->capacity * sizeof *loop->polls);
		if (!loop->watches || !loop->polls)
			abort();
	}
	loop->polls[loop->count] = (struct pollfd){ .fd = -1 };
	loop->watches[loop->count++] = watch;
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
	for (size_t i = 0; i < loop->count; i++)
		if (loop->watches[i] == watch)
			loop->watches[i] = NULL; /* the round that runs skips it */
}

static void watches_compact(struct loop *loop)
{
	size_t kept = 0;

	for (size_t i = 0; i < loop->count; i++)
		if (loop->watches[i])
			loop->watches[kept++] = loop->watches[i];
	loop->count = kept;
}

static void watches_dispatch(struct loop *loop, size_t count)
{
	for (size_t i = 0; i < count && !loop->stop; i++) {
		struct watch *watch = loop->watches[i];

		if (watch && loop->polls[i].revents && watch->fd == loop->polls[i].fd)
			watch->ready(watch->context, loop->polls[i].revents);
	}
}

/* ---- timers ---- */

void timer_stop(struct loop *loop, struct timer *timer)
{
	if (!timer->armed)
		return;
	timer->armed = false;
	for (struct timer **at = &loop->timers; *at; at = &(*at)->next)
		if (*at == timer) {
			*at = timer->next;
			return;
		}
}

void timer_set(struct loop *loop, struct timer *timer, double seconds)
{
	struct timer **at = &loop->timers;

	timer_stop(loop, timer);
	timer->due = clock_now() + seconds;
	timer->armed = true;
	while (*at && (*at)->due <= timer->due)
		at = &(*at)->next;
	timer->next = *at;
	*at = timer;
}

/* Only those that were due when the round began: a timer that arms itself with 0 seconds must
 * not keep descriptors from their turn. */
static void timers_fire(struct loop *loop)
{
	double now = clock_now();

	while (loop->timers && loop->timers->due <= now && !loop->stop) {
		struct timer *timer = loop->timers;

		timer_stop(loop, timer);
		timer->fire(timer->context);
	}
}

static int wait_ms(const struct loop *loop)
{
	double left;

	if (!loop->timers)
		return -1;
	left = loop->timers->due - clock_now();
	if (left <= 0)
		return 0;
	return left > 3600 ? 3600 * 1000 : (int)(left * 1000) + 1;
}

/* ---- the loop ---- */

int loop_init(struct loop *loop, const int *signals)
{
	sigset_t set;

	*loop = (struct loop){ 0 };
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (; *signals; signals++)
		sigaddset(&set, *signals);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	loop->signals = (struct watch){ .fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
					.events = POLLIN,
					.ready = signals_ready,
					.context = loop };
	if (loop->signals.fd < 0)
		return -errno;
	loop_watch(loop, &loop->signals);
	return 0;
}

void loop_run(struct loop *loop)
{
	while (!loop->stop) {
		watches_compact(loop);
		size_t count = loop->count;
		for (size_t i = 0; i < count; i++)
			loop->polls[i] = (struct pollfd){ .fd = loop->watches[i]->fd,
							  .events = loop->watches[i]->events };
		if (poll(loop->polls, count, wait_ms(loop)) > 0)
			watches_dispatch(loop, count);
		timers_fire(loop);
	}
}

void loop_done(struct loop *loop)
{
	if (loop->signals.fd > 0)
		close(loop->signals.fd);
	free(loop->watches);
	free(loop->polls);
	*loop = (struct loop){ 0 };
}
