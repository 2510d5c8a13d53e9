#include "pxe/proving.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/log.h"
#include "pxe/interface.h"
#include "pxe/proof.h"
#include "run/loop.h"

/* Connections that have not said their first line yet; the oldest makes room. A rack that finds its
 * server again comes all at once, and each machine fetches an echo beside. */
#define CALLERS_MIN    64
#define CALLERS_EACH   2
#define CALLER_SECONDS 10.0
#define LINE_BYTES     640 /* "nestctl-echo", the longest path, a nonce */
#define ACCEPTS	       16  /* in one round */
#define BACKLOG	       256
#define PAUSE_SECONDS  1.0 /* where no descriptor is free */
/* Descriptors for the rest of the program: the web server's connections at most (pxe/web.c), each
 * with a file. */
#define OTHERS	      (2 * (2 * 1024 + 2 * 256) + 256)
#define IDLE_SECONDS  45 /* the agent has the same figures (provision/agent/dial.c) */
#define PROBE_SECONDS 15
#define PROBES	      3

struct caller {
	struct proving *proving;
	int fd; /* -1: free */
	double until;
	char line[LINE_BYTES];
	size_t length;
};

struct proving {
	struct proof_lab lab;
	const struct lab *described;
	int fd;
	double paused_until;
	struct caller *callers;
	size_t caller_count;
	struct proof *proofs; /* in the order of the lab's machines */
	size_t proof_count;
};

/* --- first lines ------------------------------------------------------------------------------ */

static void caller_close(struct caller *caller)
{
	fd_cleanup(&caller->fd);
	caller->fd = -1;
}

static bool has_nonce(const struct proving *proving, const char *nonce)
{
	for (size_t i = 0; i < proving->proof_count; i++)
		if (proof_has_nonce(&proving->proofs[i], nonce))
			return true;
	return false;
}

/* As run/echo.h does it for the nonce of one run. */
static void echo_take(struct caller *caller, const char *path, const char *nonce)
{
	char answer[ECHO_HEX_LENGTH + 2];

	if (has_nonce(caller->proving, nonce)) {
		echo_answer(caller->proving->lab.echo_key, path, nonce, answer);
		answer[ECHO_HEX_LENGTH] = '\n';
		/* 65 bytes into an empty socket buffer: all or nothing. */
		if (send(caller->fd, answer, ECHO_HEX_LENGTH + 1, MSG_NOSIGNAL) < 0)
			log_debug("echo for %s: %s", path, strerror(errno));
	}
	caller_close(caller);
}

static void number_set(int fd, int level, int option, int value)
{
	setsockopt(fd, level, option, &value, sizeof value);
}

/* A machine whose power went says no goodbye. */
static void peer_watch(int fd)
{
	number_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	number_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, IDLE_SECONDS);
	number_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, PROBE_SECONDS);
	number_set(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
}

static void agent_take(struct caller *caller, const char *layer, const char *token,
		       const char *rest)
{
	const struct proving *proving = caller->proving;
	const struct lab_machine *machine = NULL;
	struct err err = { 0 };

	if (ledger_agent_token(proving->lab.ledger, token, &machine, &err) < 0) {
		log_debug("an agent of a layer %s: %s", layer, err.text);
		err_clear(&err);
		caller_close(caller);
		return;
	}
	struct proof *proof = &proving->proofs[machine - proving->described->machines];
	peer_watch(caller->fd);
	log_info("%s: its agent %s", machine->name, proof->fd >= 0 ? "speaks anew" : "speaks");
	proof_connect(proof, fd_take(&caller->fd), token, rest,
		      (size_t)(caller->line + caller->length - rest));
}

/* One of the two lines, or it is closed without a word. */
static void line_take(struct caller *caller, char *end)
{
	char name[LINE_BYTES], word[LINE_BYTES];
	int used = 0;

	*end = '\0';
	if (sscanf(caller->line, "nestctl-agent %63s %43s%n", name, word, &used) == 2 &&
	    caller->line + used == end)
		agent_take(caller, name, word, end + 1);
	else if (sscanf(caller->line, "nestctl-echo %511s %32s%n", name, word, &used) == 2 &&
		 caller->line + used == end)
		echo_take(caller, name, word);
	else
		caller_close(caller);
}

static void caller_ready(void *context, int fd, short events)
{
	struct caller *caller = context;
	ssize_t got;

	(void)events;
	if (fd != caller->fd) /* it made room in this very round */
		return;
	got = recv(fd, caller->line + caller->length, LINE_BYTES - caller->length, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		caller_close(caller);
		return;
	}
	caller->length += (size_t)got;
	char *end = memchr(caller->line, '\n', caller->length);
	if (end)
		line_take(caller, end);
	else if (caller->length == LINE_BYTES)
		caller_close(caller);
}

