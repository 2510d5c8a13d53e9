/* The one loop of the agent: descriptors, timers, ended children. Everything is owned by its user
 * and linked in here; whatever is linked may be unlinked from inside any callback. */
#pragma once
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct watch {
	int fd;
	short events; /* may be changed at any time; 0: hang-ups only */
	void (*ready)(void *context, short revents);
	void *context;
};

struct timer {
	double due; /* seconds of clock_now() */
	void (*fire)(void *context);
	void *context;
	struct timer *next;
	bool armed;
};

struct child {
	pid_t pid;
	void (*ended)(void *context, int wait_status);
	void *context;
	struct child *next;
};

struct loop {
	struct watch **watches;
	struct pollfd *polls;
	size_t count, capacity;
	struct timer *timers; /* by due */
	struct child *children;
	struct watch signals;
	/* A signal other than SIGCHLD: one of the asked-for ones. */
	void (*on_signal)(void *context, int signal_number);
	void *context;
	bool stop;
};

/* Blocks SIGCHLD and the given signals (0 at the end) and reads them by signalfd; ignores
 * SIGPIPE. 0 or a negative errno. */
int loop_init(struct loop *loop, const int *signals);
/* Runs until loop->stop. */
void loop_run(struct loop *loop);
void loop_done(struct loop *loop);

void loop_watch(struct loop *loop, struct watch *watch);
void loop_unwatch(struct loop *loop, struct watch *watch); /* not watched: nothing happens */

/* Arms it anew where it is armed already. */
void timer_set(struct loop *loop, struct timer *timer, double seconds);
void timer_stop(struct loop *loop, struct timer *timer);

void loop_child(struct loop *loop, struct child *child);
void loop_forget(struct loop *loop, struct child *child);

/* Seconds since the kernel started (CLOCK_BOOTTIME): both for timers and for messages. */
double clock_now(void);
