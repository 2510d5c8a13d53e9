#include "xenstore.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MS     1000
#define PAYLOAD_BYTES 4096 /* XENSTORE_PAYLOAD_MAX */

/* xs_wire.h: enum xsd_sockmsg_type. */
enum { XS_DIRECTORY = 1, XS_READ = 2, XS_WATCH = 4, XS_WATCH_EVENT = 15, XS_ERROR = 16 };

struct xs_header { /* struct xsd_sockmsg */
	uint32_t type, request, transaction, length;
};

static void connection_drop(struct xenstore *store)
{
	if (store->socket.fd < 0)
		return;
	loop_unwatch(store->loop, &store->socket);
	close(store->socket.fd);
	store->socket.fd = -1;
}

/* ---- messages ---- */

static bool bytes_read(int fd, void *to, size_t length)
{
	char *at = to;

	while (length > 0) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		ssize_t got;

		if (poll(&poll_fd, 1, ANSWER_MS) <= 0)
			return false;
		got = recv(fd, at, length, 0);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			return false;
		at += got;
		length -= (size_t)got;
	}
	return true;
}

/* data has PAYLOAD_BYTES + 1; it gets a NUL behind the payload. */
static bool message_read(int fd, struct xs_header *header, char *data)
{
	if (!bytes_read(fd, header, sizeof *header) || header->length > PAYLOAD_BYTES ||
	    !bytes_read(fd, data, header->length))
		return false;
	data[header->length] = '\0';
	return true;
}

/* Returns the length of the answer in data, or a negative errno. Events that come before it are
 * told from the loop. */
static int ask(struct xenstore *store, uint32_t type, const void *payload, size_t length,
	       char *data)
{
	struct xs_header header = { .type = type, .length = (uint32_t)length };
	char request[sizeof header + 512];

	if (store->socket.fd < 0 || length > sizeof request - sizeof header)
		return -ENOTCONN;
	memcpy(request, &header, sizeof header);
	memcpy(request + sizeof header, payload, length);
	if (send(store->socket.fd, request, sizeof header + length, MSG_NOSIGNAL) <
	    (ssize_t)(sizeof header + length))
		goto lost;
	do {
		if (!message_read(store->socket.fd, &header, data))
			goto lost;
		if (header.type == XS_WATCH_EVENT)
			timer_set(store->loop, &store->later, 0);
	} while (header.type == XS_WATCH_EVENT);
	return header.type == type ? (int)header.length : -ENOENT;
lost:
	/* Out of step with its answers: only a new connection helps. */
	connection_drop(store);
	store->on_hangup(store->context);
	return -EIO;
}

static int ask_text(struct xenstore *store, uint32_t type, const char *text, char *data)
{
	return ask(store, type, text, strlen(text) + 1, data);
}

/* ---- events ---- */

static void later_fire(void *context)
{
	struct xenstore *store = context;

	store->on_domains(store->context);
}

static void socket_ready(void *context, short revents)
{
	struct xenstore *store = context;
	char data[PAYLOAD_BYTES + 1];
	struct xs_header header;

	(void)revents;
	if (message_read(store->socket.fd, &header, data)) {
		if (header.type == XS_WATCH_EVENT)
			store->on_domains(store->context);
		return;
	}
	connection_drop(store);
	store->on_hangup(store->context);
}

static int domains_watch(struct xenstore *store)
{
	/* Path and token, each with its NUL. */
	static const char coming[] = "@introduceDomain\0in", going[] = "@releaseDomain\0out";
	char data[PAYLOAD_BYTES + 1];
	int r = ask(store, XS_WATCH, coming, sizeof coming, data);

	return r < 0 ? r : ask(store, XS_WATCH, going, sizeof going, data);
}

/* ---- connection ---- */

void xenstore_init(struct xenstore *store, struct loop *loop)
{
	store->loop = loop;
	store->socket = (struct watch){
		.fd = -1, .events = POLLIN, .ready = socket_ready, .context = store
	};
	store->later = (struct timer){ .fire = later_fire, .context = store };
}

int xenstore_connect(struct xenstore *store, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (store->socket.fd >= 0)
		return 0;
	size_t length = strlen(path);
	if (length >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, length + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		int reason = errno;

		if (fd >= 0)
			close(fd);
		return -reason;
	}
	store->socket.fd = fd;
	loop_watch(store->loop, &store->socket);
	return domains_watch(store);
}

void xenstore_done(struct xenstore *store)
{
	timer_stop(store->loop, &store->later);
	connection_drop(store);
}

/* ---- questions ---- */

bool xenstore_read(struct xenstore *store, const char *path, char *out, size_t size)
{
	char data[PAYLOAD_BYTES + 1];
	int length = ask_text(store, XS_READ, path, data);

	out[0] = '\0';
	if (length <= 0)
		return false;
	text_copy(out, size, data);
	return true;
}

int xenstore_domain(struct xenstore *store, const char *name)
{
	char list[PAYLOAD_BYTES + 1], path[64], found[128];
	int length = ask_text(store, XS_DIRECTORY, "/local/domain", list);

	for (int at = 0; at < length; at += (int)strlen(list + at) + 1) {
		int id = atoi(list + at);

		snprintf(path, sizeof path, "/local/domain/%d/name", id);
		if (id > 0 && xenstore_read(store, path, found, sizeof found) &&
		    strcmp(found, name) == 0)
			return id;
	}
	return -1;
}
