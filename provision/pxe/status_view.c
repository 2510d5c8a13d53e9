#include "pxe/status_view.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/url_text.h"
#include "fetch/url.h"

#define ANSWER_MAX_BYTES (64u << 20)
#define WATCH_MS	 1000
#define AWAY_SECONDS	 120.0 /* a server that is started again is waited for */
#define COLUMNS		 6
#define GAP		 2
#define CLEAR_SCREEN	 "\033[H\033[J"

/* ---- one machine ---- */

static char *or_dash(const char *text)
{
	return str_copy(*text ? text : "-");
}

/* "45% of 4096 MiB", "12 MiB", "-" */
static char *progress_text(const json_t *machine)
{
	uint64_t done = json_member_number(machine, "done"),
		 total = json_member_number(machine, "total");

	if (total > 0)
		return str_format("%.0f%% of %" PRIu64 " MiB",
				  (double)(done < total ? done : total) * 100 / (double)total,
				  total >> 20);
	return done > 0 ? str_format("%" PRIu64 " MiB", done >> 20) : str_copy("-");
}

static char *levels_text(const json_t *machine)
{
	const json_t *levels = json_object_get(machine, "levels");
	const json_t *level;
	size_t i, proven = 0;

	json_array_foreach((json_t *)levels, i, level) proven +=
		json_is_true(json_object_get(level, "proven"));
	return json_array_size(levels) > 0
		       ? str_format("%zu of %zu", proven, json_array_size(levels))
		       : str_copy("-");
}

/* What went wrong, else what it does. */
static char *note_text(const json_t *machine)
{
	const char *error = json_member_text(machine, "error");
	const char *stage = json_member_text(machine, "stage");

	if (*error)
		return str_format("error: %s", error);
	return str_copy(str_equal(stage, "installing") ? json_member_text(machine, "text") : "");
}

static void machine_cells(const json_t *machine, char *cells[COLUMNS])
{
	cells[0] = str_copy(json_member_text(machine, "name"));
	cells[1] = str_copy(json_member_text(machine, "stage"));
	cells[2] = progress_text(machine);
	cells[3] = or_dash(json_member_text(machine, "address"));
	cells[4] = levels_text(machine);
	cells[5] = note_text(machine);
}

static void stranger_cells(const json_t *stranger, char *cells[COLUMNS])
{
	const char *mac = json_member_text(stranger, "mac");

	cells[0] = str_copy(*mac ? mac : json_member_text(stranger, "uuid"));
	cells[1] = str_copy("stranger");
	cells[2] = str_copy("-");
	cells[3] = or_dash(json_member_text(stranger, "address"));
	cells[4] = str_copy("-");
	cells[5] = str_copy("is not on the list: boots its local disk");
}

/* ---- the table ---- */

static const char *const headings[COLUMNS] = { "machine", "stage",  "progress",
					       "address", "levels", "" };

/* The last column is cut where the line would be wider than columns. */
static void line_print(FILE *out, const size_t widths[COLUMNS], const char *const cells[COLUMNS],
		       size_t columns)
{
	size_t used = 0;
	const char *note = cells[COLUMNS - 1];

	for (size_t i = 0; i < COLUMNS - 1; i++) {
		bool last = i == COLUMNS - 2 && !*note;

		fprintf(out, "%-*s", last ? 0 : (int)(widths[i] + GAP), cells[i]);
		used += widths[i] + GAP;
	}
	size_t room = columns == 0 ? strlen(note) : columns > used ? columns - used : 0;
	fprintf(out, "%.*s\n", (int)str_cut(note, room), note);
}

static void rows_print(char *(*rows)[COLUMNS], size_t count, size_t columns, FILE *out)
{
	size_t widths[COLUMNS];

	for (size_t i = 0; i < COLUMNS; i++)
		widths[i] = strlen(headings[i]);
	for (size_t row = 0; row < count; row++) {
		for (size_t i = 0; i < COLUMNS; i++) {
			str_tame(rows[row][i]);
			if (strlen(rows[row][i]) > widths[i])
				widths[i] = strlen(rows[row][i]);
		}
	}
	line_print(out, widths, headings, columns);
	for (size_t row = 0; row < count; row++)
		line_print(out, widths, (const char *const *)rows[row], columns);
}

