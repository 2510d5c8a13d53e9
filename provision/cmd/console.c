#include "cmd/console.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "run/client.h"
#include "run/folder.h"

#define LEAVE_BYTE '\x1d' /* ^] */

/* The terminal as it was, to be put back at the end of the scope. */
struct terminal {
	bool raw;
	struct termios before;
};

static void terminal_restore(struct terminal *terminal)
{
	if (terminal->raw)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal->before);
	terminal->raw = false;
}

static void terminal_make_raw(struct terminal *terminal)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &terminal->before) < 0)
		return;
	raw = terminal->before;
	cfmakeraw(&raw);
	terminal->raw = tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) == 0;
}

/* 1: the person leaves or the input ended; 0: go on. */
static int input_pass(struct client_link *link, struct err *err)
{
	char keys[1024];
	ssize_t got = read(STDIN_FILENO, keys, sizeof keys);

	if (got < 0 && errno == EINTR)
		return 0;
	if (got <= 0)
		return 1;
	const char *leave = memchr(keys, LEAVE_BYTE, (size_t)got);
	size_t length = leave ? (size_t)(leave - keys) : (size_t)got;
	int r = length ? client_send_input(link, keys, length, err) : 0;
	if (r < 0)
		return r;
	return leave ? 1 : 0;
}

static int output_pass(struct client_link *link, struct err *err)
{
	do {
		struct message message;
		int r = client_next(link, &message, err);

		if (r < 0)
			return r;
		if (message.kind == MESSAGE_CONSOLE)
			r = fd_write_all(STDOUT_FILENO, message.data, message.data_length);
		message_done(&message);
		if (r < 0)
			return err_errno(err, -r, "standard output");
	} while (client_has_next(link));
	return 0;
}

static int console_follow(struct client_link *link, struct err *err)
{
	int r = 0;

	while (r == 0) {
		struct pollfd fds[] = {
			{ .fd = client_fd(link), .events = POLLIN },
			{ .fd = STDIN_FILENO, .events = POLLIN },
			{ .fd = spawn_stop_fd(), .events = POLLIN },
		};

		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			return err_errno(err, errno, "the console cannot be watched");
		if (fds[2].revents && spawn_stop_signal())
			return 0;
		if (fds[0].revents)
			r = output_pass(link, err);
		if (r == 0 && fds[1].revents)
			r = input_pass(link, err);
	}
	return r > 0 || r == -EPIPE ? 0 : r;
}

static int console_run(const struct arguments *arguments, struct err *err)
{
	CLEANUP(free_cleanup) char *folder = NULL;
	CLEANUP(client_cleanup) struct client_link *link = NULL;
	CLEANUP(terminal_restore) struct terminal terminal = { .raw = false };
	const char *layer = arguments->rest[1];
	int r = folder_find(arguments->rest[0], argument(arguments, "out"), &folder, NULL, err);

	if (r == 0)
		r = client_open(folder, &link, err);
	if (r == 0)
		r = client_ask_console(link, layer, err);
	if (r < 0)
		return r;
	spawn_stop_fd();
	if (isatty(STDIN_FILENO)) {
		log_info("The console of %s; ^] leaves it.", layer);
		terminal_make_raw(&terminal);
	}
	r = console_follow(link, err);
	terminal_restore(&terminal);
	if (r == 0 && isatty(STDOUT_FILENO))
		fd_write_all(STDOUT_FILENO, "\n", 1);
	return r;
}

static const struct option_row console_options[] = {
	OPTION_OUT,
	{ 0 },
};

const struct command console_command = {
	.name = "console",
	.synopsis = "STACK LAYER [--out DIR]",
	.summary = "Connects the terminal to the console of a level; ^] leaves it",
	.options = console_options,
	.min_rest = 2,
	.max_rest = 2,
	.run = console_run,
};
