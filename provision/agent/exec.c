#include "exec.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "proc.h"

#define ARGUMENTS_MAX 256
#define CANNOT_START  127

static void message_begin(struct exec *exec, struct buf *message, const char *kind, unsigned id)
{
	json_begin(message, kind);
	json_text(message, "path", exec->outward->path);
	json_number(message, "id", id);
}

static void exit_send(struct exec *exec, unsigned id, int status, const char *text)
{
	struct buf message = { 0 };

	message_begin(exec, &message, "exit", id);
	json_number(&message, "status", (unsigned)status);
	if (text)
		json_text(&message, "text", text);
	json_close(&message, '}');
	outward_send(exec->outward, &message);
}

void exec_undeliverable(struct exec *exec, const struct json_object *message)
{
	struct buf answer = { 0 };
	char path[PATH_BYTES];
	unsigned id;

	if (!json_get_text(message, "path", path, sizeof path) ||
	    !json_get_unsigned(message, "id", INT_MAX, &id))
		return;
	json_begin(&answer, "exit");
	json_text(&answer, "path", path);
	json_number(&answer, "id", id);
	json_number(&answer, "status", CANNOT_START);
	json_text(&answer, "text", "the layer cannot be reached");
	json_close(&answer, '}');
	outward_send(exec->outward, &answer);
}

/* ---- output ---- */

static void stream_close(struct exec_stream *stream)
{
	if (stream->pipe.fd < 0)
		return;
	loop_unwatch(stream->job->exec->loop, &stream->pipe);
	close(stream->pipe.fd);
	stream->pipe.fd = -1;
}

static void out_send(struct exec_stream *stream, const char *data, size_t length)
{
	struct exec *exec = stream->job->exec;
	struct buf message = { 0 };

	message_begin(exec, &message, "out", stream->job->id);
	json_number(&message, "fd", stream->number);
	json_data(&message, "data", data, length);
	json_close(&message, '}');
	outward_send(exec->outward, &message);
}

/* Reads until the pipe is empty or ended (true) or the queue is full (false). */
static bool stream_read(struct exec_stream *stream)
{
	char data[EXEC_CHUNK_BYTES];

	while (stream->pipe.fd >= 0) {
		if (outward_is_full(stream->job->exec->outward))
			return false;
		ssize_t got = read(stream->pipe.fd, data, sizeof data);
		if (got > 0) {
			out_send(stream, data, (size_t)got);
			continue;
		}
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return true;
		stream_close(stream);
	}
	return true;
}

/* The exit follows the output. What the command left running may hold the pipes: they are not
 * waited for once the command has ended and they are empty. */
static void job_settle(struct exec_job *job)
{
	bool empty = stream_read(&job->streams[0]);

	empty = stream_read(&job->streams[1]) && empty;
	for (int i = 0; i < 2; i++)
		job->streams[i].pipe.events = empty ? POLLIN : 0;
	job->exec->waits = job->exec->waits || !empty;
	if (!empty || !job->ended)
		return;
	stream_close(&job->streams[0]);
	stream_close(&job->streams[1]);
	job->used = false;
	exit_send(job->exec, job->id, job->status, NULL);
}

static void stream_ready(void *context, short revents)
{
	struct exec_stream *stream = context;

	if (!(revents & POLLIN) && stream->pipe.events == 0) {
		/* Hung up while it waits for room: what it holds is read then. */
		loop_unwatch(stream->job->exec->loop, &stream->pipe);
		return;
	}
	job_settle(stream->job);
}

void exec_resume(struct exec *exec)
{
	if (!exec->waits)
		return;
	exec->waits = false;
	for (size_t i = 0; i < EXEC_MAX; i++) {
		struct exec_job *job = &exec->jobs[i];

		if (!job->used)
			continue;
		for (int s = 0; s < 2; s++) {
			loop_unwatch(exec->loop, &job->streams[s].pipe);
			if (job->streams[s].pipe.fd >= 0)
				loop_watch(exec->loop, &job->streams[s].pipe);
		}
		job_settle(job);
	}
}

static void job_ended(void *context, int wait_status)
{
	struct exec_job *job = context;

	job->ended = true;
	job->status = exit_status_of(wait_status);
	job_settle(job);
}

/* ---- start ---- */

static struct exec_job *job_free(struct exec *exec)
{
	for (size_t i = 0; i < EXEC_MAX; i++)
		if (!exec->jobs[i].used)
			return &exec->jobs[i];
	return NULL;
}

static void stream_open(struct exec_job *job, int index, int fd)
{
	struct exec_stream *stream = &job->streams[index];

	stream->job = job;
	stream->number = (unsigned)index + 1;
	stream->pipe = (struct watch){
		.fd = fd, .events = POLLIN, .ready = stream_ready, .context = stream
	};
	if (fd >= 0)
		loop_watch(job->exec->loop, &stream->pipe);
}

/* 0 or a negative errno. */
static int job_start(struct exec_job *job, char *const *argv)
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 };
	int r = proc_pipe(out);

	if (r == 0)
		r = proc_pipe(err);
	if (r == 0)
		r = proc_fork(argv, out[1], err[1]);
	if (out[1] >= 0)
		close(out[1]);
	if (err[1] >= 0)
		close(err[1]);
	if (r < 0) {
		if (out[0] >= 0)
			close(out[0]);
		if (err[0] >= 0)
			close(err[0]);
		return r;
	}
	job->used = true;
	job->ended = false;
	job->child = (struct child){ .pid = r, .ended = job_ended, .context = job };
	stream_open(job, 0, out[0]);
	stream_open(job, 1, err[0]);
	loop_child(job->exec->loop, &job->child);
	return 0;
}

/* Splits texts, each with its NUL, into an argv. False: too many. */
static bool argv_split(const struct buf *texts, int count, char **argv)
{
	size_t at = 0;

	if (count > ARGUMENTS_MAX)
		return false;
	for (int i = 0; i < count; i++) {
		argv[i] = texts->data + at;
		at += strlen(argv[i]) + 1;
	}
	argv[count] = NULL;
	return true;
}

void exec_start(struct exec *exec, const struct json_object *message)
{
	struct exec_job *job = job_free(exec);
	char *argv[ARGUMENTS_MAX + 1];
	struct buf texts = { 0 };
	unsigned id;
	int r;

	if (!json_get_unsigned(message, "id", UINT_MAX, &id))
		return; /* nobody could tell whose answer it is */
	int count = json_get_texts(message, "argv", &texts);
	if (count <= 0 || !argv_split(&texts, count, argv)) {
		exit_send(exec, id, CANNOT_START, "argv is not an array of 1 to 256 strings");
	} else if (!job) {
		exit_send(exec, id, CANNOT_START, "8 commands run already");
	} else {
		job->exec = exec;
		job->id = id;
		r = job_start(job, argv);
		if (r < 0)
			exit_send(exec, id, CANNOT_START, strerror(-r));
	}
	buf_done(&texts);
}

void exec_init(struct exec *exec, struct loop *loop, struct outward *outward)
{
	*exec = (struct exec){ .loop = loop, .outward = outward };
}

void exec_done(struct exec *exec)
{
	for (size_t i = 0; i < EXEC_MAX; i++) {
		struct exec_job *job = &exec->jobs[i];

		if (!job->used)
			continue;
		if (!job->ended) {
			kill(-job->child.pid, SIGKILL);
			loop_forget(exec->loop, &job->child);
		}
		stream_close(&job->streams[0]);
		stream_close(&job->streams[1]);
		job->used = false;
	}
}
