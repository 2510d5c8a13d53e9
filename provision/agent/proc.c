#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CANNOT_START 127

int exit_status_of(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return 128 + WTERMSIG(wait_status);
	return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : CANNOT_START;
}

int proc_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	return 0;
}

static void __attribute__((noreturn)) child_run(char *const *argv, int out, int err, int report)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(null, 0);
	dup2(out >= 0 ? out : null, 1);
	dup2(err >= 0 ? err : null, 2);
	execvp(argv[0], argv);
	int reason = errno;
	if (write(report, &reason, sizeof reason) < 0)
		_exit(CANNOT_START - 1);
	_exit(CANNOT_START);
}

pid_t proc_fork(char *const *argv, int stdout_fd, int stderr_fd)
{
	int report[2], reason = 0;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0)
		child_run(argv, stdout_fd, stderr_fd, report[1]);
	if (pid < 0)
		reason = errno;
	close(report[1]);
	/* Closed by the exec; a reason comes only if there was none. */
	if (pid > 0 && read(report[0], &reason, sizeof reason) < (ssize_t)sizeof reason)
		reason = 0;
	close(report[0]);
	if (reason && pid > 0)
		waitpid(pid, NULL, 0);
	return reason ? -reason : pid;
}

/* ---- struct proc ---- */

static void output_read(struct proc *proc)
{
	char data[1024];
	ssize_t got;

	if (proc->output.fd < 0)
		return;
	while ((got = read(proc->output.fd, data, sizeof data)) > 0) {
		buf_add(&proc->tail, data, (size_t)got);
		if (proc->tail.length > PROC_TAIL_BYTES)
			buf_drop(&proc->tail, proc->tail.length - PROC_TAIL_BYTES);
	}
	if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		loop_unwatch(proc->loop, &proc->output);
		close(proc->output.fd);
		proc->output.fd = -1;
	}
}

static void output_ready(void *context, short revents)
{
	(void)revents;
	output_read(context);
}

static void proc_release(struct proc *proc)
{
	loop_unwatch(proc->loop, &proc->output);
	if (proc->output.fd >= 0)
		close(proc->output.fd);
	proc->output.fd = -1;
	timer_stop(proc->loop, &proc->limit);
	proc->running = false;
}

static void proc_end(struct proc *proc, int status, const char *what)
{
	char text[PROC_TAIL_BYTES + 128] = "";
	struct buf tail = proc->tail;

	proc->tail = (struct buf){ 0 };
	while (tail.length > 0 && strchr(" \r\n", tail.data[tail.length - 1]))
		tail.length--;
	if (status != 0)
		snprintf(text, sizeof text, "%s%s%.*s", what, tail.length ? ": " : "",
			 (int)tail.length, tail.length ? tail.data : "");
	buf_done(&tail);
	proc_release(proc);
	proc->on_end(proc->context, status, text);
}

static void child_ended(void *context, int wait_status)
{
	struct proc *proc = context;
	int status = exit_status_of(wait_status);
	char what[64];

	/* What it left running may hold the pipe: only what is there now counts. */
	output_read(proc);
	if (proc->timed_out)
		snprintf(what, sizeof what, "it took too long and was stopped");
	else if (status > 128)
		snprintf(what, sizeof what, "it was killed by signal %d", status - 128);
	else
		snprintf(what, sizeof what, "it exited with status %d", status);
	proc_end(proc, status, what);
}

static void limit_fire(void *context)
{
	struct proc *proc = context;

	if (proc->child.pid <= 0) { /* it never started: told from the loop, not from inside */
		char what[128];

		snprintf(what, sizeof what, "it cannot be started: %s", strerror(-proc->child.pid));
		proc_end(proc, CANNOT_START, what);
		return;
	}
	proc->timed_out = true;
	kill(-proc->child.pid, SIGKILL);
}

void proc_start(struct proc *proc, char *const *argv, double seconds)
{
	int fds[2] = { -1, -1 };
	int r = proc_pipe(fds);

	proc->running = true;
	proc->timed_out = false;
	proc->child = (struct child){ .pid = r < 0 ? r : proc_fork(argv, fds[1], fds[1]),
				      .ended = child_ended,
				      .context = proc };
	proc->output = (struct watch){
		.fd = fds[0], .events = POLLIN, .ready = output_ready, .context = proc
	};
	if (fds[1] >= 0)
		close(fds[1]);
	proc->limit.fire = limit_fire;
	proc->limit.context = proc;
	timer_set(proc->loop, &proc->limit, proc->child.pid > 0 ? seconds : 0);
	if (proc->child.pid <= 0)
		return;
	loop_watch(proc->loop, &proc->output);
	loop_child(proc->loop, &proc->child);
}

void proc_stop(struct proc *proc)
{
	if (!proc->running)
		return;
	if (proc->child.pid > 0) {
		kill(-proc->child.pid, SIGKILL);
		loop_forget(proc->loop, &proc->child); /* the loop reaps it as a stranger */
	}
	proc_release(proc);
	buf_done(&proc->tail);
}
