#include "cmd/down.h"

#include <errno.h>
#include <poll.h>

#include "base/log.h"
#include "run/client.h"
#include "run/folder.h"

#define DEFAULT_SECONDS	    30
#define UNLOCK_WAIT_SECONDS 10.0

/* The supervisor says that it is done just before it lets go of the folder. */
static int idle_wait(const char *folder, struct err *err)
{
	double until = clock_seconds() + UNLOCK_WAIT_SECONDS;

	while (clock_seconds() < until) {
		if (run_folder_check_idle(folder, NULL) == 0)
			return 0;
		poll(NULL, 0, 20);
	}
	return run_folder_check_idle(folder, err);
}

static int down_run(const struct arguments *arguments, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = NULL;
	CLEANUP(client_cleanup) struct client_link *link = NULL;
	struct message message;
	unsigned seconds = DEFAULT_SECONDS;
	int r = argument_number(arguments, "seconds", 1, 3600, &seconds, err);

	if (r == 0)
		r = folder_find(arguments->rest[0], argument(arguments, "out"), &folder, NULL, err);
	if (r < 0)
		return r;
	r = client_open(folder, &link, err);
	if (r == -ENOTCONN) {
		err_clear(err);
		log_info("%s: is not running", folder);
		return 0;
	}
	if (r == 0)
		r = client_ask_down(link, seconds, err);
	if (r == 0)
		r = client_next(link, &message, err);
	if (r == 0)
		message_done(&message);
	/* A closed connection is an end as well: the folder tells. */
	if (r < 0 && r != -EPIPE)
		return err_wrap(err, r, "powering %s down", folder);
	err_clear(err);
	return idle_wait(folder, err);
}

static const struct option_row down_options[] = {
	OPTION_OUT,
	{ "seconds", 0, "N", "for each level to power itself down (default: 30)" },
	{ 0 },
};

const struct command down_command = {
	.name = "down",
	.synopsis = "STACK [--out DIR] [--seconds N]",
	.summary = "Powers a running stack down, from the inside out",
	.options = down_options,
	.min_rest = 1,
	.max_rest = 1,
	.run = down_run,
};
