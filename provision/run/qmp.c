#include "run/qmp.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"

#define INPUT_MAX_BYTES ((size_t)1024 * 1024)

struct qmp {
	int fd;
	struct buf input;
	struct strv events; /* names */
	size_t events_taken;
	unsigned last_id;
};

/* One read. 0, -EAGAIN, -EPIPE at the end, -EMSGSIZE. */
static int input_read(struct qmp *qmp)
{
	char chunk[4096];
	ssize_t got = read(qmp->fd, chunk, sizeof chunk);

	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (got == 0)
		return -EPIPE;
	if (qmp->input.length + (size_t)got > INPUT_MAX_BYTES)
		return -EMSGSIZE;
	buf_add(&qmp->input, chunk, (size_t)got);
	return 0;
}

/* Takes the first whole line; NULL: there is none, or it is no JSON. */
static bool line_take(struct qmp *qmp, json_t **ret_line)
{
	char *newline = qmp->input.length ? memchr(qmp->input.data, '\n', qmp->input.length) : NULL;

	if (!newline)
		return false;
	size_t used = (size_t)(newline + 1 - qmp->input.data);
	*ret_line = json_loadb(qmp->input.data, used, 0, NULL);
	memmove(qmp->input.data, newline + 1, qmp->input.length - used);
	qmp->input.length -= used;
	return true;
}

static bool event_keep(struct qmp *qmp, const json_t *line)
{
	const char *event = json_string_value(json_object_get(line, "event"));

	if (!event)
		return false;
	const char *reason =
		json_string_value(json_object_get(json_object_get(line, "data"), "reason"));

	log_debug("qmp event: %s %s", event, reason ? reason : "");
	strv_format(&qmp->events, "%s%s%s", event, reason ? " " : "", reason ? reason : "");
	return true;
}

/* The next line that is no event. 0 or a negative errno. */
static int line_wait(struct qmp *qmp, double seconds, json_t **ret_line)
{
	double until = clock_seconds() + seconds;

	for (;;) {
		json_t *line = NULL;

		while (line_take(qmp, &line)) {
			if (line && !event_keep(qmp, line)) {
				*ret_line = line;
				return 0;
			}
			json_decref(line);
		}
		double left = until - clock_seconds();
		struct pollfd ready = { .fd = qmp->fd, .events = POLLIN };
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&ready, 1, (int)(left * 1000) + 1) <= 0)
			continue;
		int r = input_read(qmp);
		if (r < 0 && r != -EAGAIN)
			return r;
	}
}

static int command_send(struct qmp *qmp, const char *command, const char *arguments)
{
	CLEANUP(free_cleanup)
	char *line = str_format("{\"execute\":\"%s\"%s%s,\"id\":%u}\n", command,
				arguments ? ",\"arguments\":" : "", arguments ? arguments : "",
				++qmp->last_id);

	return fd_write_all(qmp->fd, line, strlen(line));
}

int qmp_command(struct qmp *qmp, const char *command, const char *arguments, double seconds,
		char **ret_answer, struct err *err)
{
	int r = command_send(qmp, command, arguments);
	double until = clock_seconds() + seconds;
	json_t *line = NULL;

	while (r == 0) {
		r = line_wait(qmp, until - clock_seconds(), &line);
		if (r < 0 || json_integer_value(json_object_get(line, "id")) == qmp->last_id)
			break;
		json_decref(line); /* the answer to a command that ran out of time */
	}
	if (r == -ETIMEDOUT)
		return err_set(err, r, "QEMU did not answer %s within %.0f s", command, seconds);
	if (r < 0)
		return err_errno(err, -r, "QEMU's control connection (%s)", command);
	const char *refusal =
		json_string_value(json_object_get(json_object_get(line, "error"), "desc"));
	if (refusal)
		r = err_set(err, -EIO, "QEMU refused %s: %s", command, refusal);
	else if (ret_answer)
		*ret_answer =
			json_dumps(json_object_get(line, "return"), JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(line);
	return r;
}

int qmp_open(int fd, double seconds, struct qmp **ret_qmp, struct err *err)
{
	struct qmp *qmp = mem_alloc(sizeof *qmp);
	json_t *greeting = NULL;

	qmp->fd = fd;
	int r = line_wait(qmp, seconds, &greeting);
	if (r < 0)
		r = err_errno(err, -r, "QEMU did not greet");
	else if (!json_object_get(greeting, "QMP"))
		r = err_set(err, -EBADMSG, "QEMU's greeting is none");
	json_decref(greeting);
	if (r == 0)
		r = qmp_command(qmp, "qmp_capabilities", NULL, seconds, NULL, err);
	if (r < 0) {
		qmp->fd = -1;
		qmp_close(qmp);
		return r;
	}
	*ret_qmp = qmp;
	return 0;
}

void qmp_close(struct qmp *qmp)
{
	if (!qmp)
		return;
	fd_cleanup(&qmp->fd);
	buf_done(&qmp->input);
	strv_done(&qmp->events);
	free(qmp);
}

int qmp_fd(const struct qmp *qmp)
{
	return qmp ? qmp->fd : -1;
}

char *qmp_event(struct qmp *qmp)
{
	struct pollfd ready = { .fd = qmp->fd, .events = POLLIN };
	json_t *line = NULL;

	if (poll(&ready, 1, 0) > 0)
		input_read(qmp);
	while (line_take(qmp, &line)) {
		event_keep(qmp, line);
		json_decref(line);
	}
	if (qmp->events_taken == qmp->events.count)
		return NULL;
	return str_copy(qmp->events.items[qmp->events_taken++]);
}
