/* What comes in here goes into file names, settings and requests later on: whatever is not exactly
 * as documented is refused.
 */
#include "pxe/ticket.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"

#define BASE64URL  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define URL_CHARS  BASE64URL ".:/~%+@=&?,[]"
#define NAME_CHARS BASE64URL "."
#define UUID_CHARS "0123456789abcdefABCDEF-"

#define TEXT_MAX_BYTES 512

static bool is_token(const char *text)
{
	return strlen(text) == TOKEN_LENGTH && strspn(text, BASE64URL) == TOKEN_LENGTH;
}

static bool has_only(const char *text, const char *allowed, size_t max_bytes)
{
	size_t length = strlen(text);

	return length <= max_bytes && strspn(text, allowed) == length;
}

/* ---- the command line ---- */

static int server_set(const char *value, struct lab_call *call, struct err *err)
{
	const char *host = value + strlen("https://");

	if (!str_starts(value, "https://") || !*host || strchr(host, '/') ||
	    !has_only(value, URL_CHARS, TEXT_MAX_BYTES))
		return err_set(err, -EINVAL,
			       "nestctl.server on the kernel's command line is no "
			       "https://ADDRESS:PORT");
	free(call->server);
	call->server = str_copy(value);
	return 0;
}

static int token_set(const char *value, struct lab_call *call, struct err *err)
{
	if (!is_token(value))
		return err_set(err, -EINVAL,
			       "nestctl.token on the kernel's command line is no token");
	memcpy(call->token, value, sizeof call->token);
	return 0;
}

static const struct {
	const char *name;
	int (*set)(const char *value, struct lab_call *call, struct err *err);
} call_words[] = {
	{ "nestctl.server=", server_set },
	{ "nestctl.token=", token_set },
};

#define CALL_WORDS (sizeof call_words / sizeof *call_words)

int lab_call_parse(const char *command_line, struct lab_call *ret_call, struct err *err)
{
	CLEANUP(free_cleanup) char *copy = str_copy(command_line);
	char *rest = NULL;
	int r = 0;

	*ret_call = (struct lab_call){ 0 };
	for (char *word = strtok_r(copy, " \t\n", &rest); r == 0 && word;
	     word = strtok_r(NULL, " \t\n", &rest))
		for (size_t i = 0; r == 0 && i < CALL_WORDS; i++)
			if (str_starts(word, call_words[i].name))
				r = call_words[i].set(word + strlen(call_words[i].name), ret_call,
						      err);
	if (r == 0 && (!ret_call->server || !*ret_call->token))
		r = err_set(err, -EINVAL, "the kernel's command line has no %s",
			    ret_call->server ? "nestctl.token=" : "nestctl.server=");
	return r;
}

void lab_call_done(struct lab_call *call)
{
	free(call->server);
	*call = (struct lab_call){ 0 };
}

char *lab_call_url(const struct lab_call *call, const char *what)
{
	return str_format("%s/%s/%s", call->server, call->token, what);
}

/* ---- the ticket ---- */

static int wrong(const char *key, struct err *err)
{
	return err_set(err, -EBADMSG, "the ticket's \"%s\" is missing or wrong", key);
}

static int text_get(const json_t *object, const char *key, const char *allowed, char **ret_text,
		    struct err *err)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text ||
	    (allowed ? !has_only(text, allowed, TEXT_MAX_BYTES) : strlen(text) > TEXT_MAX_BYTES))
		return wrong(key, err);
	*ret_text = str_copy(text);
	return 0;
}

static int size_get(const json_t *object, const char *key, uint64_t *ret_size, struct err *err)
{
	const json_t *number = json_object_get(object, key);
	json_int_t value = json_integer_value(number);

	if (!json_is_integer(number) || value < 0 || (uint64_t)value > LAB_DISK_MAX)
		return wrong(key, err);
	*ret_size = (uint64_t)value;
	return 0;
}

