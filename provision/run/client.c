#include "run/client.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fs.h"
#include "run/crypto.h"
#include "run/socket.h"

struct client_link {
	int fd;
	struct buf in;
};

int client_open(const char *folder, struct client_link **ret_link, struct err *err)
{
	CLEANUP(free_cleanup) char *run = path_join(folder, "run");
	int fd = socket_connect(run, "control.sock", NULL);

	if (fd < 0)
		return err_set(err, -ENOTCONN, "%s: the stack is not running (nestctl up %s)",
			       folder, folder);
	struct client_link *link = mem_alloc(sizeof *link);
	link->fd = fd;
	*ret_link = link;
	return 0;
}

void client_close(struct client_link *link)
{
	if (!link)
		return;
	close(link->fd);
	buf_done(&link->in);
	free(link);
}

void client_cleanup(struct client_link **link)
{
	client_close(*link);
}

int client_fd(const struct client_link *link)
{
	return link->fd;
}

/* Frees the object. */
static int object_send(struct client_link *link, json_t *object, struct err *err)
{
	CLEANUP(free_cleanup) char *text = json_dumps(object, JSON_COMPACT);
	CLEANUP(free_cleanup) char *line = str_format("%s\n", text ? text : "{}");

	json_decref(object);
	int r = fd_write_all(link->fd, line, strlen(line));
	return r < 0 ? err_errno(err, -r, "the running stack does not listen any more") : 0;
}

int client_ask(struct client_link *link, const char *what, struct err *err)
{
	return object_send(link, json_pack("{s:s}", "do", what), err);
}

int client_ask_down(struct client_link *link, unsigned seconds, struct err *err)
{
	return object_send(link, json_pack("{s:s,s:i}", "do", "down", "seconds", (int)seconds),
			   err);
}

int client_ask_exec(struct client_link *link, const char *layer, char *const *argv, struct err *err)
{
	json_t *array = json_array();

	for (; *argv; argv++)
		if (json_array_append_new(array, json_string(*argv)) < 0) {
			json_decref(array);
			return err_set(err, -EINVAL, "exec: an argument is no UTF-8 text");
		}
	return object_send(
		link, json_pack("{s:s,s:s,s:o}", "do", "exec", "layer", layer, "argv", array), err);
}

int client_ask_console(struct client_link *link, const char *layer, struct err *err)
{
	return object_send(link, json_pack("{s:s,s:s}", "do", "console", "layer", layer), err);
}

int client_send_input(struct client_link *link, const void *data, size_t length, struct err *err)
{
	CLEANUP(free_cleanup) char *text = base64_encode(data, length);

	return object_send(link, json_pack("{s:s,s:s}", "do", "input", "data", text), err);
}

bool client_has_next(const struct client_link *link)
{
	return link->in.length && memchr(link->in.data, '\n', link->in.length);
}

static int input_wait(struct client_link *link, struct err *err)
{
	char chunk[16384];

	while (!client_has_next(link)) {
		ssize_t got = read(link->fd, chunk, sizeof chunk);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_set(err, -EPIPE, "the running stack closed the connection");
		buf_add(&link->in, chunk, (size_t)got);
	}
	return 0;
}

int client_next(struct client_link *link, struct message *ret_message, struct err *err)
{
	int r = input_wait(link, err);

	if (r < 0)
		return r;
	size_t used =
		(size_t)((char *)memchr(link->in.data, '\n', link->in.length) + 1 - link->in.data);
	CLEANUP(free_cleanup) char *line = str_format("%.*s", (int)(used - 1), link->in.data);
	memmove(link->in.data, link->in.data + used, link->in.length - used);
	link->in.length -= used;

	r = message_parse(line, ret_message, err);
	if (r == 0 && ret_message->kind == MESSAGE_ERROR) {
		r = err_set(err, -EREMOTEIO, "%s", ret_message->text);
		message_done(ret_message);
	}
	return r;
}
