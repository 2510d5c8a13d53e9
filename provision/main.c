/* nestctl: finds the verb, reads the global options, prints the error. Nothing else. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "cmd/command.h"

static void usage_print(FILE *out)
{
	fputs("Usage: nestctl [--quiet | --verbose] VERB [OPTIONS]\n"
	      "Turns a description of a nested-virtualization lab into a running, proven stack.\n\n",
	      out);
	for (int i = 0; command_at(i); i++)
		fprintf(out, "  %-12s %s\n", command_at(i)->name, command_at(i)->summary);
	fputs("\nnestctl VERB --help explains a verb; nestctl --version tells the version.\n", out);
}

/* "nestctl plan STACK | head": who reads has enough, which is no error to tell of. The status is
 * that of any program which the signal ends. */
static void end_if_unread(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	if (poll(&out, 1, 0) != 1 || !(out.revents & POLLERR))
		return;
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
}

static int failed(struct err *err)
{
	if (err->code == -EPIPE)
		end_if_unread();
	if (err->text)
		str_tame_lines(err->text);
	fprintf(stderr, "nestctl: %s\n", err->text ? err->text : "failed");
	return err_exit_status(err);
}

/* The status, unless what was printed did not all arrive. */
static int printed(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	end_if_unread();
	fputs("nestctl: standard output cannot be written\n", stderr);
	return 1;
}

static int verb_run(const struct command *command, int argc, char **argv)
{
	struct arguments arguments = { 0 };
	struct err err = { 0 };
	int r, status;

	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (str_equal(argv[i], "--help") || str_equal(argv[i], "-h")) {
			command_print_help(command);
			return printed(0);
		}
	r = arguments_parse(command, argc, argv, &arguments, &err);
	if (r == 0)
		r = command->run(&arguments, &err);
	status = r < 0 ? failed(&err) : printed(r);
	arguments_done(&arguments);
	err_clear(&err);
	return status;
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	int next = 1;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit of the shell is an error of the write */
	if (fd_fill_standard(&err) < 0)
		return failed(&err);
	for (; next < argc && argv[next][0] == '-'; next++) {
		const char *option = argv[next];

		if (str_equal(option, "--quiet") || str_equal(option, "-q")) {
			log_set_level(LOG_QUIET);
		} else if (str_equal(option, "--verbose") || str_equal(option, "-v")) {
			log_set_level(LOG_VERBOSE);
		} else if (str_equal(option, "--version")) {
			puts("nestctl " NESTCTL_VERSION);
			return printed(0);
		} else if (str_equal(option, "--help") || str_equal(option, "-h")) {
			usage_print(stdout);
			return printed(0);
		} else {
			fprintf(stderr,
				"nestctl: %s: no such option before the verb "
				"(--quiet, --verbose, --version, --help)\n",
				option);
			return 2;
		}
	}
	if (next == argc) {
		usage_print(stderr);
		return 2;
	}
	const struct command *command = command_find(argv[next]);
	if (!command) {
		fprintf(stderr, "nestctl: %s: no such verb (nestctl --help lists them)\n",
			argv[next]);
		return 2;
	}
	return verb_run(command, argc - next - 1, argv + next + 1);
}
