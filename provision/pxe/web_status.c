/* The status port: the page, the API, and the one thing that a person can do there. A browser is
 * made to do things by pages from elsewhere: what comes from one of those is refused, and so are
 * names in place of this server's address, which could be led anywhere.
 */
#include <errno.h>
#include <string.h>

#include "base/data.h"
#include "base/json.h"
#include "base/log.h"
#include "pxe/web_routes.h"
#include "pxe/web_text.h"

#define DECISION_PREFIX "api/machines/"
#define DECISION_SUFFIX "/decision"

static const struct {
	const char *path, *file, *type;
} pages[PAGE_FILES] = {
	[PAGE_HTML] = { "", "page.html", "text/html; charset=utf-8" },
	[PAGE_JS] = { "page.js", "page.js", "text/javascript; charset=utf-8" },
	[PAGE_CSS] = { "page.css", "page.css", "text/css; charset=utf-8" },
	[PAGE_ICON] = { "icon.svg", "icon.svg", "image/svg+xml" },
};

int web_pages_load(struct web_site *site, struct err *err)
{
	for (size_t i = 0; i < PAGE_FILES; i++) {
		CLEANUP(free_cleanup) char *name = str_format("templates/pxe/%s", pages[i].file);
		int r = data_read(name, &site->pages[i], NULL, err);

		if (r < 0)
			return r;
	}
	return 0;
}

void web_pages_free(struct web_site *site)
{
	for (size_t i = 0; i < PAGE_FILES; i++)
		free(site->pages[i]);
}

static bool page_answer(const struct web_site *site, const struct http_request *request,
			struct http_answer *answer)
{
	for (size_t i = 0; i < PAGE_FILES; i++) {
		if (!str_equal(pages[i].path, request->path))
			continue;
		if (web_method_check(request, "GET, HEAD", answer))
			http_answer_text(answer, pages[i].type, str_copy(site->pages[i]));
		return true;
	}
	return false;
}

/* The field that only a script of our own page can set without asking us first (Fetch standard,
 * CORS-safelisted request-headers), from a page that is ours, by somebody on this computer. */
static const char *decision_refusal(const struct http_request *request)
{
	const char *origin = http_field(request, "Origin");
	const char *site = http_field(request, "Sec-Fetch-Site");

	if (!http_field(request, "X-Nestctl"))
		return "the header field X-Nestctl is missing";
	if ((origin && !web_origin_is_host(origin, http_field(request, "Host"))) ||
	    (site && !str_equal(site, "same-origin") && !str_equal(site, "none")))
		return "this comes from another page";
	/* Who is behind a proxy on this machine would count as local. */
	if (!request->local_client || http_field(request, "Forwarded") ||
	    http_field(request, "X-Forwarded-For") || http_field(request, "Via"))
		return "decisions are taken from this machine alone "
		       "(ssh -L leads there)";
	return NULL;
}

static int decision_take(const struct web_site *site, const struct http_request *request,
			 const char *machine, struct err *err)
{
	static const char *const names[] = { [DECISION_INSTALL] = "install",
					     [DECISION_LOCAL] = "local",
					     [DECISION_RESCUE] = "rescue" };
	CLEANUP(json_cleanup)
	json_t *json = json_loadb(request->body, request->body_length, 0, NULL);
	const char *wanted = json_string_value(json_object_get(json, "decision"));

	for (size_t i = 0; wanted && i < sizeof names / sizeof *names; i++)
		if (str_equal(names[i], wanted))
			return ledger_decide(site->request.ledger, machine, (enum boot_decision)i,
					     err);
	return err_set(err, -EINVAL, "no decision in the body");
}

/* The machine's name in "api/machines/NAME/decision", else NULL. The caller frees. */
static char *decision_machine(const char *path)
{
	size_t around = strlen(DECISION_PREFIX) + strlen(DECISION_SUFFIX);

	if (!str_starts(path, DECISION_PREFIX) || !str_ends(path, DECISION_SUFFIX) ||
	    strlen(path) <= around)
		return NULL;
	return str_format("%.*s", (int)(strlen(path) - around), path + strlen(DECISION_PREFIX));
}

static void decision_answer(const struct web_site *site, const struct http_request *request,
			    const char *machine, struct http_answer *answer)
{
	const char *refusal = decision_refusal(request);
	struct err err = { 0 };

	if (!web_method_check(request, "POST", answer))
		return;
	if (refusal) {
		http_answer_line(answer, 403, refusal);
		return;
	}
	int r = decision_take(site, request, machine, &err);
	if (r == -ENOTSUP)
		http_answer_line(answer, 409, err.text);
	else if (r < 0)
		web_answer_err(answer, &err, machine);
	else
		http_answer_line(answer, 200, "ok");
	err_clear(&err);
}

void web_status_port(void *context, const struct http_request *request, struct http_answer *answer)
{
	const struct web_site *site = context;
	CLEANUP(free_cleanup) char *machine = decision_machine(request->path);

	if (!web_host_is_address(http_field(request, "Host"))) {
		http_answer_line(answer, 403,
				 "ask for this page by the server's address, not by a name");
		return;
	}
	if (page_answer(site, request, answer))
		return;
	if (machine) {
		decision_answer(site, request, machine, answer);
	} else if (str_equal(request->path, "api/lab")) {
		if (web_method_check(request, "GET, HEAD", answer))
			http_answer_text(answer, "application/json",
					 ledger_json(site->request.ledger));
	} else if (str_equal(request->path, "events")) {
		if (web_method_check(request, "GET", answer))
			web_events_answer(site->events, answer);
	} else {
		http_answer_line(answer, 404, "there is no such page");
	}
}
