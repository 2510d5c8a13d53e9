#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "base/log.h"

#define TAIL_BYTES	1500
#define DEFAULT_SECONDS 300 /* for what takes one; a busy machine is not a program that hangs */
#define END_GRACE_MS	2000
#define FD_LIMIT	1024

static int stop_fd = -1;
static int stop_signal;

static void stop_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

int spawn_stop_fd(void)
{
	sigset_t set;

	if (stop_fd < 0) {
		stop_signals(&set);
		sigprocmask(SIG_BLOCK, &set, NULL);
		stop_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	}
	return stop_fd;
}

int spawn_stop_signal(void)
{
	struct signalfd_siginfo info;

	if (stop_fd >= 0 && read(stop_fd, &info, sizeof info) == (ssize_t)sizeof info)
		stop_signal = (int)info.ssi_signo;
	return stop_signal;
}

void spawn_close_others(const int *keep, size_t count)
{
	for (int fd = STDERR_FILENO + 1; fd < FD_LIMIT; fd++) {
		bool kept = fd == stop_fd;

		for (size_t i = 0; i < count; i++)
			kept |= fd == keep[i];
		if (!kept)
			close(fd);
	}
}

char *spawn_status_text(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return str_format("was killed by signal %d (%s)", WTERMSIG(wait_status),
				  strsignal(WTERMSIG(wait_status)));
	return str_format("exited with status %d", WEXITSTATUS(wait_status));
}

char *program_find(const char *name)
{
	const char *path = getenv("PATH");
	const char *next = path ? path : "/usr/bin:/bin";

	if (strchr(name, '/'))
		return access(name, X_OK) == 0 ? str_copy(name) : NULL;
	for (;;) {
		size_t length = strcspn(next, ":");
		char *candidate = str_format("%.*s/%s", (int)length, next, name);

		if (access(candidate, X_OK) == 0)
			return candidate;
		free(candidate);
		if (next[length] == '\0')
			return NULL;
		next += length + 1;
	}
}

/* In the child: nothing here may return. */
__attribute__((noreturn)) static void child_exec(const struct spawn_options *options, int out,
						 int error, bool die_with_parent)
{
	sigset_t none;

	setpgid(0, 0);
	if (die_with_parent)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	int input = open(options->input_path ? options->input_path : "/dev/null", O_RDONLY);
	if (input < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(error, STDERR_FILENO) < 0)
		_exit(126);
	for (const char *const *variable = options->env; variable && *variable; variable++)
		putenv((char *)(uintptr_t)*variable);
	if (options->folder && chdir(options->folder) < 0)
		_exit(126);
	int r = options->in_child ? options->in_child(options->context) : 0;
	if (r < 0) {
		errno = -r;
		perror(options->purpose);
		_exit(126);
	}
	execvp(options->argv[0], (char *const *)(uintptr_t)options->argv);
	_exit(errno == ENOENT ? 127 : 126);
}

static void argv_debug(const char *const *argv)
{
	struct buf line = { 0 };

	for (; *argv; argv++)
		buf_format(&line, " %s", *argv);
	log_debug("run:%s", buf_str(&line));
	buf_done(&line);
}

static int log_open(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd < 0)
		return err_errno(err, errno, "%s: cannot be opened", path);
	return fd;
}

int spawn_start(const struct spawn_options *options, bool keep, pid_t *ret_pid, struct err *err)
{
	CLEANUP(fd_cleanup)
	int log = log_open(options->log_path ? options->log_path : "/dev/null", err);

	if (log < 0)
		return log;
	argv_debug(options->argv);
	pid_t pid = fork();
	if (pid < 0)
		return err_errno(err, errno, "%s: cannot be started", options->argv[0]);
	if (pid == 0)
		child_exec(options, log, log, !keep);
	setpgid(pid, pid);
	*ret_pid = pid;
	return 0;
}

static bool reap_within(pid_t pid, unsigned milliseconds)
{
	double until = clock_seconds() + milliseconds / 1000.0;

	do {
		pid_t got = waitpid(pid, NULL, WNOHANG);

		if (got == pid || (got < 0 && errno == ECHILD))
			return true;
		poll(NULL, 0, 10);
	} while (clock_seconds() < until);
	return false;
}

