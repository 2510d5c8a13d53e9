#include "agent.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "json.h"

#define AGENT_VERSION	   1
#define READY_SECONDS	   1.0
#define RECORD_SECONDS	   5.0
#define FLUSH_SECONDS	   3.0
#define FLUSH_POLL_SECONDS 0.02
#define DOWN_MAX_SECONDS   3600

/* ---- outward ---- */

static void ready_send(struct agent *agent)
{
	struct buf message = { 0 };

	/* One is enough: a line that nobody takes away fills up. */
	if (channel_queued(&agent->outward.channel) > 0)
		return;
	json_begin(&message, "ready");
	json_number(&message, "agent", AGENT_VERSION);
	json_text(&message, "layer", agent->conf.layer);
	json_close(&message, '}');
	outward_send(&agent->outward, &message);
}

static void record_send(struct agent *agent)
{
	struct buf message = { 0 };

	record_make(&agent->outward, &agent->conf, &agent->network, &agent->timings, agent->root,
		    &message);
	outward_send(&agent->outward, &message);
}

static void repeat_fire(void *context)
{
	struct agent *agent = context;

	if (!outward_has_hello(&agent->outward)) {
		ready_send(agent);
		timer_set(&agent->loop, &agent->repeat, READY_SECONDS);
	} else if (agent->network.decided && !agent->acked) {
		record_send(agent);
		timer_set(&agent->loop, &agent->repeat, RECORD_SECONDS);
	}
}

static void network_decided(void *context)
{
	struct agent *agent = context;
	const struct network *network = &agent->network;

	agent->timings.network = clock_now();
	outward_event(&agent->outward, "network", NULL,
		      *network->error ? network->error : network->address);
	timer_set(&agent->loop, &agent->repeat, 0);
}

static void drained(void *context)
{
	struct agent *agent = context;

	exec_resume(&agent->exec);
	guests_resume(&agent->guests);
}

/* ---- hello and ack ---- */

static bool path_is_good(const char *path)
{
	for (; *path; path++)
		if (*path <= ' ' || *path > '~')
			return false;
	return true;
}

static bool nonce_is_good(const char *nonce)
{
	return strlen(nonce) == NONCE_DIGITS &&
	       strspn(nonce, "0123456789abcdefABCDEF") == NONCE_DIGITS;
}

static bool echo_is_good(const char *echo)
{
	char host[32];
	char *colon;
	struct in_addr address;

	text_copy(host, sizeof host, echo);
	colon = strchr(host, ':');
	if (!colon || colon[1] == '\0' || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    atoi(colon + 1) < 1 || atoi(colon + 1) > 65535)
		return false;
	*colon = '\0';
	return inet_pton(AF_INET, host, &address) == 1;
}

/* A server may not send us to others. */
static bool echo_is_at_server(const struct agent *agent, const char *echo)
{
	char host[INET_ADDRSTRLEN];
	struct in_addr server = { agent->conf.server };
	size_t length;

	inet_ntop(AF_INET, &server, host, sizeof host);
	length = strlen(host);
	return strncmp(echo, host, length) == 0 && echo[length] == ':';
}

static void hello_in(struct agent *agent, const struct json_object *message)
{
	char path[PATH_BYTES], nonce[NONCE_DIGITS + 1], echo[sizeof agent->outward.echo];

	if (!json_get_text(message, "path", path, sizeof path) || !*path || !path_is_good(path) ||
	    !json_get_text(message, "nonce", nonce, sizeof nonce) || !nonce_is_good(nonce) ||
	    !json_get_text(message, "echo", echo, sizeof echo) || !echo_is_good(echo))
		return;
	if (outward_is_server(&agent->outward) && !echo_is_at_server(agent, echo))
		return;
	if (!outward_hello(&agent->outward, path, nonce, echo))
		return;
	agent->timings.hello = clock_now();
	agent->acked = false;
	timer_stop(&agent->loop, &agent->repeat);
	network_start(&agent->network, &agent->outward);
	guests_greet(&agent->guests);
}

static void ack_in(struct agent *agent, const struct json_object *message)
{
	char nonce[NONCE_DIGITS + 1];

	if (json_get_text(message, "nonce", nonce, sizeof nonce) &&
	    strcmp(nonce, agent->outward.nonce) == 0)
		agent->acked = true;
}

/* ---- down ---- */

