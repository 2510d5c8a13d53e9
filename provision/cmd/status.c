#include "cmd/status.h"

#include <errno.h>
#include <stdio.h>

#include "run/client.h"
#include "run/folder.h"
#include "verify/matrix.h"

static int not_running(const char *folder, bool json)
{
	if (json)
		puts("{\"running\": false}");
	else
		printf("%s: is not running\n", folder);
	return 1;
}

static int status_print(const struct message *message, bool json, struct err *err)
{
	CLEANUP(matrix_cleanup) struct matrix *matrix = NULL;

	int r = matrix_from_json(message->json, &matrix, err);
	if (r < 0)
		return r;
	if (json) {
		CLEANUP(free_cleanup) char *text = matrix_json_text(matrix, true);

		printf("{\n  \"running\": true,%s\n", text + 1);
	} else {
		matrix_print(matrix, stdout);
	}
	return matrix_all_proven(matrix) ? 0 : 1;
}

static int status_run(const struct arguments *arguments, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = NULL;
	CLEANUP(client_cleanup) struct client_link *link = NULL;
	bool json = argument_given(arguments, "json");
	struct message message;
	int r = folder_find(arguments->rest[0], argument(arguments, "out"), &folder, NULL, err);

	if (r < 0)
		return r;
	r = client_open(folder, &link, err);
	if (r == -ENOTCONN) {
		err_clear(err);
		return not_running(folder, json);
	}
	if (r == 0)
		r = client_ask(link, "status", err);
	if (r == 0)
		r = client_next(link, &message, err);
	if (r < 0)
		return err_wrap(err, r, "asking %s", folder);
	r = status_print(&message, json, err);
	message_done(&message);
	return r;
}

static const struct option_row status_options[] = {
	OPTION_OUT,
	{ "json", 0, NULL, "for programs" },
	{ 0 },
};

const struct command status_command = {
	.name = "status",
	.synopsis = "STACK [--out DIR] [--json]",
	.summary = "Shows what each level of a running stack does; status 0 if all are proven",
	.options = status_options,
	.min_rest = 1,
	.max_rest = 1,
	.run = status_run,
};
