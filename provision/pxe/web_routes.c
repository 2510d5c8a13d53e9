#include "pxe/web_routes.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "pxe/web_text.h"

#define PLAIN "text/plain; charset=utf-8"
#define JSON  "application/json"
#define BYTES "application/octet-stream"

#define SERVER_FAILED "the server cannot do that now; its log says why"

/* Whoever tries tokens gets a few a second from each of its connections. */
#define REFUSAL_TOLD_SECONDS 10.0
#define REFUSAL_MS	     300
#define MAC_DIGITS	     12
#define UUID_DIGITS	     32

bool web_method_check(const struct http_request *request, const char *allowed,
		      struct http_answer *answer)
{
	static const char *const names[] = { "GET", "HEAD", "POST" };

	if (strstr(allowed, names[request->method]))
		return true;
	http_answer_line(answer, 405, "not with this method");
	answer->allow = allowed;
	return false;
}

void web_answer_err(struct http_answer *answer, const struct err *err, const char *what)
{
	switch (err->code) {
	case -ENOENT:
	case -ENOTDIR:
	case -EISDIR:
	case -ELOOP:
	case -ENAMETOOLONG:
		http_answer_line(answer, 404, "there is no such file");
		break;
	case -EACCES:
		http_answer_line(answer, 403, "refused");
		break;
	case -EINVAL:
		http_answer_line(answer, 400, "not understood");
		break;
	default:
		log_warn("%s: %s", what, err->text ? err->text : "failed");
		http_answer_line(answer, 500, SERVER_FAILED);
	}
}

static void not_found(struct http_answer *answer)
{
	http_answer_line(answer, 404, "there is no such file");
}

/* ---- the boot port ---- */

static void boot_answer(const struct web_site *site, const struct http_request *request, bool grub,
			struct http_answer *answer)
{
	char mac[32], uuid[64], arch[32], platform[32];
	struct boot_client client = { .mac = mac, .uuid = uuid, .address = request->client };
	char *text = NULL;
	struct err err = { 0 };

	web_query_value(request->query, "mac", mac, sizeof mac);
	web_query_value(request->query, "uuid", uuid, sizeof uuid);
	web_query_value(request->query, "arch", arch, sizeof arch);
	web_query_value(request->query, "platform", platform, sizeof platform);
	web_identity_check(mac, MAC_DIGITS);
	web_identity_check(uuid, UUID_DIGITS);
	client.firmware = web_firmware(*platform ? platform : arch);
	if (!mac[0] && !uuid[0]) {
		http_answer_line(answer, 400, "say who boots: ?mac=...&uuid=...&arch=...");
		return;
	}
	int r = site->request.source->boot(site->request.source->context, &client, grub, &text,
					   &err);
	if (r < 0) {
		log_warn("%s (%s): no boot text can be made: %s", *mac ? mac : uuid,
			 request->client, err.text ? err.text : "failed");
		http_answer_line(answer, 500, SERVER_FAILED);
	} else {
		http_answer_text(answer, PLAIN, text);
	}
	answer->no_store = true;
	err_clear(&err);
}

static bool is_public(const char *path)
{
	return str_starts(path, "boot/") || str_starts(path, "netboot/") ||
	       str_starts(path, "media/");
}

void web_boot_port(void *context, const struct http_request *request, struct http_answer *answer)
{
	const struct web_site *site = context;
	bool ipxe = str_equal(request->path, "boot/ipxe");
	bool grub = str_equal(request->path, "boot/grub");
	struct err err = { 0 };

	if (!is_public(request->path)) {
		not_found(answer);
		return;
	}
	/* A script is made for one boot: looking at its header would spend its token. */
	if (!web_method_check(request, ipxe || grub ? "GET" : "GET, HEAD", answer))
		return;
	if (ipxe || grub) {
		boot_answer(site, request, grub, answer);
		return;
	}
	int fd = site->request.source->file(site->request.source->context, request->path, &err);
	if (fd < 0) {
		web_answer_err(answer, &err, request->path);
	} else {
		answer->fd = fd;
		answer->type = BYTES;
	}
	err_clear(&err);
}

/* ---- behind a token ---- */

struct visit { /* of a machine that showed its token */
	struct web_site *site;
	const struct http_request *request;
	struct http_answer *answer;
	const struct lab_machine *machine;
	const char *token;
};

/* What was done is answered with "ok", unless there is more to say. */
static void visit_end(struct visit *visit, int r, struct err *err)
{
	if (r < 0)
		web_answer_err(visit->answer, err, visit->machine->name);
	else if (!visit->answer->text && visit->answer->fd < 0)
		http_answer_line(visit->answer, 200, "ok");
	err_clear(err);
}

static int ticket_get(struct visit *visit, struct err *err)
{
	const struct web_source *source = visit->site->request.source;
	char *json = NULL;
	int r = source->ticket(source->context, visit->machine, &json, err);

	if (r == 0)
		http_answer_text(visit->answer, JSON, json);
	return r;
}

static int image_get(struct visit *visit, struct err *err)
{
	const struct web_source *source = visit->site->request.source;
	struct http_answer *answer = visit->answer;
	int fd = source->image(source->context, visit->machine, answer->etag, err);

	if (fd < 0)
		return fd;
	answer->fd = fd;
	answer->type = BYTES;
	return 0;
}

