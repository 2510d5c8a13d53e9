#include "run/message.h"

#include <errno.h>

#include "base/json.h"
#include "run/crypto.h"

static const struct {
	const char *name;
	enum message_kind kind;
} kinds[] = {
	{ "ready", MESSAGE_READY },	{ "record", MESSAGE_RECORD }, { "event", MESSAGE_EVENT },
	{ "console", MESSAGE_CONSOLE }, { "out", MESSAGE_OUT },	      { "exit", MESSAGE_EXIT },
	{ "status", MESSAGE_STATUS },	{ "error", MESSAGE_ERROR },   { "down", MESSAGE_DOWN },
};

static enum message_kind kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (str_equal(kinds[i].name, name))
			return kinds[i].kind;
	return MESSAGE_OTHER;
}

int message_parse(const char *line, struct message *ret_message, struct err *err)
{
	json_t *root = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	const char *kind = json_string_value(json_object_get(root, "t"));

	if (!kind) {
		json_decref(root);
		return err_set(err, -EBADMSG, "a line is no message: \"%.60s\"", line);
	}
	*ret_message = (struct message){
		.kind = kind_of(kind),
		.layer = json_member_tame(root, "layer"),
		.path = json_member_tame(root, "path"),
		.step = json_member_tame(root, "step"),
		.guest = json_member_tame(root, "guest"),
		.text = json_member_tame(root, "text"),
		.seconds = json_number_value(json_object_get(root, "seconds")),
		.id = (unsigned)json_member_number(root, "id"),
		.fd = (unsigned)json_member_number(root, "fd"),
		.status = (unsigned)json_member_number(root, "status"),
		.json = str_copy(line),
	};
	const char *data = json_string_value(json_object_get(root, "data"));
	if (data)
		ret_message->data = base64_decode(data, &ret_message->data_length);
	if (!ret_message->data)
		ret_message->data = str_copy("");
	json_decref(root);
	return 0;
}

void message_done(struct message *message)
{
	char *texts[] = { message->layer, message->path, message->step, message->guest,
			  message->text,  message->data, message->json };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	*message = (struct message){ 0 };
}

/* Frees the object. */
static void object_add(struct buf *out, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	if (text)
		buf_format(out, "\x1e%s\n", text);
	free(text);
	json_decref(object);
}

static json_t *inward(const char *kind, const char *path)
{
	return json_pack("{s:s,s:s}", "t", kind, "path", path);
}

void message_hello(struct buf *out, const char *path, const char *nonce, const char *echo)
{
	json_t *object = inward("hello", path);

	json_object_set_new(object, "nonce", json_string(nonce));
	json_object_set_new(object, "echo", json_string(echo));
	object_add(out, object);
}

void message_ack(struct buf *out, const char *path, const char *nonce)
{
	json_t *object = inward("ack", path);

	json_object_set_new(object, "nonce", json_string(nonce));
	object_add(out, object);
}

void message_exec(struct buf *out, const char *path, unsigned id, char *const *argv)
{
	json_t *object = inward("exec", path);
	json_t *array = json_array();

	for (; *argv; argv++)
		json_array_append_new(array, json_string(*argv));
	json_object_set_new(object, "id", json_integer(id));
	json_object_set_new(object, "argv", array);
	object_add(out, object);
}

void message_input(struct buf *out, const char *path, const void *data, size_t length)
{
	json_t *object = inward("input", path);
	CLEANUP(free_cleanup) char *text = base64_encode(data, length);

	json_object_set_new(object, "data", json_string(text));
	object_add(out, object);
}

void message_down(struct buf *out, const char *path, unsigned seconds)
{
	json_t *object = inward("down", path);

	json_object_set_new(object, "seconds", json_integer(seconds));
	object_add(out, object);
}
