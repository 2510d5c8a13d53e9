#include "pxe/web_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "pxe/interface.h"
#include "pxe/web_mhd.h"
#include "pxe/web_text.h"

/* A request's line and header, and what an answer without a file needs. */
#define CONNECTION_BYTES (16u << 10)
/* A belt to the watch's braces. */
#define IDLE_SECONDS 150u
#define BACKLOG	     1024
/* The library asks the kernel for 128 events at a time, and after as many waits for more before it
 * looks at those: so many clients that wait for their answers would wait until one is given up. A
 * thread's connections, with its listening socket and its own wake-up, are fewer. Source:
 * libmicrohttpd 0.9.75, MHD_epoll, MAX_EVENTS. */
#define THREAD_CONNECTIONS 120u
#define TLS_WISHES	   "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* ---- answers ---- */

void http_answer_text(struct http_answer *answer, const char *type, char *text)
{
	answer->status = 200;
	answer->type = type;
	answer->text = text;
	answer->length = strlen(text);
}

void http_answer_line(struct http_answer *answer, unsigned status, const char *line)
{
	http_answer_text(answer, "text/plain; charset=utf-8", str_format("%s\n", line));
	answer->status = status;
}

void http_answer_done(struct http_answer *answer)
{
	free(answer->text);
	fd_cleanup(&answer->fd);
	if (answer->stream.end)
		answer->stream.end(answer->stream.context);
	*answer = (struct http_answer){ .fd = -1 };
}

const char *http_field(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

/* ---- requests ---- */

struct connection *connection_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void client_read(struct exchange *exchange, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr_in *address = (const struct sockaddr_in *)info->client_addr;

	inet_ntop(AF_INET, &address->sin_addr, exchange->client, sizeof exchange->client);
	exchange->request.local_client =
		ntohl(address->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET ||
		str_equal(exchange->client, exchange->http->listener->address);
}

/* The first line as it came: the library would decode it into a C string, and a NUL would end it.
 */
static void *request_begins(void *context, const char *target, struct MHD_Connection *mhd)
{
	struct exchange *exchange = mem_alloc(sizeof *exchange);

	exchange->http = context;
	exchange->answer.fd = -1;
	client_read(exchange, mhd);
	if (target)
		web_target_parse(target, &exchange->path, &exchange->query);
	return exchange;
}

static void request_ends(void *context, struct MHD_Connection *mhd, void **data,
			 enum MHD_RequestTerminationCode why)
{
	struct exchange *exchange = *data;

	(void)context;
	(void)why;
	*data = NULL;
	if (!exchange)
		return;
	struct connection *connection = connection_of(mhd);
	if (connection)
		web_watch_awaits(connection);
	http_answer_done(&exchange->answer);
	buf_done(&exchange->body);
	free(exchange->path);
	free(exchange->query);
	free(exchange);
}

static void connection_changes(void *context, struct MHD_Connection *mhd, void **data,
			       enum MHD_ConnectionNotificationCode what)
{
	const struct http *http = context;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*data = web_watch_add(http->listener->watch, mhd);
	} else if (*data) {
		web_watch_remove(*data);
		*data = NULL;
	}
}

static bool method_read(const char *text, enum http_method *ret_method)
{
	static const char *const methods[] = { "GET", "HEAD", "POST" };

	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		if (strcmp(methods[i], text) == 0) {
			*ret_method = (enum http_method)i;
			return true;
		}
	}
	return false;
}

static bool body_is_announced_too_large(const struct http_listener *listener,
					struct MHD_Connection *mhd)
{
	const char *length =
		MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return length && strtoull(length, NULL, 10) > listener->body_bytes;
}

/* What can be said before the body comes. True: refused, the answer is there. */
static bool request_refuse(struct exchange *exchange, struct MHD_Connection *mhd,
			   const char *method)
{
	struct http_answer *answer = &exchange->answer;

	if (!method_read(method, &exchange->request.method)) {
		http_answer_line(answer, 405, "this server knows GET, HEAD and POST");
		answer->allow = "GET, HEAD, POST";
	} else if (!exchange->path) {
		http_answer_line(answer, 400, "no path that this server would look at");
	} else if (body_is_announced_too_large(exchange->http->listener, mhd)) {
		http_answer_line(answer, 413, "the body is larger than this port takes");
	}
	return answer->status != 0;
}

static void request_handle(struct exchange *exchange, struct MHD_Connection *mhd)
{
	const struct http_listener *listener = exchange->http->listener;
	struct http_request *request = &exchange->request;

	request->path = exchange->path;
	request->query = exchange->query;
	request->client = exchange->client;
	request->body = buf_str(&exchange->body);
	request->body_length = exchange->body.length;
	request->connection = mhd;
	exchange->answer.status = 200;
	listener->handle(listener->context, request, &exchange->answer);
}

