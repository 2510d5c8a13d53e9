/* Keeps time for all connections: a client has so long for its request, and has to take its answer
 * at some pace, or its connection is shut down; by the kernel's count of bytes, since the library's
 * own limit starts again with every byte. And wakes what waits: answers that are held back, streams
 * without news. A waiting connection is suspended: it holds no thread.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"
#include "pxe/web_mhd.h"

#define TICK_MS		100
#define REQUEST_SECONDS 15.0
/* Less in two minutes is no download: a disk that is written to can make it pause for long. */
#define PACE_SECONDS 120.0
#define PACE_BYTES   (64u << 10)

enum phase {
	PHASE_REQUEST,
	PHASE_ANSWER,
	PHASE_PARKED,	 /* suspended until the time has come */
	PHASE_LISTENING, /* suspended until there is news */
	PHASE_SHUT,
};

struct connection {
	struct web_watch *watch;
	struct connection *next, **link; /* link: what points here */
	struct MHD_Connection *mhd;
	int fd;
	enum phase phase;
	double until; /* when the phase is looked at again */
	/* PHASE_ANSWER: bytes that the client had when it last was; asked for at the next tick
	 * first, by which most answers are out. */
	uint64_t acked;
	bool acked_known;
};

struct web_watch {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct connection *connections;
	bool stopping;
};

static uint64_t bytes_acked(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof info;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
		return 0;
	return info.tcpi_bytes_acked;
}

static void answer_begin(struct connection *connection, double now)
{
	connection->phase = PHASE_ANSWER;
	connection->until = now;
	connection->acked_known = false;
}

static void resume(struct connection *connection, double now)
{
	answer_begin(connection, now);
	MHD_resume_connection(connection->mhd);
}

static void shut(struct connection *connection, const char *why)
{
	connection->phase = PHASE_SHUT;
	log_debug("http: a connection is closed: %s", why);
	shutdown(connection->fd, SHUT_RDWR);
}

static void pace_check(struct connection *connection, double now)
{
	uint64_t before = connection->acked;
	bool known = connection->acked_known;

	connection->until = now + PACE_SECONDS;
	connection->acked = bytes_acked(connection->fd);
	connection->acked_known = true;
	if (known && connection->acked - before < PACE_BYTES)
		shut(connection, "its client does not take the answer");
}

static void connection_check(struct connection *connection, double now)
{
	if (now < connection->until)
		return;
	switch (connection->phase) {
	case PHASE_REQUEST:
		shut(connection, "no request in time");
		break;
	case PHASE_ANSWER:
		pace_check(connection, now);
		break;
	case PHASE_PARKED:
		resume(connection, now);
		break;
	case PHASE_LISTENING:
	case PHASE_SHUT:
		break;
	}
}

static void *web_watch_main(void *context)
{
	struct web_watch *watch = context;

	pthread_mutex_lock(&watch->lock);
	while (!watch->stopping) {
		struct timespec tick;

		if (!watch->connections) {
			pthread_cond_wait(&watch->changed, &watch->lock);
			continue;
		}
		clock_gettime(CLOCK_MONOTONIC, &tick);
		tick.tv_nsec += TICK_MS * 1000000L;
		tick.tv_sec += tick.tv_nsec / 1000000000L;
		tick.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&watch->changed, &watch->lock, &tick);
		double now = clock_seconds();
		for (struct connection *c = watch->connections; c; c = c->next)
			connection_check(c, now);
	}
	pthread_mutex_unlock(&watch->lock);
	return NULL;
}

int web_watch_start(struct web_watch **ret_watch, struct err *err)
{
	struct web_watch *watch = mem_alloc(sizeof *watch);
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&watch->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&watch->lock, NULL);
	int r = pthread_create(&watch->thread, NULL, web_watch_main, watch);
	if (r != 0) {
		watch->stopping = true;
		pthread_mutex_destroy(&watch->lock);
		pthread_cond_destroy(&watch->changed);
		free(watch);
		return err_errno(err, r, "the web server has no thread for its time limits");
	}
	*ret_watch = watch;
	return 0;
}

void web_watch_stop(struct web_watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	watch->stopping = true;
	for (struct connection *c = watch->connections; c; c = c->next)
		if (c->phase == PHASE_PARKED || c->phase == PHASE_LISTENING)
			resume(c, clock_seconds());
	pthread_cond_signal(&watch->changed);
	pthread_mutex_unlock(&watch->lock);
	pthread_join(watch->thread, NULL);
}

void web_watch_free(struct web_watch *watch)
{
	if (!watch)
		return;
	pthread_mutex_destroy(&watch->lock);
	pthread_cond_destroy(&watch->changed);
	free(watch);
}

void web_watch_wake(struct web_watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	for (struct connection *c = watch->connections; c; c = c->next)
		if (c->phase == PHASE_LISTENING)
			resume(c, clock_seconds());
	pthread_mutex_unlock(&watch->lock);
}

static void await_request(struct connection *connection)
{
	connection->phase = PHASE_REQUEST;
	connection->until = clock_seconds() + REQUEST_SECONDS;
}

struct connection *web_watch_add(struct web_watch *watch, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct connection *connection = mem_alloc(sizeof *connection);

	connection->watch = watch;
	connection->mhd = mhd;
	connection->fd = info->connect_fd;
	await_request(connection);
	pthread_mutex_lock(&watch->lock);
	connection->next = watch->connections;
	connection->link = &watch->connections;
	if (connection->next)
		connection->next->link = &connection->next;
	watch->connections = connection;
	if (!connection->next)
		pthread_cond_signal(&watch->changed);
	pthread_mutex_unlock(&watch->lock);
	return connection;
}

void web_watch_remove(struct connection *connection)
{
	struct web_watch *watch = connection->watch;

	pthread_mutex_lock(&watch->lock);
	*connection->link = connection->next;
	if (connection->next)
		connection->next->link = connection->link;
	pthread_mutex_unlock(&watch->lock);
	free(connection);
}

void web_watch_awaits(struct connection *connection)
{
	pthread_mutex_lock(&connection->watch->lock);
	if (connection->phase != PHASE_SHUT)
		await_request(connection);
	pthread_mutex_unlock(&connection->watch->lock);
}

void web_watch_answers(struct connection *connection)
{
	pthread_mutex_lock(&connection->watch->lock);
	if (connection->phase != PHASE_SHUT)
		answer_begin(connection, clock_seconds());
	pthread_mutex_unlock(&connection->watch->lock);
}

bool web_watch_park(struct connection *connection, unsigned milliseconds)
{
	bool parked;

	pthread_mutex_lock(&connection->watch->lock);
	parked = !connection->watch->stopping && connection->phase != PHASE_SHUT;
	if (parked) {
		connection->phase = PHASE_PARKED;
		connection->until = clock_seconds() + milliseconds / 1000.0;
		MHD_suspend_connection(connection->mhd);
	}
	pthread_mutex_unlock(&connection->watch->lock);
	return parked;
}

ssize_t web_watch_read(struct connection *connection, const struct http_stream *stream,
		       char *buffer, size_t size)
{
	ssize_t length = -1;

	pthread_mutex_lock(&connection->watch->lock);
	if (!connection->watch->stopping && connection->phase != PHASE_SHUT)
		length = stream->read(stream->context, buffer, size);
	if (length == 0) {
		connection->phase = PHASE_LISTENING;
		MHD_suspend_connection(connection->mhd);
	}
	pthread_mutex_unlock(&connection->watch->lock);
	return length < 0 ? MHD_CONTENT_READER_END_OF_STREAM : length;
}