static int image_get(const json_t *json, struct stream_facts *image, struct err *err)
{
	const json_t *object = json_object_get(json, "image");
	const char *sha256 = json_string_value(json_object_get(object, "sha256"));
	int r = size_get(object, "disk_bytes", &image->disk_bytes, err);

	if (r == 0)
		r = size_get(object, "stream_bytes", &image->stream_bytes, err);
	if (r == 0 && (!sha256 || !hash_is_hex(sha256)))
		return wrong("sha256", err);
	if (r == 0 && (image->disk_bytes % 512 || !image->disk_bytes || !image->stream_bytes))
		r = wrong("image", err);
	if (r == 0)
		memcpy(image->sha256, sha256, sizeof image->sha256);
	return r;
}

static int boot_uuid_get(const json_t *json, char **ret_uuid, struct err *err)
{
	if (json_object_get(json, "boot_uuid"))
		return text_get(json, "boot_uuid", UUID_CHARS, ret_uuid, err);
	*ret_uuid = str_copy("");
	return 0;
}

static int pick_get(const json_t *object, enum lab_disk_pick *ret_pick, struct err *err)
{
	static const struct {
		const char *name;
		enum lab_disk_pick pick;
	} picks[] = {
		{ "only", LAB_DISK_ONLY },
		{ "size", LAB_DISK_SIZE },
		{ "serial", LAB_DISK_SERIAL },
		{ "by-id", LAB_DISK_BY_ID },
	};
	const char *name = json_string_value(json_object_get(object, "pick"));

	for (size_t i = 0; i < sizeof picks / sizeof *picks; i++)
		if (str_equal(name, picks[i].name)) {
			*ret_pick = picks[i].pick;
			return 0;
		}
	return wrong("pick", err);
}

static int disk_get(const json_t *json, struct lab_disk *disk, struct err *err)
{
	const json_t *object = json_object_get(json, "disk");
	const json_t *wipe = json_object_get(object, "wipe");
	int r = pick_get(object, &disk->pick, err);

	if (r == 0)
		r = size_get(object, "min", &disk->min_bytes, err);
	if (r == 0)
		r = size_get(object, "max", &disk->max_bytes, err);
	if (r == 0)
		r = text_get(object, "text", NULL, &disk->text, err);
	if (r == 0 && !json_is_boolean(wipe))
		r = wrong("wipe", err);
	disk->wipe = json_is_true(wipe);
	return r;
}

static int agent_get(const json_t *json, struct ticket *ticket, struct err *err)
{
	const json_t *object = json_object_get(json, "agent");
	const char *token = json_string_value(json_object_get(object, "token"));

	if (!object) {
		ticket->agent_server = str_copy("");
		return 0;
	}
	if (!token || !is_token(token))
		return wrong("token", err);
	memcpy(ticket->agent_token, token, sizeof ticket->agent_token);
	return text_get(object, "server", "0123456789.:", &ticket->agent_server, err);
}

static int mirrors_get(const json_t *json, struct strv *mirrors, struct err *err)
{
	const json_t *list = json_object_get(json, "mirrors"), *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *url = json_string_value(item);

		if (!url || !str_starts(url, "http://") ||
		    !has_only(url, URL_CHARS, TEXT_MAX_BYTES))
			return wrong("mirrors", err);
		strv_add(mirrors, url);
	}
	return 0;
}

int ticket_parse(const char *text, struct ticket *ret_ticket, struct err *err)
{
	json_error_t problem;
	CLEANUP(json_cleanup) json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &problem);

	*ret_ticket = (struct ticket){ 0 };
	if (!json_is_object(json))
		return err_set(err, -EBADMSG, "the ticket is no JSON object");
	int r = text_get(json, "machine", NAME_CHARS, &ret_ticket->machine, err);
	if (r == 0)
		r = text_get(json, "host_name", NAME_CHARS, &ret_ticket->host_name, err);
	if (r == 0)
		r = image_get(json, &ret_ticket->image, err);
	if (r == 0)
		r = boot_uuid_get(json, &ret_ticket->boot_uuid, err);
	if (r == 0)
		r = disk_get(json, &ret_ticket->disk, err);
	if (r == 0)
		r = agent_get(json, ret_ticket, err);
	return r < 0 ? r : mirrors_get(json, &ret_ticket->mirrors, err);
}

void ticket_done(struct ticket *ticket)
{
	free(ticket->machine);
	free(ticket->host_name);
	free(ticket->boot_uuid);
	free(ticket->disk.text);
	free(ticket->agent_server);
	strv_done(&ticket->mirrors);
	*ticket = (struct ticket){ 0 };
}
