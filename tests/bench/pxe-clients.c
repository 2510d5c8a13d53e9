/* Machines that fetch the same file at the same time, each from an address of its own:
 *   pxe-clients PORT PATH CLIENTS REQUESTS [tls]
 * A %s in PATH is the client's own word: a line of standard input each, in their order.
 * Prints one JSON object: bytes and seconds in all, seconds of the median and the slowest client.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <openssl/ssl.h>

#define CHUNK	      (256u << 10)
#define HEAD_BYTES    4096
#define LIMIT_SECONDS 120
#define STACK_BYTES   (1u << 20)

static struct {
	unsigned short port;
	unsigned clients, requests;
	SSL_CTX *tls;
	pthread_barrier_t all_here;
} plan;

struct client {
	unsigned number;
	char *path;
	pthread_t thread;
	int fd;
	SSL *tls;
	char *chunk;
	double seconds;
	unsigned long long bytes;
	bool failed;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool client_connect(struct client *client)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(plan.port) };
	struct timeval limit = { .tv_sec = LIMIT_SECONDS };
	int one = 1;

	client->fd = socket(AF_INET, SOCK_STREAM, 0);
	from.sin_addr.s_addr = htonl(0x7f000101 + client->number); /* 127.0.1.1 and on */
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (bind(client->fd, (struct sockaddr *)&from, sizeof from) < 0 ||
	    connect(client->fd, (struct sockaddr *)&to, sizeof to) < 0)
		return false;
	if (!plan.tls)
		return true;
	client->tls = SSL_new(plan.tls);
	SSL_set_fd(client->tls, client->fd);
	return SSL_connect(client->tls) == 1;
}

static bool client_send(struct client *client, const char *text, size_t length)
{
	return client->tls ? SSL_write(client->tls, text, (int)length) == (int)length
			   : send(client->fd, text, length, MSG_NOSIGNAL) == (ssize_t)length;
}

/* What is not looked at is not copied either: the time is to be the server's. */
static ssize_t client_receive(struct client *client, size_t length, bool look)
{
	if (length > CHUNK)
		length = CHUNK;
	return client->tls ? SSL_read(client->tls, client->chunk, (int)length)
			   : recv(client->fd, client->chunk, length, look ? 0 : MSG_TRUNC);
}

/* The head of the answer; what came behind it is counted. Length of the body, or -1. */
static long long head_read(struct client *client, unsigned long long *ret_beyond)
{
	char head[HEAD_BYTES + 1];
	size_t have = 0;
	char *end = NULL;

	while (!end && have < HEAD_BYTES) {
		ssize_t got = client_receive(client, HEAD_BYTES - have, true);

		if (got <= 0)
			return -1;
		memcpy(head + have, client->chunk, (size_t)got);
		have += (size_t)got;
		head[have] = '\0';
		end = strstr(head, "\r\n\r\n");
	}
	if (!end || strncmp(head, "HTTP/1.1 200", 12) != 0)
		return -1;
	*ret_beyond = have - (size_t)(end + 4 - head);
	const char *length = strcasestr(head, "\r\nContent-Length:");
	return length ? atoll(length + 17) : -1;
}

static bool client_fetch(struct client *client)
{
	char request[512];
	unsigned long long have = 0;
	int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
			      client->path);

	if (!client_send(client, request, (size_t)length))
		return false;
	long long want = head_read(client, &have);
	while (want >= 0 && have < (unsigned long long)want) {
		ssize_t got =
			client_receive(client, (size_t)((unsigned long long)want - have), false);

		if (got <= 0)
			return false;
		have += (unsigned long long)got;
	}
	client->bytes += have;
	return want >= 0;
}

static void *client_run(void *data)
{
	struct client *client = data;

	client->chunk = malloc(CHUNK);
	pthread_barrier_wait(&plan.all_here);
	double start = now();
	client->failed = !client->chunk || !client_connect(client);
	for (unsigned i = 0; i < plan.requests && !client->failed; i++)
		client->failed = !client_fetch(client);
	client->seconds = now() - start;
	SSL_free(client->tls);
	close(client->fd);
	free(client->chunk);
	return NULL;
}

/* The path with the client's own word in it. */
static char *path_of(const char *path)
{
	const char *mark = strstr(path, "%s");
	char word[256] = "", *whole = NULL;

	if (!mark)
		return strdup(path);
	if (!fgets(word, sizeof word, stdin))
		return NULL;
	word[strcspn(word, "\n")] = '\0';
	return asprintf(&whole, "%.*s%s%s", (int)(mark - path), path, word, mark + 2) < 0 ? NULL
											  : whole;
}

static int by_seconds(const void *a, const void *b)
{
	double x = ((const struct client *)a)->seconds, y = ((const struct client *)b)->seconds;

	return (x > y) - (x < y);
}

static void report(struct client *clients, double seconds)
{
	unsigned long long bytes = 0;
	unsigned failed = 0;

	for (unsigned i = 0; i < plan.clients; i++) {
		bytes += clients[i].bytes;
		failed += clients[i].failed;
	}
	qsort(clients, plan.clients, sizeof *clients, by_seconds);
	printf("{\"bytes\": %llu, \"seconds\": %.4f, \"failed\": %u, \"fastest\": %.4f, "
	       "\"median\": %.4f, \"slowest\": %.4f}\n",
	       bytes, seconds, failed, clients[0].seconds, clients[plan.clients / 2].seconds,
	       clients[plan.clients - 1].seconds);
}

int main(int argc, char **argv)
{
	pthread_attr_t small;

	if (argc < 5) {
		fputs("pxe-clients PORT PATH CLIENTS REQUESTS [tls]\n", stderr);
		return 2;
	}
	plan.port = (unsigned short)atoi(argv[1]);
	plan.clients = (unsigned)atoi(argv[3]);
	plan.requests = (unsigned)atoi(argv[4]);
	if (argc > 5)
		plan.tls = SSL_CTX_new(TLS_client_method());
	struct client *clients = calloc(plan.clients, sizeof *clients);
	if (!clients || pthread_barrier_init(&plan.all_here, NULL, plan.clients + 1) != 0)
		return 1;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK_BYTES);
	for (unsigned i = 0; i < plan.clients; i++) {
		clients[i].number = i;
		clients[i].path = path_of(argv[2]);
		if (!clients[i].path ||
		    pthread_create(&clients[i].thread, &small, client_run, &clients[i]) != 0)
			return 1;
	}
	pthread_barrier_wait(&plan.all_here);
	double start = now();
	for (unsigned i = 0; i < plan.clients; i++)
		pthread_join(clients[i].thread, NULL);
	report(clients, now() - start);
	for (unsigned i = 0; i < plan.clients; i++)
		free(clients[i].path);
	SSL_CTX_free(plan.tls);
	free(clients);
	return 0;
}