static void flush_fire(void *context)
{
	struct agent *agent = context;

	if (!outward_is_idle(&agent->outward) && clock_now() < agent->flush_until)
		timer_set(&agent->loop, &agent->flush, FLUSH_POLL_SECONDS);
	else
		agent->power_off(agent);
}

static void guests_are_down(void *context)
{
	struct agent *agent = context;

	outward_event(&agent->outward, "down", NULL, "powering off");
	agent->flush_until = clock_now() + FLUSH_SECONDS;
	timer_set(&agent->loop, &agent->flush, FLUSH_POLL_SECONDS);
}

void agent_down(struct agent *agent, unsigned seconds)
{
	if (agent->going_down)
		return;
	agent->going_down = true;
	guests_down(&agent->guests, seconds, guests_are_down, agent);
}

/* ---- inward ---- */

static void down_in(struct agent *agent, const struct json_object *message)
{
	unsigned seconds;

	if (json_get_unsigned(message, "seconds", DOWN_MAX_SECONDS, &seconds))
		agent_down(agent, seconds);
}

static void input_in(struct guest *guest, const struct json_object *message)
{
	struct buf bytes = { 0 }, text = { 0 };

	if (json_get_bytes(message, "data", &text) && base64_decode(text.data, text.length, &bytes))
		guest_type(guest, bytes.data, bytes.length);
	buf_done(&text);
	buf_done(&bytes);
}

static void own_message(struct agent *agent, const char *kind, const struct json_object *message)
{
	if (strcmp(kind, "ack") == 0)
		ack_in(agent, message);
	else if (strcmp(kind, "exec") == 0)
		exec_start(&agent->exec, message);
	else if (strcmp(kind, "down") == 0)
		down_in(agent, message);
}

static void guest_message(struct agent *agent, const char *inner, const char *kind,
			  const struct json_object *message, const char *line, size_t length)
{
	struct guest *guest = guests_find(&agent->guests, inner);

	if (!guest) {
		if (strcmp(kind, "exec") == 0)
			exec_undeliverable(&agent->exec, message);
		return;
	}
	/* A console is held by the host around it, not by the guest itself. */
	if (strcmp(kind, "input") == 0 && !strchr(inner, '/'))
		input_in(guest, message);
	else if (!guest_send(guest, line, length) && strcmp(kind, "exec") == 0)
		exec_undeliverable(&agent->exec, message);
}

/* Whoever has the server's address could be at the other end: nothing that changes the layer. */
static bool server_may_say(const char *kind)
{
	return strcmp(kind, "hello") == 0 || strcmp(kind, "ack") == 0;
}

static bool message_in(void *context, const char *line, size_t length)
{
	struct agent *agent = context;
	const char *own = agent->outward.path;
	struct json_object message;
	char kind[16], path[PATH_BYTES];

	if (!json_read(line, length, &message) || !json_get_text(&message, "t", kind, sizeof kind))
		return false;
	if (outward_is_server(&agent->outward) && !server_may_say(kind))
		return true;
	if (strcmp(kind, "hello") == 0) {
		hello_in(agent, &message);
		return true;
	}
	if (!*own || !json_get_text(&message, "path", path, sizeof path))
		return true;
	if (strcmp(path, own) == 0)
		own_message(agent, kind, &message);
	else if (strncmp(path, own, strlen(own)) == 0 && path[strlen(own)] == '/')
		guest_message(agent, path + strlen(own) + 1, kind, &message, line, length);
	return true;
}

/* ---- set-up ---- */

void agent_init(struct agent *agent)
{
	struct loop *loop = &agent->loop;

	agent->timings.agent = clock_now();
	agent->repeat = (struct timer){ .fire = repeat_fire, .context = agent };
	agent->flush = (struct timer){ .fire = flush_fire, .context = agent };
	agent->outward.on_message = message_in;
	agent->outward.on_drain = drained;
	agent->outward.context = agent;
	outward_init(&agent->outward, loop, &agent->conf);
	exec_init(&agent->exec, loop, &agent->outward);
	network_init(&agent->network, loop, &agent->conf, agent->root);
	agent->network.on_decided = network_decided;
	agent->network.context = agent;
	guests_init(&agent->guests, loop, &agent->conf, &agent->outward, agent->root);
	timer_set(loop, &agent->repeat, 0);
}

void agent_done(struct agent *agent)
{
	exec_done(&agent->exec);
	network_done(&agent->network);
	guests_done(&agent->guests);
	outward_done(&agent->outward);
}
