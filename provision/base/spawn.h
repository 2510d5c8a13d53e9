/* Programs: started from an argv array, never through a shell; every exit is decoded; what waits
 * has a time limit. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

struct spawn_options {
	const char *const *argv;  /* argv[0] is looked up in PATH; NULL at the end */
	const char *folder;	  /* working folder, NULL: ours */
	const char *const *env;	  /* NAME=value added to ours, NULL at the end; NULL: none */
	const char *input_path;	  /* standard input; NULL: /dev/null */
	const char *log_path;	  /* stdout and stderr are appended there; NULL: captured */
	const char *purpose;	  /* "installing GRUB Legacy": for messages */
	unsigned timeout_seconds; /* 0: 300 */
	/* Called with each whole line of stderr and stdout as it comes, for progress; or NULL. */
	void (*on_line)(void *context, const char *line);
	/* Called in the child before the program begins, 0 or a negative errno, with which it does
	 * not begin; or NULL. Takes no memory and no lock: another thread may have held it. */
	int (*in_child)(void *context);
	void *context;
};

/* Runs to the end. The program is the leader of a group of its own,
 * which is ended as a whole when the time is up (-ETIMEDOUT) or a signal asks us to stop (-EINTR:
 * spawn_stop_fd became readable). ret_output gets stdout (the caller frees; NULL: not wanted). A
 * status other than 0 is -ECHILD with the decoded status and the last lines of stderr. */
int spawn_run(const struct spawn_options *options, char **ret_output, struct err *err);

/* Starts a program that goes on: its own group, stdin /dev/null, stdout and stderr to log_path
 * (or /dev/null); it gets SIGKILL when our thread ends unless keep is set. */
int spawn_start(const struct spawn_options *options, bool keep, pid_t *ret_pid, struct err *err);

/* SIGTERM to the group, up to grace_ms for it to end, then SIGKILL; reaped. */
void spawn_end(pid_t pid, unsigned grace_ms);

/* In a process that was forked to go on alone: closes every descriptor above stderr but those to
 * keep and spawn_stop_fd's. */
void spawn_close_others(const int *keep, size_t count);

/* "exited with status 3", "was killed by signal 9 (Killed)"; the caller frees. */
char *spawn_status_text(int wait_status);

/* Path of a program in PATH, or NULL; the caller frees. */
char *program_find(const char *name);

/* From now on SIGINT, SIGTERM and SIGHUP are read from this descriptor (a signalfd) instead of
 * ending the program: whoever waits polls it too. Made at the first call. */
int spawn_stop_fd(void);
/* The signal that asked us to stop, 0 if none did so far. Does not wait. */
int spawn_stop_signal(void);