/* Called when the header is there, for each piece of a body, and at the end. */
static enum MHD_Result request_comes(void *context, struct MHD_Connection *mhd, const char *url,
				     const char *method, const char *version, const char *data,
				     size_t *length, void **exchange_data)
{
	struct exchange *exchange = *exchange_data;

	(void)context;
	(void)url;
	(void)version;
	if (!exchange)
		return MHD_NO;
	if (!exchange->begun) {
		exchange->begun = true;
		return request_refuse(exchange, mhd, method) ? answer_send(exchange, mhd) : MHD_YES;
	}
	if (*length > 0) {
		/* In the middle of a body no answer can be given. */
		if (*length > exchange->http->listener->body_bytes - exchange->body.length)
			return MHD_NO;
		buf_add(&exchange->body, data, *length);
		*length = 0;
		return MHD_YES;
	}
	web_watch_answers(connection_of(mhd));
	if (!exchange->answered) {
		request_handle(exchange, mhd);
		exchange->answered = true;
		if (exchange->answer.delay_ms > 0 &&
		    web_watch_park(connection_of(mhd), exchange->answer.delay_ms))
			return MHD_YES;
	}
	return answer_send(exchange, mhd);
}

/* ---- the listener ---- */

static int socket_open(const struct http_listener *listener, struct err *err)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)listener->port) };
	CLEANUP(fd_cleanup)
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int yes = 1;

	if (inet_pton(AF_INET, listener->address, &address.sin_addr) != 1)
		return err_set(err, -EINVAL, "%s: is no address to listen on", listener->address);
	if (fd < 0)
		return err_errno(err, errno, "the %s port has no socket", listener->name);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (listener->send_buffer_bytes > 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &listener->send_buffer_bytes,
			   sizeof listener->send_buffer_bytes);
	if (listener->interface) {
		int r = interface_bind(fd, listener->interface, err);

		if (r < 0)
			return r;
	}
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, BACKLOG) < 0)
		return err_errno(err, errno, "the %s port %s:%u cannot be listened on",
				 listener->name, listener->address, listener->port);
	return fd_take(&fd);
}

__attribute__((format(printf, 2, 0))) static void library_says(void *context, const char *format,
							       va_list args)
{
	CLEANUP(free_cleanup) char *text = str_vformat(format, args);

	(void)context;
	text[strcspn(text, "\n")] = '\0';
	log_debug("libmicrohttpd: %s", text);
}

static struct MHD_Daemon *daemon_start(struct http *http, int fd)
{
	const struct http_listener *listener = http->listener;
	unsigned threads = listener->connections / THREAD_CONNECTIONS + 1;
	/* With epoll the library asks a client that has sent half a TLS record for the rest without
	 * a pause. */
	unsigned flags = MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
			 (listener->key ? MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_TLS
					: MHD_USE_EPOLL_INTERNAL_THREAD);
	struct MHD_OptionItem more[4] = { 0 };
	size_t count = 0;

	if (threads > 1)
		more[count++] =
			(struct MHD_OptionItem){ MHD_OPTION_THREAD_POOL_SIZE, threads, NULL };
	if (listener->key) {
		more[count++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0,
							 (void *)listener->key };
		more[count++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0,
							 (void *)listener->certificate };
	}
	more[count] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
	return MHD_start_daemon(
		flags, 0, NULL, NULL, request_comes, http, MHD_OPTION_EXTERNAL_LOGGER, library_says,
		NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, request_begins,
		http, MHD_OPTION_NOTIFY_COMPLETED, request_ends, http, MHD_OPTION_NOTIFY_CONNECTION,
		connection_changes, http, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_LIMIT, listener->connections,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, listener->connections_per_client,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_ARRAY, more,
		listener->key ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, TLS_WISHES,
		MHD_OPTION_END);
}

int http_start(const struct http_listener *listener, struct http **ret_http, struct err *err)
{
	int fd = socket_open(listener, err);

	if (fd < 0)
		return fd;
	struct http *http = mem_alloc(sizeof *http);
	http->listener = listener;
	http->daemon = daemon_start(http, fd);
	if (!http->daemon) {
		close(fd);
		free(http);
		return err_set(err, -EIO, "the %s port's server cannot be started (libmicrohttpd)",
			       listener->name);
	}
	*ret_http = http;
	return 0;
}

void http_stop(struct http *http)
{
	if (!http)
		return;
	MHD_stop_daemon(http->daemon); /* closes the socket */
	free(http);
}
