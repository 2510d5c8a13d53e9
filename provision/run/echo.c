#include "run/echo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"

#define CLIENTS	       16
#define CLIENT_SECONDS 10.0
#define REQUEST_BYTES  512

struct echo_client {
	struct echo_server *server;
	int fd;
	double until;
	char request[REQUEST_BYTES];
	size_t length;
};

struct echo_server {
	int fd;
	uint16_t port;
	char *nonce;
	uint8_t key[ECHO_KEY_BYTES];
	struct echo_client clients[CLIENTS];
};

int echo_start(const char *listen_address, const char *nonce, struct echo_server **ret_server,
	       struct err *err)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof address;
	CLEANUP(fd_cleanup) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	inet_pton(AF_INET, listen_address, &address.sin_addr);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
	    listen(fd, CLIENTS) < 0 || getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		return err_errno(err, errno, "the echo server cannot listen on %s", listen_address);
	struct echo_server *server = mem_alloc(sizeof *server);
	server->fd = fd_take(&fd);
	server->port = ntohs(address.sin_port);
	server->nonce = str_copy(nonce);
	echo_key_make(server->key);
	for (size_t i = 0; i < CLIENTS; i++)
		server->clients[i] = (struct echo_client){ .server = server, .fd = -1 };
	*ret_server = server;
	return 0;
}

static void client_close(struct echo_client *client)
{
	fd_cleanup(&client->fd);
	client->fd = -1;
}

void echo_free(struct echo_server *server)
{
	if (!server)
		return;
	for (size_t i = 0; i < CLIENTS; i++)
		client_close(&server->clients[i]);
	close(server->fd);
	free(server->nonce);
	free(server);
}

uint16_t echo_port(const struct echo_server *server)
{
	return server->port;
}

void echo_expected(const struct echo_server *server, const char *path,
		   char ret_hex[ECHO_HEX_LENGTH + 1])
{
	echo_answer(server->key, path, server->nonce, ret_hex);
}

/* "nestctl-echo PATH NONCE": anything else is closed without a word. */
static void client_answer(struct echo_client *client)
{
	char path[REQUEST_BYTES], nonce[REQUEST_BYTES], line[ECHO_HEX_LENGTH + 2];

	if (sscanf(client->request, "nestctl-echo %511s %511s", path, nonce) == 2 &&
	    str_equal(nonce, client->server->nonce)) {
		echo_expected(client->server, path, line);
		size_t length = strlen(line);
		line[length++] = '\n';
		/* 65 bytes into an empty socket buffer: all or nothing. */
		if (send(client->fd, line, length, MSG_NOSIGNAL) < 0)
			log_debug("echo for %s: %s", path, strerror(errno));
	}
	client_close(client);
}

static void client_ready(void *context, int fd, short events)
{
	struct echo_client *client = context;
	ssize_t got = recv(fd, client->request + client->length,
			   sizeof client->request - 1 - client->length, 0);

	(void)events;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		client_close(client);
		return;
	}
	client->length += (size_t)got;
	client->request[client->length] = '\0';
	if (strchr(client->request, '\n'))
		client_answer(client);
	else if (client->length == sizeof client->request - 1)
		client_close(client);
}

static void server_ready(void *context, int fd, short events)
{
	struct echo_server *server = context;
	int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	for (size_t i = 0; accepted >= 0 && i < CLIENTS; i++) {
		struct echo_client *client = &server->clients[i];

		if (client->fd >= 0)
			continue;
		client->fd = accepted;
		client->length = 0;
		client->until = clock_seconds() + CLIENT_SECONDS;
		return;
	}
	if (accepted >= 0)
		close(accepted); /* too many at once */
}

void echo_poll(struct echo_server *server, struct loop *loop)
{
	double now = clock_seconds();

	for (size_t i = 0; i < CLIENTS; i++) {
		struct echo_client *client = &server->clients[i];

		if (client->fd >= 0 && now > client->until)
			client_close(client);
		loop_add(loop, client->fd, POLLIN, client_ready, client);
	}
	loop_add(loop, server->fd, POLLIN, server_ready, server);
}