static int body_json(const struct http_request *request, json_t **ret_json, struct err *err)
{
	json_t *json =
		json_loadb(request->body, request->body_length, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(json)) {
		json_decref(json);
		return err_set(err, -EINVAL, "the body is no JSON object");
	}
	*ret_json = json;
	return 0;
}

static int progress_post(struct visit *visit, struct err *err)
{
	CLEANUP(json_cleanup) json_t *json = NULL;
	int r = body_json(visit->request, &json, err);

	if (r < 0)
		return r;
	return ledger_progress(visit->site->request.ledger, visit->machine,
			       json_member_number(json, "done"), json_member_number(json, "total"),
			       json_member_text(json, "text"), err);
}

static int console_post(struct visit *visit, struct err *err)
{
	(void)err;
	ledger_console(visit->site->request.ledger, visit->machine, visit->request->body,
		       visit->request->body_length);
	return 0;
}

static int installed_post(struct visit *visit, struct err *err)
{
	return ledger_installed(visit->site->request.ledger, visit->machine, err);
}

static int failed_post(struct visit *visit, struct err *err)
{
	CLEANUP(json_cleanup) json_t *json = NULL;
	int r = body_json(visit->request, &json, err);

	if (r < 0)
		return r;
	return ledger_failed(visit->site->request.ledger, visit->machine,
			     json_member_text(json, "why"), err);
}

/* Each ticket and each answer file has an agent token of its own, which takes an older one's place:
 * looking at its header would spend it. */
static const struct {
	const char *name, *methods;
	int (*run)(struct visit *visit, struct err *err);
} secure_routes[] = {
	{ "ticket", "GET", ticket_get },	 { "image", "GET, HEAD", image_get },
	{ "progress", "POST", progress_post },	 { "console", "POST", console_post },
	{ "installed", "POST", installed_post }, { "failed", "POST", failed_post },
};

/* A line now and then: who tries many tokens must not fill the log. */
static void refusal_tell(struct web_refusals *refusals, const char *client)
{
	unsigned before = 0;

	pthread_mutex_lock(&refusals->lock);
	bool tell = clock_seconds() >= refusals->next;
	if (tell) {
		refusals->next = clock_seconds() + REFUSAL_TOLD_SECONDS;
		before = refusals->untold;
		refusals->untold = 0;
	} else {
		refusals->untold++;
	}
	pthread_mutex_unlock(&refusals->lock);
	if (tell && before > 0)
		log_info("%s: refused: its token is not good here (and %u more, from here or "
			 "elsewhere)",
			 client, before);
	else if (tell)
		log_info("%s: refused: its token is not good here", client);
}

/* Nobody's token, another machine's, one that was withdrawn: all the same to the client. */
static void refuse(struct visit *visit)
{
	refusal_tell(&visit->site->refusals, visit->request->client);
	http_answer_line(visit->answer, 403, "refused");
	visit->answer->delay_ms = REFUSAL_MS;
}

/* end: the name of the word that the disk is complete. It opens nothing, and an installer may have
 * another address by then, so it is taken from any. */
static bool token_check(struct visit *visit, const char *end, char token[TOKEN_LENGTH + 1],
			const char **ret_rest)
{
	struct err err = { 0 };

	if (!web_token_split(visit->request->path, token, ret_rest)) {
		refuse(visit);
		return false;
	}
	const char *address = str_equal(*ret_rest, end) ? NULL : visit->request->client;
	int r = ledger_token(visit->site->request.ledger, token, address, &visit->machine, &err);
	if (r == -EACCES)
		refuse(visit);
	else if (r < 0)
		web_answer_err(visit->answer, &err, "a token");
	err_clear(&err);
	visit->token = token;
	return r == 0;
}

void web_secure_port(void *context, const struct http_request *request, struct http_answer *answer)
{
	struct visit visit = { .site = context, .request = request, .answer = answer };
	char token[TOKEN_LENGTH + 1];
	const char *rest;
	struct err err = { 0 };

	if (!token_check(&visit, "installed", token, &rest))
		return;
	for (size_t i = 0; i < sizeof secure_routes / sizeof *secure_routes; i++) {
		if (!str_equal(secure_routes[i].name, rest))
			continue;
		if (!web_method_check(request, secure_routes[i].methods, answer))
			return;
		visit_end(&visit, secure_routes[i].run(&visit, &err), &err);
		return;
	}
	not_found(answer);
}

/* ---- the answers port ---- */

static int answers_get(struct visit *visit, const char *name, struct err *err)
{
	const struct web_source *source = visit->site->request.source;
	CLEANUP(free_cleanup) char *said = str_format("has its answers (%s)", name);
	CLEANUP(free_cleanup) char *text = NULL;
	int r = source->answer(source->context, visit->machine, name, visit->token, &text, err);

	if (r == 0)
		r = ledger_progress(visit->site->request.ledger, visit->machine, 0, 0, said, err);
	if (r == 0)
		http_answer_text(visit->answer, PLAIN, take(&text));
	return r;
}

void web_answers_port(void *context, const struct http_request *request, struct http_answer *answer)
{
	struct visit visit = { .site = context, .request = request, .answer = answer };
	char token[TOKEN_LENGTH + 1];
	const char *rest;
	struct err err = { 0 };

	if (!token_check(&visit, "done", token, &rest))
		return;
	bool done = str_equal(rest, "done");
	if (web_method_check(request, done ? "GET, POST" : "GET", answer))
		visit_end(&visit,
			  done ? installed_post(&visit, &err) : answers_get(&visit, rest, &err),
			  &err);
}
