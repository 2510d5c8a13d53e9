#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "run/folder.h"
#include "run/supervisor.h"

#define DOWN_SECONDS	  30
#define SUPERVISOR_END_MS 30000 /* for a stack that is up to power itself down */

/* --- a run that outlives this process -------------------------------------------------------- */

static void line_send(int fd, const char *text)
{
	fd_write_all(fd, text, strlen(text));
	fd_write_all(fd, "\n", 1);
}

struct handover {
	int starter; /* socket to the process that prints the verdict */
	const struct run_folder *folder;
};

/* In the supervisor: the verdict goes to the starter, then the terminal is let go. */
static void verdict_hand_over(void *context, const struct matrix *matrix)
{
	struct handover *handover = context;
	CLEANUP(free_cleanup) char *text = matrix_json_text(matrix, false);
	CLEANUP(free_cleanup) char *path = path_join(handover->folder->logs, "supervisor.log");
	CLEANUP(fd_cleanup) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CLEANUP(fd_cleanup)
	int log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);

	if (null >= 0)
		dup2(null, STDIN_FILENO);
	if (log >= 0 || null >= 0) {
		dup2(log >= 0 ? log : null, STDOUT_FILENO);
		dup2(log >= 0 ? log : null, STDERR_FILENO);
	}
	line_send(handover->starter, text);
	shutdown(handover->starter, SHUT_WR);
}

/* The child: a session of its own, so that the terminal's signals reach the starter alone. */
__attribute__((noreturn)) static void supervisor_process(const struct supervision *plan,
							 struct run_folder *folder, int starter)
{
	struct handover handover = { starter, folder };
	const int keep[] = { folder->lock, starter };
	struct supervision own = *plan;
	struct matrix *matrix = NULL;
	struct err err = { 0 };

	setsid();
	/* What our starter has open (locks of its store) must not stay held as long as the stack
	 * runs. */
	spawn_close_others(keep, 2);
	own.follower = starter;
	own.on_verdict = verdict_hand_over;
	own.context = &handover;
	if (supervise(&own, &matrix, &err) < 0) {
		CLEANUP(free_cleanup)
		char *text = str_format("!%d %s", err.code, err.text ? err.text : "failed");
		run_folder_close(folder);
		line_send(starter, text);
		_exit(1);
	}
	matrix_free(matrix);
	run_folder_close(folder);
	_exit(0);
}

static int answer_read(const struct buf *answer, struct matrix **ret_matrix, struct err *err)
{
	const char *text = buf_str(answer);
	char *end = NULL;

	if (text[0] == '{')
		return matrix_from_json(text, ret_matrix, err);
	if (text[0] != '!')
		return err_set(err, -ECHILD, "the supervisor ended without a word");
	int code = (int)strtol(text + 1, &end, 10);
	size_t length = strlen(end + 1);

	if (length && end[length] == '\n') /* line_send's */
		length--;
	return err_set(err, code < 0 ? code : -ECHILD, "%.*s", (int)length, end + 1);
}

static int run_detached(const struct supervision *plan, struct run_folder *folder,
			struct matrix **ret_matrix, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, errno, "a socket pair cannot be made");
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		supervisor_process(plan, folder, pair[1]);
	}
	close(pair[1]);
	CLEANUP(fd_cleanup) int answer_fd = pair[0];
	if (pid < 0)
		return err_errno(err, errno, "the supervisor cannot be started");

	struct buf answer = { 0 };
	while (spawn_listen(answer_fd, &answer) == -EINTR)
		kill(pid, SIGTERM);
	int r = answer_read(&answer, ret_matrix, err);
	buf_done(&answer);
	if (r < 0) /* it has ended, or it must: nobody knows of it */
		spawn_end(pid, SUPERVISOR_END_MS);
	return r;
}

/* --------------------------------------------------------------------------------------------- */

/* Fills in what the driver finds of this machine. */
static int l0_look(const struct stack *stack, const struct run_options *options,
		   struct supervision *plan, char **ret_why, struct err *err)
{
	const struct l0_driver *driver = plan->driver;
	int r = driver->probe(options->accel ? options->accel : "auto", &plan->kvm, ret_why, err);

	if (r == 0)
		r = driver->network(options->bridge, &plan->network, err);
	if (r == 0 && driver->check)
		r = driver->check(stack->layers[0], err);
	return r;
}

int run_check(const struct stack *stack, const struct run_options *options, struct err *err)
{
	struct supervision plan = { .driver = options->driver ? options->driver
							      : l0_driver_default() };
	CLEANUP(free_cleanup) char *why = NULL;

	return l0_look(stack, options, &plan, &why, err);
}

static int run_in(struct run_folder *folder, const struct stack *stack,
		  const struct run_options *options, struct matrix **ret_matrix, struct err *err)
{
	struct supervision plan = {
		.stack = stack,
		.folder = folder,
		.driver = options->driver ? options->driver : l0_driver_default(),
		.serve = options->keep_running,
		.deadline_seconds = options->deadline_seconds,
		.down_seconds = options->down_seconds ? options->down_seconds : DOWN_SECONDS,
		.follower = -1,
	};
	CLEANUP(free_cleanup) char *why = NULL;
	int r = l0_look(stack, options, &plan, &why, err);

	if (r < 0)
		return r;
	if (plan.driver->is_xen)
		log_info("L0: %s (%s), bridge %s", plan.driver->name, why, plan.network.bridge);
	else
		log_info("L0: %s with %s (%s)", plan.driver->name, plan.kvm ? "KVM" : "TCG", why);
	const char *format = plan.driver->disk_format ? plan.driver->disk_format() : "qcow2";
	r = run_folder_overlay(folder, format, options->keep_running, options->fresh, &plan.overlay,
			       err);
	if (r < 0)
		return r;
	folder_link_stack(folder->path, stack);
	return options->keep_running ? run_detached(&plan, folder, ret_matrix, err)
				     : supervise(&plan, ret_matrix, err);
}

int run_stack(const struct stack *stack, const struct run_options *options,
	      struct matrix **ret_matrix, struct err *err)
{
	struct run_folder folder = RUN_FOLDER_INIT;

	spawn_stop_fd();
	int r = run_folder_open(options->folder, &folder, err);
	if (r < 0)
		return r;
	r = run_in(&folder, stack, options, ret_matrix, err);
	/* A supervisor that goes on owns the folder now; closing our descriptor keeps its lock. */
	if (options->keep_running && r == 0)
		run_folder_drop(&folder);
	else
		run_folder_close(&folder);
	return r;
}