void pxe_status_print(const json_t *lab, size_t columns, FILE *out)
{
	const json_t *machines = json_object_get(lab, "machines");
	const json_t *strangers = json_object_get(lab, "strangers");
	size_t count = json_array_size(machines) + json_array_size(strangers);
	char *(*rows)[COLUMNS] = mem_alloc(sizeof *rows * (count + 1));
	const json_t *item;
	size_t i, row = 0;

	json_array_foreach((json_t *)machines, i, item)
	{
		machine_cells(item, rows[row++]);
	}
	json_array_foreach((json_t *)strangers, i, item)
	{
		stranger_cells(item, rows[row++]);
	}
	rows_print(rows, count, columns, out);
	for (row = 0; row < count; row++)
		for (i = 0; i < COLUMNS; i++)
			free(rows[row][i]);
	free(rows);
}

bool pxe_status_proven(const json_t *lab)
{
	return json_is_true(json_object_get(lab, "proven"));
}

/* ---- the server ---- */

static int api_url(const struct pxe_status_options *options, char **ret_url, struct err *err)
{
	if (options->url)
		return fetch_url_below(options->url, "api/lab", ret_url, err);
	const char *address = options->lab->status_address;

	*ret_url = str_format("http://%s:%u/api/lab",
			      str_equal(address, "0.0.0.0") ? "127.0.0.1" : address,
			      options->lab->ports.status);
	return 0;
}

static int lab_fetch(const char *url, char **ret_text, json_t **ret_lab, struct err *err)
{
	CLEANUP(free_cleanup) char *text = NULL;
	size_t length;
	int r = fetch_url(url, ANSWER_MAX_BYTES, &text, &length, err);

	if (r == -ENOENT)
		return err_wrap(err, -EBADMSG, "asking how the lab is (is this its status port?)");
	if (r < 0)
		return err_wrap(err, r, "asking how the lab is (nestctl pxe serve runs it)");
	json_t *lab = json_loadb(text, length, 0, NULL);
	if (!json_is_array(json_object_get(lab, "machines"))) {
		CLEANUP(free_cleanup) char *shown = url_shown(url);

		json_decref(lab);
		return err_set(err, -EBADMSG,
			       "%s: is not how a lab answers: is this its status port?", shown);
	}
	*ret_text = take(&text);
	*ret_lab = lab;
	return 0;
}

static size_t columns_of(FILE *out)
{
	struct winsize size;

	return ioctl(fileno(out), TIOCGWINSZ, &size) < 0 ? 0 : size.ws_col;
}

static int shown_once(const struct pxe_status_options *options, const char *url, struct err *err)
{
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(json_cleanup) json_t *lab = NULL;
	bool clear = options->watch && !options->json && isatty(STDOUT_FILENO);
	int r = lab_fetch(url, &text, &lab, err);

	if (r < 0)
		return r;
	if (clear)
		fputs(CLEAR_SCREEN, stdout);
	if (options->json)
		puts(text);
	else
		pxe_status_print(lab, columns_of(stdout), stdout);
	if (options->watch && !options->json && !clear)
		putchar('\n');
	fflush(stdout);
	return pxe_status_proven(lab) ? 0 : 1;
}

int pxe_status(const struct pxe_status_options *options, struct err *err)
{
	CLEANUP(free_cleanup) char *url = NULL;
	double heard = clock_seconds();
	int r = api_url(options, &url, err);

	if (r < 0)
		return r;
	setenv("no_proxy", "*", 1); /* the server is near: what proxies there are do not know it */
	for (;;) {
		r = shown_once(options, url, err);
		if (r >= 0)
			heard = clock_seconds();
		if (!options->watch || r == 0 || r == -EBADMSG ||
		    clock_seconds() - heard > AWAY_SECONDS)
			return r;
		if (r < 0) {
			log_debug("%s", err && err->text ? err->text : url);
			err_clear(err);
		}
		struct pollfd stop = { .fd = spawn_stop_fd(), .events = POLLIN };
		if (r != -EINTR)
			poll(&stop, 1, WATCH_MS);
		if (spawn_stop_signal())
			return 1;
	}
}
