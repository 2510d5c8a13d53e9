#include "dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_FIRST_SECONDS 1.0
#define WAIT_MAX_SECONDS   30.0
#define ATTEMPT_SECONDS	   10.0
/* A peer that is gone without a word is noticed within a minute and a half. */
#define KEEPALIVE_IDLE_SECONDS	   45
#define KEEPALIVE_INTERVAL_SECONDS 15
#define KEEPALIVE_PROBES	   3
#define UNACKNOWLEDGED_MS	   90000

static void socket_close(struct dial *dial)
{
	timer_stop(dial->loop, &dial->attempt);
	if (dial->socket.fd < 0)
		return;
	loop_unwatch(dial->loop, &dial->socket);
	close(dial->socket.fd);
	dial->socket.fd = -1;
}

/* A rack that lost its server shall not come back to it in step: up to a quarter more. */
static double spread(double seconds)
{
	uint8_t byte = 0;

	if (getrandom(&byte, 1, GRND_NONBLOCK) != 1)
		byte = (uint8_t)getpid();
	return seconds * (1 + byte / 1024.0);
}

void dial_again(struct dial *dial)
{
	socket_close(dial);
	timer_set(dial->loop, &dial->again, spread(dial->wait));
	dial->wait = dial->wait * 2 < WAIT_MAX_SECONDS ? dial->wait * 2 : WAIT_MAX_SECONDS;
}

void dial_greeted(struct dial *dial)
{
	dial->wait = WAIT_FIRST_SECONDS;
}

/* Our own network is not up yet: asking it often disturbs nobody. */
static void failed(struct dial *dial, int problem)
{
	if (problem == ENETUNREACH || problem == ENETDOWN || problem == EADDRNOTAVAIL)
		dial->wait = WAIT_FIRST_SECONDS;
	dial_again(dial);
}

static void attempt_fire(void *context)
{
	dial_again(context);
}

static void number_set(int fd, int level, int option, int value)
{
	setsockopt(fd, level, option, &value, sizeof value);
}

static void peer_watch(int fd)
{
	number_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	number_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS);
	number_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SECONDS);
	number_set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
	number_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS);
}

static void socket_ready(void *context, short revents)
{
	struct dial *dial = context;
	const struct conf *conf = dial->conf;
	char line[CONF_NAME + CONF_TOKEN + 32];
	socklen_t size = sizeof(int);
	int problem = 0, fd = dial->socket.fd;

	(void)revents;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size);
	int length = snprintf(line, sizeof line, "nestctl-agent %s %s\n", conf->layer, conf->token);
	/* Into an empty socket buffer: whole or not at all. */
	if (problem == 0 && send(fd, line, (size_t)length, MSG_NOSIGNAL) != length)
		problem = EPIPE;
	if (problem) {
		failed(dial, problem);
		return;
	}
	timer_stop(dial->loop, &dial->attempt);
	loop_unwatch(dial->loop, &dial->socket);
	dial->socket.fd = -1;
	dial->on_connected(dial->context, fd);
}

static void attempt(void *context)
{
	struct dial *dial = context;
	struct sockaddr_in server = { .sin_family = AF_INET,
				      .sin_port = htons((uint16_t)dial->conf->server_port),
				      .sin_addr = { dial->conf->server } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		dial_again(dial);
		return;
	}
	peer_watch(fd);
	dial->socket.fd = fd;
	dial->socket.events = POLLOUT;
	loop_watch(dial->loop, &dial->socket);
	timer_set(dial->loop, &dial->attempt, ATTEMPT_SECONDS);
	if (connect(fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS)
		failed(dial, errno);
}

void dial_init(struct dial *dial, struct loop *loop, const struct conf *conf)
{
	dial->loop = loop;
	dial->conf = conf;
	dial->wait = WAIT_FIRST_SECONDS;
	dial->socket = (struct watch){ .fd = -1, .ready = socket_ready, .context = dial };
	dial->again = (struct timer){ .fire = attempt, .context = dial };
	dial->attempt = (struct timer){ .fire = attempt_fire, .context = dial };
	timer_set(loop, &dial->again, 0);
}

void dial_done(struct dial *dial)
{
	if (!dial->loop)
		return;
	timer_stop(dial->loop, &dial->again);
	socket_close(dial);
}
