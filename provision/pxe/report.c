#include "pxe/report.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "fetch/server.h"
#include "pxe/patience.h"

#define EVERY_SECONDS	   1.0
#define AGAIN_SECONDS	   15.0 /* after one that did not arrive */
#define REPORT_SECONDS	   3
#define END_SECONDS	   20
#define CONSOLE_BYTES	   4096u
#define INSTALLED_PATIENCE 600.0
#define FAILED_PATIENCE	   60.0

struct report {
	const struct lab_call *call;
	struct fetch_server server;
	double next; /* not before */
	struct buf console;
};

struct report *report_new(const struct lab_call *call, const char *ca_path)
{
	struct report *report = mem_alloc(sizeof *report);

	report->call = call;
	report->server = (struct fetch_server){ "the lab's server", ca_path };
	return report;
}

void report_cleanup(struct report **report)
{
	if (!*report)
		return;
	buf_done(&(*report)->console);
	free(*report);
}

void report_say(struct report *report, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	CLEANUP(free_cleanup) char *line = str_vformat(format, args);
	va_end(args);
	str_tame_lines(line);
	log_info("%s", line);
	if (report->console.length > CONSOLE_BYTES) /* the server has not heard for long */
		report->console.length = 0;
	buf_format(&report->console, "%s\n", line);
}

static int post(struct report *report, const char *what, const char *type, const char *text,
		unsigned seconds, struct err *err)
{
	CLEANUP(free_cleanup) char *url = lab_call_url(report->call, what);

	return fetch_server_post(&report->server, url, type, text, strlen(text), seconds, err);
}

static int post_json(struct report *report, const char *what, json_t *json, unsigned seconds,
		     struct err *err)
{
	CLEANUP(free_cleanup) char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	return post(report, what, "application/json", text ? text : "{}", seconds, err);
}

static int console_send(struct report *report, unsigned seconds)
{
	int r = 0;

	if (report->console.length > 0)
		r = post(report, "console", "text/plain", buf_str(&report->console), seconds, NULL);
	if (r == 0)
		report->console.length = 0;
	return r;
}

void report_progress(struct report *report, uint64_t done, uint64_t total, const char *text)
{
	if (clock_seconds() < report->next)
		return;
	CLEANUP(json_cleanup)
	json_t *json = json_pack("{s:I, s:I, s:s}", "done", (json_int_t)done, "total",
				 (json_int_t)total, "text", text);
	int r = post_json(report, "progress", json, REPORT_SECONDS, NULL);

	if (r == 0)
		r = console_send(report, REPORT_SECONDS);
	report->next = clock_seconds() + (r == 0 ? EVERY_SECONDS : AGAIN_SECONDS);
}

/* once: it withdraws the token. A refusal after a try whose answer got lost means that it arrived.
 */
static int end_send(struct report *report, const char *what, json_t *json, bool once,
		    double patience_seconds, struct err *err)
{
	struct patience patience = patience_begin(patience_seconds);
	int tries = 0, r;

	console_send(report, END_SECONDS);
	do {
		r = post_json(report, what, json, END_SECONDS, err);
		if (r == -EACCES && once && tries > 0)
			r = 0;
		tries++;
	} while (r == -EAGAIN && patience_wait(&patience));
	if (r == 0 && err)
		err_clear(err);
	return r;
}

int report_installed(struct report *report, struct err *err)
{
	int r = end_send(report, "installed", NULL, true, INSTALLED_PATIENCE, err);

	/* Its answer was lost: the server knows, and takes the token from nobody any more. */
	if (r == -EACCES) {
		err_clear(err);
		return 0;
	}
	return r < 0 ? err_wrap(err, r, "the disk is complete, but telling so failed") : 0;
}

int report_failed(struct report *report, const char *why, struct err *err)
{
	CLEANUP(free_cleanup) char *tame = str_copy(why);

	str_tame_lines(tame);
	CLEANUP(json_cleanup) json_t *json = json_pack("{s:s}", "why", tame);
	return end_send(report, "failed", json, false, FAILED_PATIENCE, err);
}
