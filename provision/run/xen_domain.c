#include "run/xen_domain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"

#define CREATE_SECONDS	300
#define DESTROY_SECONDS 60
#define ASK_SECONDS	60
#define WATCH_MS	1500
#define MISSES_MAX	2 /* one can be a xenstore that has no time */

/* The guard's exit status. Those from STATUS_REASON on are Xen's shutdown reasons
 * (xen/include/public/sched.h): 0 poweroff, 1 reboot, 3 crash. */
enum {
	STATUS_GONE = 0,
	STATUS_LEFT = 1,
	STATUS_FAILED = 2,
	STATUS_DESTROYED = 3,
	STATUS_REASON = 32
};

struct xen_domain {
	int id;
	int lifeline; /* the guard holds the other end: when this one closes, it destroys */
};

static int toolstack_run(const struct toolstack *toolstack, const char *verb, const char *argument,
			 unsigned seconds, char **ret_output, struct err *err)
{
	const char *argv[] = { toolstack->program, verb, argument, NULL };
	CLEANUP(free_cleanup) char *purpose = str_format("%s %s", verb, argument);
	struct spawn_options options = { .argv = argv,
					 .purpose = purpose,
					 .timeout_seconds = seconds };

	return spawn_run(&options, ret_output, err);
}

/* Its number; -ESRCH: there is none of that name. */
static int domain_find(const struct toolstack *toolstack, const char *name)
{
	CLEANUP(err_clear) struct err err = { 0 };
	CLEANUP(free_cleanup) char *text = NULL;
	int r = toolstack_run(toolstack, "domid", name, ASK_SECONDS, &text, &err);
	char *end = NULL;

	if (r < 0)
		return r == -ECHILD ? -ESRCH : r;
	long id = strtol(text, &end, 10);
	return end > text && id > 0 ? (int)id : -ESRCH;
}

int xen_domain_check(const struct toolstack *toolstack, const char *name, struct err *err)
{
	if (domain_find(toolstack, name) < 0)
		return 0;
	return err_set(
		err, -EEXIST,
		"a domain %s runs on this Xen host already: it is left alone (%s destroy %s, "
		"or another name for the layer)",
		name, toolstack->program, name);
}

/* ---- the guard ---- */

struct guard {
	const struct xen_domain_request *request;
	int id;
	int lifeline, report;
};

static void guard_report(const struct guard *guard, const char *text)
{
	fd_write_all(guard->report, text, strlen(text));
}

/* By number: a name could be another domain's by now. */
static int guard_destroy(const struct guard *guard)
{
	CLEANUP(free_cleanup) char *number = str_format("%d", guard->id);
	const struct toolstack *toolstack = guard->request->toolstack;

	toolstack_run(toolstack, "destroy", number, DESTROY_SECONDS, NULL, NULL);
	return domain_find(toolstack, guard->request->name) == guard->id ? STATUS_LEFT
									 : STATUS_DESTROYED;
}

static int guard_reason(const struct guard *guard)
{
	int reason = guard->request->toolstack->reason(guard->request->name, guard->id);

	return reason >= 0 ? STATUS_REASON + reason : STATUS_GONE;
}

static int guard_watch(const struct guard *guard)
{
	const struct xen_domain_request *request = guard->request;
	unsigned misses = 0;

	while (misses < MISSES_MAX) {
		struct pollfd lifeline = { .fd = guard->lifeline, .events = POLLIN };

		if (poll(&lifeline, 1, WATCH_MS) > 0)
			return guard_destroy(guard);
		int id = domain_find(request->toolstack, request->name);
		if (id == guard->id)
			misses = 0;
		else if (id >= 0 || id == -ESRCH) /* not: it took too long to ask */
			misses++;
	}
	return guard_reason(guard);
}

static int guard_create(struct guard *guard)
{
	const struct xen_domain_request *request = guard->request;
	CLEANUP(err_clear) struct err err = { 0 };
	int r = toolstack_run(request->toolstack, "create", request->config, CREATE_SECONDS, NULL,
			      &err);

	guard->id = domain_find(request->toolstack, request->name);
	if (r == 0 && guard->id < 0)
		r = err_set(&err, -ECHILD, "%s ended at once", request->name);
	if (r == 0) {
		CLEANUP(free_cleanup) char *text = str_format("%d\n", guard->id);

		guard_report(guard, text);
		return 0;
	}
	if (guard->id >= 0) /* the half of it that a create without time left behind */
		guard_destroy(guard);
	CLEANUP(free_cleanup) char *text = str_format("!%d %s", err.code, err.text);
	guard_report(guard, text);
	return r;
}

