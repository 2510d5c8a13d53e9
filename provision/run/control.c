#include "run/control.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "run/crypto.h"
#include "run/socket.h"

#define CLIENTS	     12
#define INPUT_MAX    ((size_t)64 * 1024)
#define OUTPUT_MAX   ((size_t)8 * 1024 * 1024) /* a client that does not read is dropped */
#define CHUNK_BYTES  4096
#define DOWN_SECONDS 30
#define SOCKET_NAME  "control.sock"

struct client {
	struct control *control;
	int fd;
	struct buf in, out;
	const struct level *console; /* attached to it */
	unsigned exec_id;	     /* 0: none */
	const struct level *exec_level;
	bool wants_down;
	bool leaving; /* closed once the output is sent */
};

struct control {
	int fd, folder;
	const struct levels *levels;
	struct control_host host;
	struct client clients[CLIENTS];
};

int control_start(int folder, const struct levels *levels, const struct control_host *host,
		  struct control **ret_control, struct err *err)
{
	int fd = socket_listen(folder, SOCKET_NAME, err);

	if (fd < 0)
		return fd;
	struct control *control = mem_alloc(sizeof *control);
	*control = (struct control){ .fd = fd, .folder = folder, .levels = levels, .host = *host };
	for (size_t i = 0; i < CLIENTS; i++)
		control->clients[i] = (struct client){ .control = control, .fd = -1 };
	*ret_control = control;
	return 0;
}

static void client_close(struct client *client)
{
	fd_cleanup(&client->fd);
	buf_done(&client->in);
	buf_done(&client->out);
	*client = (struct client){ .control = client->control, .fd = -1 };
}

static void client_flush(struct client *client)
{
	while (client->fd >= 0 && client->out.length) {
		ssize_t put = send(client->fd, client->out.data, client->out.length,
				   MSG_NOSIGNAL | MSG_DONTWAIT);

		if (put < 0 && errno == EAGAIN)
			break;
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0) {
			client_close(client);
			return;
		}
		memmove(client->out.data, client->out.data + put, client->out.length - (size_t)put);
		client->out.length -= (size_t)put;
	}
	if (client->out.length > OUTPUT_MAX || (client->leaving && !client->out.length))
		client_close(client);
}

/* Frees the object. */
static void client_send(struct client *client, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	if (text)
		buf_format(&client->out, "%s\n", text);
	free(text);
	json_decref(object);
}

static void client_refuse(struct client *client, const char *why)
{
	client_send(client, json_pack("{s:s,s:s}", "t", "error", "text", why));
	client->leaving = true;
}

/* --- what is asked --------------------------------------------------------------------------- */

static void do_status(struct client *client, const json_t *request)
{
	CLEANUP(free_cleanup)
	char *status = client->control->host.status(client->control->host.context);

	(void)request;
	buf_format(&client->out, "%s\n", status);
	client->leaving = true;
}

static void do_down(struct client *client, const json_t *request)
{
	json_int_t seconds = json_integer_value(json_object_get(request, "seconds"));

	client->wants_down = true;
	client->control->host.down(client->control->host.context,
				   seconds > 0 ? (unsigned)seconds : DOWN_SECONDS);
}

static const struct level *level_asked(struct client *client, const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "layer"));
	const struct level *level = levels_find(client->control->levels, name ? name : "");

	if (!level) {
		CLEANUP(free_cleanup)
		char *why = str_format("%s: no such layer in this stack", name ? name : "(none)");
		client_refuse(client, why);
	}
	return level;
}

/* Not to be guessed by another layer, and no other client's. */
static unsigned exec_id_new(const struct control *control)
{
	char hex[2 * sizeof(uint32_t) + 1];
	unsigned id;

	for (;;) {
		random_hex(sizeof(uint32_t), hex);
		id = (unsigned)strtoul(hex, NULL, 16) & INT32_MAX;
		bool taken = id == 0;
		for (size_t i = 0; i < CLIENTS; i++)
			taken |= control->clients[i].exec_id == id;
		if (!taken)
			return id;
	}
}

static void do_exec(struct client *client, const json_t *request)
{
	struct control *control = client->control;
	const json_t *array = json_object_get(request, "argv");
	const struct level *level = level_asked(client, request);
	CLEANUP(strv_done) struct strv argv = { 0 };

	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *word = json_string_value(json_array_get(array, i));

		strv_add(&argv, word ? word : "");
	}
	if (!level)
		return;
	if (!argv.count) {
		client_refuse(client, "no command was given");
		return;
	}
	client->exec_id = exec_id_new(control);
	client->exec_level = level;
	CLEANUP(free_cleanup)
	char *why = control->host.exec(control->host.context, level, client->exec_id, argv.items);
	if (why)
		client_refuse(client, why);
}