/* --- connections ------------------------------------------------------------------------------ */

/* A free place, or that of the one that has been silent longest. */
static struct caller *caller_place(struct proving *proving)
{
	struct caller *place = &proving->callers[0];

	for (size_t i = 0; i < proving->caller_count; i++) {
		struct caller *caller = &proving->callers[i];

		if (caller->fd < 0)
			return caller;
		if (caller->until < place->until)
			place = caller;
	}
	caller_close(place);
	return place;
}

static void listener_ready(void *context, int fd, short events)
{
	struct proving *proving = context;

	(void)events;
	for (int i = 0; i < ACCEPTS; i++) {
		int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (accepted < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
				proving->paused_until = clock_seconds() + PAUSE_SECONDS;
			return;
		}
		struct caller *caller = caller_place(proving);
		*caller = (struct caller){ .proving = proving,
					   .fd = accepted,
					   .until = clock_seconds() + CALLER_SECONDS };
		/* An agent's line is here as soon as it is. */
		caller_ready(caller, accepted, POLLIN);
	}
}

void proving_poll(struct proving *proving, struct loop *loop)
{
	double now = clock_seconds();

	for (size_t i = 0; i < proving->proof_count; i++)
		proof_poll(&proving->proofs[i], loop);
	for (size_t i = 0; i < proving->caller_count; i++)
		loop_add(loop, proving->callers[i].fd, POLLIN, caller_ready, &proving->callers[i]);
	if (now >= proving->paused_until)
		loop_add(loop, proving->fd, POLLIN, listener_ready, proving);
}

double proving_tick(struct proving *proving, double max)
{
	double now = clock_seconds();

	for (size_t i = 0; i < proving->caller_count; i++) {
		struct caller *caller = &proving->callers[i];

		if (caller->fd >= 0 && now >= caller->until)
			caller_close(caller);
		else if (caller->fd >= 0 && caller->until - now < max)
			max = caller->until - now;
	}
	if (proving->paused_until > now && proving->paused_until - now < max)
		max = proving->paused_until - now;
	for (size_t i = 0; i < proving->proof_count; i++)
		max = proof_tick(&proving->proofs[i], max);
	return max;
}

/* --- life ------------------------------------------------------------------------------------- */

static int listen_at(const char *interface, const char *address, unsigned port, int *ret_fd,
		     struct err *err)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	CLEANUP(fd_cleanup) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (inet_pton(AF_INET, address, &at.sin_addr) != 1)
		return err_set(err, -EINVAL, "\"%s\" is no IPv4 address", address);
	number_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, BACKLOG) < 0)
		return err_errno(err, errno, "the agents' port %u cannot be opened on %s", port,
				 address);
	int r = interface_bind(fd, interface, err);
	if (r == 0)
		*ret_fd = fd_take(&fd);
	return r;
}

/* Each machine keeps a connection. */
static void descriptors_allow(size_t machines, size_t callers)
{
	struct rlimit limit;
	rlim_t needed = machines + callers + OTHERS;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= needed)
		return;
	limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int proving_start(const struct lab *lab, const char *address, struct ledger *ledger,
		  struct proving **ret_proving, struct err *err)
{
	int fd = -1;
	int r = listen_at(lab->interface, address, lab->ports.agents, &fd, err);

	if (r < 0)
		return r;
	struct proving *proving = mem_alloc(sizeof *proving);
	proving->caller_count = CALLERS_MIN + CALLERS_EACH * lab->machine_count;
	proving->callers = mem_alloc(proving->caller_count * sizeof *proving->callers);
	descriptors_allow(lab->machine_count, proving->caller_count);
	proving->fd = fd;
	proving->described = lab;
	proving->lab.ledger = ledger;
	proving->lab.echo_address = str_format("%s:%u", address, lab->ports.agents);
	echo_key_make(proving->lab.echo_key);
	for (size_t i = 0; i < proving->caller_count; i++)
		proving->callers[i].fd = -1;
	proving->proofs = mem_alloc(lab->machine_count * sizeof *proving->proofs);
	proving->proof_count = lab->machine_count;
	for (size_t i = 0; i < lab->machine_count; i++)
		proof_begin(&proving->proofs[i], &proving->lab, &lab->machines[i]);
	*ret_proving = proving;
	return 0;
}

void proving_end(struct proving *proving)
{
	if (!proving)
		return;
	for (size_t i = 0; i < proving->caller_count; i++)
		caller_close(&proving->callers[i]);
	for (size_t i = 0; i < proving->proof_count; i++)
		proof_done(&proving->proofs[i]);
	close(proving->fd);
	free(proving->callers);
	free(proving->proofs);
	free(proving->lab.echo_address);
	explicit_bzero(proving->lab.echo_key, sizeof proving->lab.echo_key);
	free(proving);
}
