/* Programs: started from an argv, without a shell, watched by the loop. */
#pragma once
#include "buf.h"
#include "loop.h"

#define PROC_TAIL_BYTES 1024

/* Starts it in a process group of its own, stdin /dev/null, signals as they were before the
 * agent's. The pid, or a negative errno that says why it could not start (-ENOENT: no such
 * program). */
pid_t proc_fork(char *const *argv, int stdout_fd, int stderr_fd);
/* Both ends close on exec; ours (fds[0]) does not block. */
int proc_pipe(int fds[2]);

/* A program whose end matters and, where it fails, its last words. */
struct proc {
	struct loop *loop;
	/* text: why it could not start, was stopped or failed (its last output); "" after status
	 * 0. The proc may be used again from inside. */
	void (*on_end)(void *context, int exit_status, const char *text);
	void *context;

	struct child child;
	struct watch output;
	struct timer limit;
	struct buf tail;
	bool running, timed_out;
};

/* seconds: after that long its group is killed. on_end is always called, never from inside. */
void proc_start(struct proc *proc, char *const *argv, double seconds);
/* Kills it and forgets it, without on_end. */
void proc_stop(struct proc *proc);

/* 0 to 255; 128 + signal, as shells say it. */
int exit_status_of(int wait_status);