static void console_send(struct client *client, const char *data, size_t length)
{
	while (length > 0) {
		size_t part = length < CHUNK_BYTES ? length : CHUNK_BYTES;
		CLEANUP(free_cleanup) char *text = base64_encode(data, part);

		client_send(client, json_pack("{s:s,s:s}", "t", "console", "data", text));
		data += part;
		length -= part;
	}
}

/* Begins with what was last seen there: an idle console says nothing by itself. */
static void do_console(struct client *client, const json_t *request)
{
	const struct level *level = level_asked(client, request);

	if (!level)
		return;
	size_t recent = level->console.length < 2048 ? level->console.length : 2048;
	client->console = level;
	for (const char *c = level->console.text + level->console.length - recent; *c; c++) {
		const char *end = strchrnul(c, '\n');

		console_send(client, c, (size_t)(end - c));
		if (!*end)
			break;
		console_send(client, "\r\n", 2);
		c = end;
	}
}

static void do_input(struct client *client, const json_t *request)
{
	struct control *control = client->control;
	const char *text = json_string_value(json_object_get(request, "data"));
	size_t length = 0;
	CLEANUP(free_cleanup) char *data = text ? base64_decode(text, &length) : NULL;

	if (client->console && data && length <= INPUT_MAX)
		control->host.input(control->host.context, client->console, data, length);
}

static const struct {
	const char *name;
	void (*run)(struct client *client, const json_t *request);
} requests[] = {
	{ "status", do_status },   { "down", do_down },	  { "exec", do_exec },
	{ "console", do_console }, { "input", do_input },
};

static void request_run(struct client *client, const char *line, size_t length)
{
	json_t *request = json_loadb(line, length, 0, NULL);
	const char *name = json_string_value(json_object_get(request, "do"));
	bool known = false;

	for (size_t i = 0; name && i < sizeof requests / sizeof *requests; i++)
		if (str_equal(requests[i].name, name)) {
			requests[i].run(client, request);
			known = true;
		}
	if (!known)
		client_refuse(client, "no such request");
	json_decref(request);
}

/* --- the sockets ----------------------------------------------------------------------------- */

static void requests_take(struct client *client)
{
	char *newline;

	while (client->in.length && !client->leaving &&
	       (newline = memchr(client->in.data, '\n', client->in.length))) {
		size_t used = (size_t)(newline + 1 - client->in.data);
		CLEANUP(free_cleanup)
		char *line = str_format("%.*s", (int)(used - 1), client->in.data);

		memmove(client->in.data, newline + 1, client->in.length - used);
		client->in.length -= used;
		request_run(client, line, strlen(line));
	}
}

static void client_ready(void *context, int fd, short events)
{
	struct client *client = context;
	char chunk[8192];

	if (events & (POLLIN | POLLHUP | POLLERR)) {
		ssize_t got = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);

		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) ||
		    client->in.length > INPUT_MAX) {
			client_close(client);
			return;
		}
		if (got > 0)
			buf_add(&client->in, chunk, (size_t)got);
		requests_take(client);
	}
	client_flush(client);
}

static void control_ready(void *context, int fd, short events)
{
	struct control *control = context;
	int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	for (size_t i = 0; accepted >= 0 && i < CLIENTS; i++)
		if (control->clients[i].fd < 0) {
			control->clients[i].fd = accepted;
			return;
		}
	if (accepted >= 0)
		close(accepted); /* too many at once */
}

/* No exit can come any more. */
static void exec_check(struct client *client)
{
	if (client->fd < 0 || !client->exec_level || client->leaving ||
	    !level_is_gone(client->control->levels, client->exec_level))
		return;
	CLEANUP(free_cleanup)
	char *why = str_format("%s ended while the command ran", client->exec_level->layer->name);
	client_refuse(client, why);
}

void control_poll(struct control *control, struct loop *loop)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *client = &control->clients[i];

		exec_check(client);
		client_flush(client);
		loop_add(loop, client->fd,
			 client->out.length ? (short)(POLLIN | POLLOUT) : (short)POLLIN,
			 client_ready, client);
	}
	loop_add(loop, control->fd, POLLIN, control_ready, control);
}

void control_end(struct control *control)
{
	if (!control)
		return;
	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->fd >= 0 && client->wants_down)
			client_send(client, json_pack("{s:s}", "t", "down"));
		client_flush(client);
		client_close(client);
	}
	close(control->fd);
	unlinkat(control->folder, SOCKET_NAME, 0);
	free(control);
}

void control_console(struct control *control, const struct level *level, const char *data,
		     size_t length)
{
	for (size_t i = 0; control && i < CLIENTS; i++)
		if (control->clients[i].fd >= 0 && control->clients[i].console == level)
			console_send(&control->clients[i], data, length);
}

void control_exec_message(struct control *control, const struct message *message)
{
	for (size_t i = 0; control && i < CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->fd < 0 || client->exec_id != message->id || message->id == 0 ||
		    !str_equal(client->exec_level->path, message->path))
			continue;
		buf_format(&client->out, "%s\n", message->json);
		client->leaving = message->kind == MESSAGE_EXIT;
	}
}