__attribute__((noreturn)) static void guard_run(struct guard *guard)
{
	const int keep[] = { guard->lifeline, guard->report };

	setsid(); /* the terminal's signals are for our starter */
	spawn_close_others(keep, 2);
	signal(SIGPIPE, SIG_IGN);
	if (guard_create(guard) < 0)
		_exit(STATUS_FAILED);
	close(guard->report);
	_exit(guard_watch(guard));
}

/* ---- its starter ---- */

/* All that the guard says of the start, until it closes its end. */
static int report_wait(int fd, struct buf *report, struct err *err)
{
	if (spawn_listen(fd, report) < 0)
		return err_set(err, -EINTR, "stopped by a signal while the domain was made");
	return 0;
}

static int report_read(const struct buf *report, int *ret_id, struct err *err)
{
	const char *text = buf_str(report);
	char *end = NULL;

	if (text[0] != '!') {
		*ret_id = atoi(text);
		return *ret_id > 0 ? 0 : err_set(err, -ECHILD, "the domain's guard ended");
	}
	int code = (int)strtol(text + 1, &end, 10);
	return err_set(err, code < 0 ? code : -ECHILD, "%s", end + (*end == ' '));
}

static int pipes_make(int lifeline[2], int report[2], struct err *err)
{
	if (pipe2(lifeline, O_CLOEXEC) < 0)
		return err_errno(err, errno, "a pipe cannot be made");
	if (pipe2(report, O_CLOEXEC) == 0)
		return 0;
	int reason = errno;
	close(lifeline[0]);
	close(lifeline[1]);
	return err_errno(err, reason, "a pipe cannot be made");
}

int xen_domain_start(const struct xen_domain_request *request, struct xen_domain **ret_domain,
		     pid_t *ret_pid, struct err *err)
{
	CLEANUP(buf_done) struct buf report = { 0 };
	int lifeline[2], report_pipe[2], id = 0;
	int r = pipes_make(lifeline, report_pipe, err);

	if (r < 0)
		return r;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		struct guard guard = { request, -1, lifeline[0], report_pipe[1] };

		guard_run(&guard);
	}
	close(lifeline[0]);
	close(report_pipe[1]);
	CLEANUP(fd_cleanup) int alive = lifeline[1];
	CLEANUP(fd_cleanup) int answer = report_pipe[0];
	if (pid < 0)
		return err_errno(err, errno, "the domain's guard cannot be started");
	r = report_wait(answer, &report, err);
	if (r == 0)
		r = report_read(&report, &id, err);
	if (r < 0) { /* it undoes what it did, then ends */
		fd_cleanup(&alive);
		alive = -1;
		kill(pid, SIGTERM); /* ends a create that takes its time */
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			continue;
		return r;
	}
	*ret_domain = mem_alloc(sizeof **ret_domain);
	**ret_domain = (struct xen_domain){ id, fd_take(&alive) };
	*ret_pid = pid;
	return 0;
}

int xen_domain_id(const struct xen_domain *domain)
{
	return domain->id;
}

void xen_domain_quit(struct xen_domain *domain)
{
	fd_cleanup(&domain->lifeline);
	domain->lifeline = -1;
}

void xen_domain_free(struct xen_domain *domain)
{
	if (!domain)
		return;
	xen_domain_quit(domain);
	free(domain);
}

enum l0_end xen_domain_end(int wait_status)
{
	static const enum l0_end ends[] = {
		[0] = L0_END_POWER_OFF,
		[1] = L0_END_RESET,
		[3] = L0_END_CRASH,
		[4] = L0_END_WATCHDOG,
	};
	size_t reason = (size_t)(WEXITSTATUS(wait_status) - STATUS_REASON);

	if (!WIFEXITED(wait_status) || reason >= sizeof ends / sizeof *ends)
		return L0_END_UNKNOWN;
	return ends[reason];
}

bool xen_domain_is_left(int wait_status)
{
	return !WIFEXITED(wait_status) || WEXITSTATUS(wait_status) == STATUS_LEFT;
}
