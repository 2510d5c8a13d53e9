#include "guest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "json.h"
#include "tty.h"

static struct channel *guest_channel(struct guest *guest)
{
	return *guest->conf->socket ? &guest->socket : &guest->tty;
}

/* ---- what a guest may say ---- */

bool path_is_within(const char *path, const char *outer, const char *name, bool deep_only)
{
	size_t outer_length = strlen(outer), name_length = strlen(name);

	if (outer_length == 0 || strncmp(path, outer, outer_length) != 0 ||
	    path[outer_length] != '/' || strncmp(path + outer_length + 1, name, name_length) != 0)
		return false;
	path += outer_length + 1 + name_length;
	return *path == '/' || (*path == '\0' && !deep_only);
}

static const struct {
	const char *kind;
	bool deep_only; /* said by a host of what is inside it */
} outward_kinds[] = {
	{ "record", false }, { "event", false }, { "console", true },
	{ "out", false },    { "exit", false },
};

/* A guest speaks for itself and for what is inside it, never for others. */
static bool may_pass(const struct guest *guest, const struct json_object *message, const char *kind)
{
	const char *outer = guest->outward->path, *name = guest->conf->name;
	char path[PATH_BYTES], about[PATH_BYTES];
	size_t i = 0;

	while (i < sizeof outward_kinds / sizeof *outward_kinds &&
	       strcmp(outward_kinds[i].kind, kind) != 0)
		i++;
	if (i == sizeof outward_kinds / sizeof *outward_kinds ||
	    !json_get_text(message, "path", path, sizeof path) ||
	    !path_is_within(path, outer, name, outward_kinds[i].deep_only))
		return false;
	for (i = 0; i < message->count; i++)
		if (strcmp(message->members[i].key, "guest") == 0)
			return json_get_text(message, "guest", about, sizeof about) &&
			       path_is_within(about, outer, name, true);
	return true;
}

static void relay(struct guest *guest, const char *line, size_t length)
{
	struct buf message = { 0 };

	buf_add(&message, line, length);
	outward_send(guest->outward, &message);
	if (outward_is_full(guest->outward))
		channel_pause(guest_channel(guest), true);
}

static bool message_in(void *context, const char *line, size_t length)
{
	struct guest *guest = context;
	struct json_object message;
	char kind[16];

	if (!json_read(line, length, &message) || !json_get_text(&message, "t", kind, sizeof kind))
		return false;
	console_skip_newline(&guest->console);
	guest->heard = true;
	if (strcmp(kind, "ready") == 0) /* it does not know the nonce, whatever we think */
		guest->nonce_told[0] = '\0';
	else if (may_pass(guest, &message, kind))
		relay(guest, line, length);
	guest_greet(guest);
	return true;
}

/* Only the one channel carries messages: elsewhere a mark is text like any other. */
static bool message_on_console(void *context, const char *line, size_t length)
{
	struct guest *guest = context;

	return !*guest->conf->socket && message_in(guest, line, length);
}

static void text_in(void *context, const char *text, size_t length)
{
	struct guest *guest = context;

	console_add(&guest->console, text, length);
}

/* ---- what it is told ---- */

void guest_greet(struct guest *guest)
{
	const struct outward *outward = guest->outward;
	char path[PATH_BYTES + CONF_NAME];
	struct buf message = { 0 };

	if (!(guest->heard || guest->silent) || !outward_has_hello(outward) ||
	    strcmp(guest->nonce_told, outward->nonce) == 0)
		return;
	snprintf(path, sizeof path, "%s/%s", outward->path, guest->conf->name);
	json_begin(&message, "hello");
	json_text(&message, "path", path);
	json_text(&message, "nonce", outward->nonce);
	json_text(&message, "echo", outward->echo);
	json_close(&message, '}');
	if (guest_send(guest, message.data, message.length))
		text_copy(guest->nonce_told, sizeof guest->nonce_told, outward->nonce);
	buf_done(&message);
}

bool guest_send(struct guest *guest, const char *line, size_t length)
{
	struct channel *channel = guest_channel(guest);

	return channel->watch.fd >= 0 && channel_send(channel, line, length);
}

void guest_type(struct guest *guest, const char *data, size_t length)
{
	if (guest->tty.watch.fd >= 0)
		channel_type(&guest->tty, data, length);
}

bool guest_down(struct guest *guest, unsigned seconds)
{
	char path[PATH_BYTES + CONF_NAME];
	struct buf message = { 0 };

	snprintf(path, sizeof path, "%s/%s", guest->outward->path, guest->conf->name);
	json_begin(&message, "down");
	json_text(&message, "path", path);
	json_number(&message, "seconds", seconds);
	json_close(&message, '}');
	bool sent = guest_send(guest, message.data, message.length);
	buf_done(&message);
	return sent;
}

void guest_resume(struct guest *guest)
{
	if (guest_channel(guest)->paused)
		channel_pause(guest_channel(guest), false);
	console_resume(&guest->console);
}

/* ---- connections ---- */

static void hung_up(void *context)
{
	struct guest *guest = context;

	guest->on_hangup(guest);
}

static int socket_open(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	text_copy(address.sun_path, sizeof address.sun_path, path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

bool guest_is_connected(const struct guest *guest)
{
	return guest->tty.watch.fd >= 0 && (!*guest->conf->socket || guest->socket.watch.fd >= 0);
}

void guest_connect(struct guest *guest, const char *tty_path)
{
	int fd;

	if (guest->tty.watch.fd < 0 && *tty_path && (fd = tty_open(tty_path)) >= 0)
		channel_attach(&guest->tty, fd);
	if (*guest->conf->socket && guest->socket.watch.fd < 0 &&
	    (fd = socket_open(guest->conf->socket)) >= 0)
		channel_attach(&guest->socket, fd);
}

void guest_disconnect(struct guest *guest)
{
	channel_done(&guest->tty);
	channel_done(&guest->socket);
	guest->heard = guest->silent = false;
	guest->nonce_told[0] = '\0';
}

void guest_init(struct guest *guest, struct loop *loop, const char *log_folder)
{
	console_init(&guest->console, guest->outward, guest->conf->name, log_folder);
	guest->tty = (struct channel){ .on_message = message_on_console,
				       .on_text = text_in,
				       .on_hangup = hung_up,
				       .context = guest };
	channel_init(&guest->tty, loop);
	guest->socket = (struct channel){ .on_message = message_in,
					  .on_hangup = hung_up,
					  .context = guest };
	channel_init(&guest->socket, loop);
}

void guest_done(struct guest *guest)
{
	guest_disconnect(guest);
	console_done(&guest->console);
}
