#include "run/conversation.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/log.h"

#define READ_BYTES 16384
#define OUT_MAX	   ((size_t)1024 * 1024)

void conversation_hello(struct conversation *conversation)
{
	const struct levels *levels = conversation->levels;

	message_hello(&conversation->out, levels->items[0].path, levels->nonce,
		      conversation->echo_address);
}

static double now_of(const struct conversation *conversation)
{
	return conversation->host->now(conversation->host->context);
}

static void ready_take(struct conversation *conversation, const struct message *message)
{
	const struct level *l1 = &conversation->levels->items[0];

	if (!str_equal(message->layer, l1->layer->name))
		log_debug("L1's agent calls itself %s", message->layer);
	conversation_hello(conversation);
	levels_spoke(conversation->levels, l1->path, now_of(conversation));
}

static void record_take(struct conversation *conversation, const struct message *message)
{
	struct record *record = NULL;
	struct err err = { 0 };
	char expected[ECHO_HEX_LENGTH + 1];

	if (record_parse(message->json, &record, &err) < 0) {
		log_debug("%s", err.text);
		err_clear(&err);
		return;
	}
	conversation->host->echo(conversation->host->context, record->path, expected);
	if (levels_record(conversation->levels, record, expected, now_of(conversation)))
		message_ack(&conversation->out, message->path, conversation->levels->nonce);
}

static void console_take(struct conversation *conversation, const struct message *message)
{
	struct level *level = levels_find(conversation->levels, message->path);

	if (!level || !level->layer->outer)
		return;
	console_add(&level->console, message->data, message->data_length);
	conversation->host->console(conversation->host->context, level, message->data,
				    message->data_length);
}

static bool message_take(void *context, const char *line)
{
	struct conversation *conversation = context;
	struct message message;

	if (message_parse(line, &message, NULL) < 0)
		return false;
	switch (message.kind) {
	case MESSAGE_READY:
		ready_take(conversation, &message);
		break;
	case MESSAGE_RECORD:
		record_take(conversation, &message);
		break;
	case MESSAGE_EVENT:
		log_debug("%s: %s %s %s", message.path, message.step, message.guest, message.text);
		levels_event(conversation->levels, message.path, message.step, message.guest,
			     message.text, now_of(conversation));
		break;
	case MESSAGE_CONSOLE:
		console_take(conversation, &message);
		break;
	case MESSAGE_OUT:
	case MESSAGE_EXIT:
		if (conversation->host->command)
			conversation->host->command(conversation->host->context, &message);
		break;
	default:
		break;
	}
	message_done(&message);
	return true;
}

static void text_take(void *context, const char *text, size_t length)
{
	(void)context;
	log_debug("channel: %.*s", (int)length, text);
}

void conversation_feed(struct conversation *conversation, const char *data, size_t length)
{
	frame_feed(&conversation->frame, data, length);
}

bool conversation_read(struct conversation *conversation, int fd)
{
	char chunk[READ_BYTES];
	ssize_t got = read(fd, chunk, sizeof chunk);

	if (got > 0)
		conversation_feed(conversation, chunk, (size_t)got);
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

void conversation_write(struct conversation *conversation, int fd)
{
	struct buf *out = &conversation->out;

	while (out->length) {
		ssize_t put = write(fd, out->data, out->length);

		if (put <= 0)
			break;
		memmove(out->data, out->data + put, out->length - (size_t)put);
		out->length -= (size_t)put;
	}
	if (out->length > OUT_MAX) {
		log_debug("L1 does not read its channel: %zu bytes dropped", out->length);
		out->length = 0;
	}
}

short conversation_events(const struct conversation *conversation)
{
	return conversation->out.length ? (short)(POLLIN | POLLOUT) : (short)POLLIN;
}

void conversation_begin(struct conversation *conversation, struct levels *levels,
			const struct conversation_host *host, const char *echo_address)
{
	*conversation = (struct conversation){
		.levels = levels,
		.host = host,
		.echo_address = str_copy(echo_address),
		.frame = { .on_message = message_take,
			   .on_text = text_take,
			   .context = conversation },
	};
}

void conversation_done(struct conversation *conversation)
{
	frame_done(&conversation->frame);
	buf_done(&conversation->out);
	free(conversation->echo_address);
	*conversation = (struct conversation){ 0 };
}