void spawn_end(pid_t pid, unsigned grace_ms)
{
	if (pid <= 0)
		return;
	kill(-pid, SIGTERM);
	if (reap_within(pid, grace_ms))
		return;
	kill(-pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

/* One output of a running program: what came so far, and where the next line begins. */
struct stream {
	int fd;
	struct buf text;
	size_t line_start;
};

static void stream_lines(struct stream *stream, const struct spawn_options *options)
{
	char *newline;

	while (options->on_line && stream->text.length > stream->line_start &&
	       (newline = memchr(stream->text.data + stream->line_start, '\n',
				 stream->text.length - stream->line_start))) {
		CLEANUP(free_cleanup)
		char *line = str_format(
			"%.*s", (int)(newline - stream->text.data - (ptrdiff_t)stream->line_start),
			stream->text.data + stream->line_start);

		options->on_line(options->context, line);
		stream->line_start = (size_t)(newline + 1 - stream->text.data);
	}
}

static void stream_read(struct stream *stream, const struct spawn_options *options)
{
	char chunk[16384];
	ssize_t got = read(stream->fd, chunk, sizeof chunk);

	if (got < 0 && errno == EINTR)
		return;
	if (got <= 0) {
		close(stream->fd);
		stream->fd = -1;
		return;
	}
	buf_add(&stream->text, chunk, (size_t)got);
	stream_lines(stream, options);
}

/* Until both outputs end. 0, -ETIMEDOUT or -EINTR. */
static int streams_drain(struct stream streams[2], const struct spawn_options *options,
			 unsigned seconds)
{
	double until = clock_seconds() + seconds;

	while (streams[0].fd >= 0 || streams[1].fd >= 0) {
		struct pollfd fds[] = {
			{ .fd = streams[0].fd, .events = POLLIN },
			{ .fd = streams[1].fd, .events = POLLIN },
			{ .fd = stop_fd, .events = POLLIN },
		};
		double left = until - clock_seconds();

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(fds, 3, (int)(left * 1000) + 1) < 0 && errno != EINTR)
			return -errno;
		if (fds[2].revents & POLLIN && spawn_stop_signal())
			return -EINTR;
		for (size_t i = 0; i < 2; i++)
			if (fds[i].revents)
				stream_read(&streams[i], options);
	}
	return 0;
}

static const char *tail_of(const struct buf *text)
{
	const char *all = buf_str(text);
	const char *tail = text->length > TAIL_BYTES ? all + text->length - TAIL_BYTES : all;
	const char *newline = tail > all ? strchr(tail, '\n') : NULL;

	return newline ? newline + 1 : tail;
}

static int exit_check(const struct spawn_options *options, int status, const struct buf *said,
		      struct err *err)
{
	const char *purpose = options->purpose ? options->purpose : "running a program";

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_set(err, -ENOENT, "%s: the program %s is not installed", purpose,
			       options->argv[0]);

	CLEANUP(free_cleanup) char *how = spawn_status_text(status);
	const char *tail = tail_of(said);
	return err_set(err, -ECHILD, "%s: %s %s%s%s%s", purpose, options->argv[0], how,
		       *tail ? ":\n" : "", tail,
		       !*tail && options->log_path ? " (see its log)" : "");
}

static int pipes_open(int out[2], int error[2], struct err *err)
{
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_errno(err, errno, "a pipe cannot be made");
	if (pipe2(error, O_CLOEXEC) < 0) {
		int saved = errno;

		close(out[0]);
		close(out[1]);
		return err_errno(err, saved, "a pipe cannot be made");
	}
	return 0;
}

static int log_append(const char *path, const struct buf *text, struct err *err)
{
	CLEANUP(fd_cleanup) int log = log_open(path, err);

	if (log < 0)
		return log;
	int r = fd_write_all(log, buf_str(text), text->length);
	return r < 0 ? err_errno(err, -r, "%s: cannot be written", path) : 0;
}

int spawn_run(const struct spawn_options *options, char **ret_output, struct err *err)
{
	unsigned seconds = options->timeout_seconds ? options->timeout_seconds : DEFAULT_SECONDS;
	int out[2], error[2], status = 0;
	int r = pipes_open(out, error, err);

	if (r < 0)
		return r;
	argv_debug(options->argv);
	pid_t pid = fork();
	if (pid == 0)
		child_exec(options, out[1], error[1], true);
	close(out[1]);
	close(error[1]);
	struct stream streams[2] = { { .fd = out[0] }, { .fd = error[0] } };
	if (pid < 0)
		r = err_errno(err, errno, "%s: cannot be started", options->argv[0]);
	else
		r = streams_drain(streams, options, seconds);

	if (pid > 0 && r < 0) {
		spawn_end(pid, END_GRACE_MS);
		err_set(err, r,
			r == -ETIMEDOUT ? "%s: %s was not done after %u s"
					: "%s: %s was stopped by a signal",
			options->purpose ? options->purpose : "running a program", options->argv[0],
			seconds);
	} else if (pid > 0) {
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
		r = exit_check(options, status, &streams[1].text, err);
	}
	if (options->log_path) {
		struct err ignored = { 0 };

		if (log_append(options->log_path, &streams[0].text, &ignored) < 0 ||
		    log_append(options->log_path, &streams[1].text, &ignored) < 0)
			log_warn("%s", ignored.text);
		err_clear(&ignored);
	}
	for (size_t i = 0; i < 2; i++)
		fd_cleanup(&streams[i].fd);
	if (r == 0 && ret_output)
		*ret_output = streams[0].text.data ? take(&streams[0].text.data) : str_copy("");
	buf_done(&streams[0].text);
	buf_done(&streams[1].text);
	return r;
}
