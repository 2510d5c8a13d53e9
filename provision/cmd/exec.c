#include "cmd/exec.h"

#include <errno.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "run/client.h"
#include "run/folder.h"

/* Streams until the command ends; its status, or a negative errno. */
static int output_follow(struct client_link *link, const char *layer, struct err *err)
{
	for (;;) {
		struct message message;
		int r = client_next(link, &message, err);

		if (r < 0)
			return err_wrap(err, r, "%s", layer);
		if (message.kind == MESSAGE_OUT)
			r = fd_write_all(message.fd == 2 ? STDERR_FILENO : STDOUT_FILENO,
					 message.data, message.data_length);
		bool ended = message.kind == MESSAGE_EXIT;
		int status = (int)(message.status & 255);
		if (ended && *message.text)
			log_warn("%s: %s", layer, message.text);
		message_done(&message);
		if (r < 0)
			return err_errno(err, -r, "standard output");
		if (ended)
			return status;
	}
}

static int exec_run(const struct arguments *arguments, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = NULL;
	CLEANUP(client_cleanup) struct client_link *link = NULL;
	const char *layer = arguments->rest[1];
	int r = folder_find(arguments->rest[0], argument(arguments, "out"), &folder, NULL, err);

	if (r == 0)
		r = client_open(folder, &link, err);
	if (r == 0)
		r = client_ask_exec(link, layer, arguments->rest + 2, err);
	return r < 0 ? r : output_follow(link, layer, err);
}

static const struct option_row exec_options[] = {
	OPTION_OUT,
	{ 0 },
};

const struct command exec_command = {
	.name = "exec",
	.synopsis = "STACK LAYER [--out DIR] -- COMMAND [ARGUMENT...]",
	.summary = "Runs a command in a level of a running stack, as root; returns its status",
	.options = exec_options,
	.min_rest = 3,
	.max_rest = -1,
	.run = exec_run,
};
