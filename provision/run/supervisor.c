#include "run/supervisor.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/spawn.h"
#include "run/control.h"
#include "run/conversation.h"
#include "run/echo.h"
#include "run/levels_report.h"
#include "run/loop.h"
#include "run/view.h"

#define NONCE_BYTES	   16
#define ROUND_MAX_SECONDS  1.0
#define QUIT_SECONDS	   3.0
#define DOWN_SLACK_SECONDS 2.0
#define DESTROY_SECONDS	   20.0 /* for a guest that does not end by itself */
#define END_GRACE_MS	   1000

enum phase { PHASE_PROVING, PHASE_SERVING, PHASE_DESCENDING, PHASE_QUITTING, PHASE_ENDED };

struct supervisor {
	const struct supervision *plan;
	struct levels levels;
	struct l0_machine machine;
	struct echo_server *echo;
	struct control *control;
	struct conversation conversation;
	struct conversation_host talk; /* its host */
	struct view view;
	char nonce[2 * NONCE_BYTES + 1];
	double power_on;
	enum phase phase;
	double phase_until; /* of DESCENDING and QUITTING */
	enum l0_end end;
	struct matrix *matrix; /* the verdict; NULL: none yet */
	int stopped_by;	       /* signal */
	bool follower_gone;
};

static double now_of(const struct supervisor *s)
{
	return clock_seconds() - s->power_on;
}

static const char *phase_name(enum phase phase)
{
	static const char *const names[] = { "proving", "running", "going down", "going down",
					     "ended" };

	return names[phase];
}

/* --- the agent's channel --------------------------------------------------------------------- */

static double host_now(void *context)
{
	return now_of(context);
}

static void host_echo(void *context, const char *path, char ret_hex[ECHO_HEX_LENGTH + 1])
{
	const struct supervisor *s = context;

	echo_expected(s->echo, path, ret_hex);
}

static void host_console(void *context, const struct level *level, const char *data, size_t length)
{
	const struct supervisor *s = context;

	control_console(s->control, level, data, length);
}

static void host_command(void *context, const struct message *message)
{
	const struct supervisor *s = context;

	control_exec_message(s->control, message);
}

static void channel_ready(void *context, int fd, short events)
{
	struct supervisor *s = context;

	(void)events;
	if (!conversation_read(&s->conversation, fd))
		fd_cleanup(&s->machine.channel), s->machine.channel = -1;
}

static void console_ready(void *context, int fd, short events)
{
	struct supervisor *s = context;
	struct level *l1 = &s->levels.items[0];
	char chunk[16384];

	(void)events;
	ssize_t got = read(fd, chunk, sizeof chunk);
	if (got > 0) {
		console_add(&l1->console, chunk, (size_t)got);
		control_console(s->control, l1, chunk, (size_t)got);
	} else if (got == 0 || errno != EAGAIN) {
		fd_cleanup(&s->machine.console), s->machine.console = -1;
	}
}

/* --- the way down ---------------------------------------------------------------------------- */

static void phase_enter(struct supervisor *s, enum phase phase, double seconds)
{
	s->phase = phase;
	s->phase_until = now_of(s) + seconds;
}

/* Without the guests' consent. */
static void quit(struct supervisor *s)
{
	if (s->phase >= PHASE_QUITTING)
		return;
	s->plan->driver->quit(&s->machine);
	phase_enter(s, PHASE_QUITTING, QUIT_SECONDS);
}

/* From the inside out, if there is anyone inside who can hear it. */
static void descend(struct supervisor *s, unsigned seconds)
{
	const struct level *l1 = &s->levels.items[0];
	unsigned depth = 1;
	bool stuck = false;

	if (s->phase >= PHASE_DESCENDING)
		return;
	if (!l1->spoke || s->machine.channel < 0) {
		quit(s);
		return;
	}
	/* One that is stuck takes its time too, until the level around it destroys it. */
	for (size_t i = 0; i < s->levels.count; i++) {
		const struct level *level = &s->levels.items[i];

		if (level->state == LEVEL_WAITING || level->state == LEVEL_NOT_REACHED)
			continue;
		if (level->layer->depth > depth)
			depth = level->layer->depth;
		stuck |= !level->spoke;
	}
	log_info("%7.1f s  powering down from the inside out", now_of(s));
	message_down(&s->conversation.out, l1->path, seconds);
	phase_enter(s, PHASE_DESCENDING,
		    (double)seconds * depth + DOWN_SLACK_SECONDS + (stuck ? DESTROY_SECONDS : 0));
}

/* A verdict on every level is there. */
static void verdict(struct supervisor *s)
{
	double now = now_of(s);

	s->matrix = levels_matrix(&s->levels, now);
	view_clear();
	if (!s->plan->serve) {
		descend(s, s->plan->down_seconds);
		return;
	}
	s->phase = PHASE_SERVING;
	if (s->machine.control) /* from now on a person may want to reboot L1 */
		qmp_command(s->machine.control, "set-action", "{\"reboot\":\"reset\"}",
			    QUIT_SECONDS, NULL, NULL);
	if (s->plan->on_verdict)
		s->plan->on_verdict(s->plan->context, s->matrix);
	s->follower_gone = false;
}

/* Whatever else holds the other end: what does not come now does not come. */
static void drain(struct supervisor *s, const int *fd,
		  void (*ready)(void *context, int fd, short events))
{
	struct pollfd waiting = { .events = POLLIN };

	while (*fd >= 0) {
		waiting.fd = *fd;
		if (poll(&waiting, 1, 0) <= 0)
			return;
		ready(s, *fd, POLLIN);
	}
}

static void machine_ended(void *context, int fd, short events)
{
	struct supervisor *s = context;
	int status = 0;

	(void)fd;
	(void)events;
	if (waitpid(s->machine.pid, &status, WNOHANG) != s->machine.pid)
		return;
	/* What it said last is still in the sockets. */
	drain(s, &s->machine.console, console_ready);
	drain(s, &s->machine.channel, channel_ready);
	s->machine.pid = 0;
	CLEANUP(free_cleanup) char *how = spawn_status_text(status);
	const struct l0_driver *driver = s->plan->driver;
	if (driver->end)
		s->end = driver->end(&s->machine, status);
	const char *reason = l0_end_text(s->end);
	CLEANUP(free_cleanup)
	char *why = str_format("L1's machine ended (%s; %s %s)",
			       reason ? reason : "no reason was given", driver->program, how);
	s->levels.items[0].ended = true;
	if (s->phase == PHASE_PROVING)
		levels_end(&s->levels, why, now_of(s));
	else if (s->phase == PHASE_SERVING)
		log_info("%s", why);
	if (s->phase == PHASE_PROVING && !s->matrix)
		verdict(s);
	s->phase = PHASE_ENDED;
}

static void events_ready(void *context, int fd, short events)
{
	struct supervisor *s = context;

	(void)fd;
	s->end = l0_end_of_events(s->machine.control, s->end);
	if (events & (POLLHUP | POLLERR)) {
		qmp_close(s->machine.control);
		s->machine.control = NULL;
	}
}

static void stop_ready(void *context, int fd, short events)
{
	struct supervisor *s = context;
	int signal_number = spawn_stop_signal();

	(void)fd;
	(void)events;
	if (!signal_number)
		return;
	/* Before the verdict, or a second time: at once. A stack that was handed over gets the time
	 * to write its disks. */
	if (s->phase == PHASE_SERVING) {
		descend(s, s->plan->down_seconds);
		return;
	}
	if (s->phase == PHASE_PROVING)
		s->stopped_by = signal_number;
	quit(s);
}

static void follower_ready(void *context, int fd, short events)
{
	struct supervisor *s = context;
	char byte;

	(void)events;
	if (s->phase != PHASE_PROVING || read(fd, &byte, 1) > 0)
		return;
	s->follower_gone = true;
	s->stopped_by = SIGHUP;
	quit(s);
}

/* --- what control clients ask ---------------------------------------------------------------- */

static char *host_status(void *context)
{
	struct supervisor *s = context;
	CLEANUP(matrix_cleanup) struct matrix *matrix = levels_matrix(&s->levels, now_of(s));
	CLEANUP(free_cleanup) char *text = matrix_json_text(matrix, false);

	/* The matrix's own object with three keys more in front. */
	return str_format("{\"t\":\"status\",\"phase\":\"%s\",\"pid\":%d,%s", phase_name(s->phase),
			  (int)getpid(), text + 1);
}

static char *host_exec(void *context, const struct level *level, unsigned id, char *const *argv)
{
	struct supervisor *s = context;

	if (!level->spoke)
		return str_format("%s: its agent has not spoken (nestctl status)",
				  level->layer->name);
	if (level_is_gone(&s->levels, level))
		return str_format("%s: has ended (nestctl status)", level->layer->name);
	CLEANUP(buf_done) struct buf message = { 0 };
	message_exec(&message, level->path, id, argv);
	if (message.length > FRAME_MAX_BYTES)
		return str_format("the command line takes %zu bytes; a layer's agent takes at most "
				  "%d (put it into a file)",
				  message.length, FRAME_MAX_BYTES);
	buf_add(&s->conversation.out, message.data, message.length);
	return NULL;
}

static void host_input(void *context, const struct level *level, const char *data, size_t length)
{
	struct supervisor *s = context;

	if (level->layer->outer)
		message_input(&s->conversation.out, level->path, data, length);
	else if (s->machine.console >= 0 && write(s->machine.console, data, length) < 0)
		log_debug("L1's console takes no input now");
}

static void host_down(void *context, unsigned seconds)
{
	struct supervisor *s = context;

	if (s->phase == PHASE_PROVING)
		s->stopped_by = SIGTERM;
	descend(s, seconds);
}

static void level_changed(void *context, const struct level *level)
{
	const struct supervisor *s = context;

	if (s->phase == PHASE_PROVING)
		view_change(level);
}

/* --- start, rounds, end ---------------------------------------------------------------------- */

static int state_write(const struct supervisor *s, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(s->plan->folder->run, "state.json");
	CLEANUP(free_cleanup)
	char *text = str_format(
		"{\"pid\":%d,\"machine_pid\":%d,\"nonce\":\"%s\",\"echo_port\":%u}\n",
		(int)getpid(), (int)s->machine.pid, s->nonce, (unsigned)echo_port(s->echo));

	return file_write(path, text, strlen(text), 0600, err);
}

static int services_start(struct supervisor *s, struct err *err)
{
	const struct supervision *plan = s->plan;
	struct control_host host = { s, host_status, host_exec, host_input, host_down };
	enum l0_kind kind = plan->driver->is_xen ? L0_XEN : plan->kvm ? L0_KVM : L0_TCG;

	random_hex(NONCE_BYTES, s->nonce);
	int r = levels_init(&s->levels, plan->stack, s->nonce, kind, plan->folder->logs, err);
	if (r == 0 && !plan->driver->writes_log)
		r = levels_log_outermost(&s->levels, plan->folder->logs, err);
	if (r == 0)
		r = echo_start(plan->network.listen, s->nonce, &s->echo, err);
	if (r < 0)
		return r;
	s->levels.on_change = level_changed;
	s->levels.context = s;
	s->talk = (struct conversation_host){ s, host_now, host_echo, host_console, host_command };
	CLEANUP(free_cleanup)
	char *address = str_format("%s:%u", plan->network.guests, (unsigned)echo_port(s->echo));
	conversation_begin(&s->conversation, &s->levels, &s->talk, address);
	return control_start(plan->folder->lock, &s->levels, &host, &s->control, err);
}

static int machine_start(struct supervisor *s, struct err *err)
{
	struct l0_request request = {
		.layer = s->plan->stack->layers[0],
		.run_folder = s->plan->folder->run,
		.log_folder = s->plan->folder->logs,
		.overlay = s->plan->overlay,
		.bridge = s->plan->network.bridge,
		.kvm = s->plan->kvm,
		.throw_away = !s->plan->serve,
	};

	s->power_on = clock_seconds();
	int r = s->plan->driver->start(&request, &s->machine, err);
	if (r < 0)
		return err_wrap(err, r, "starting %s", request.layer->name);
	levels_power_on(&s->levels, 0);
	return state_write(s, err);
}

static void limits_check(struct supervisor *s, double now)
{
	double deadline = s->plan->deadline_seconds;

	if (s->phase == PHASE_PROVING && deadline > 0 && now >= deadline)
		levels_end(&s->levels, "the time for the whole run was up", now);
	if (s->phase == PHASE_PROVING && levels_decided(&s->levels))
		verdict(s);
	if (s->phase == PHASE_DESCENDING && now >= s->phase_until) {
		log_info("%7.1f s  the stack did not power itself down in time: ended", now);
		quit(s);
	}
	if (s->phase == PHASE_QUITTING && now >= s->phase_until)
		s->phase = PHASE_ENDED;
}

static void round_run(struct supervisor *s)
{
	CLEANUP(loop_done) struct loop loop = { 0 };
	double now = now_of(s);
	double wait = view_interval() < ROUND_MAX_SECONDS ? view_interval() : ROUND_MAX_SECONDS;

	if (s->phase == PHASE_PROVING) {
		wait = levels_tick(&s->levels, now, wait);
		view_draw(&s->view, &s->levels, now);
	}
	if (s->phase == PHASE_DESCENDING)
		log_status("%7.1f s  powering down", now);
	limits_check(s, now);
	if (s->phase == PHASE_ENDED)
		return;
	if (s->machine.channel >= 0)
		conversation_write(&s->conversation, s->machine.channel);
	loop_add(&loop, spawn_stop_fd(), POLLIN, stop_ready, s);
	loop_add(&loop, s->machine.console, POLLIN, console_ready, s);
	loop_add(&loop, s->machine.channel, conversation_events(&s->conversation), channel_ready,
		 s);
	if (s->machine.control)
		loop_add(&loop, qmp_fd(s->machine.control), POLLIN, events_ready, s);
	if (s->phase == PHASE_PROVING)
		loop_add(&loop, s->plan->follower, POLLIN, follower_ready, s);
	echo_poll(s->echo, &loop);
	control_poll(s->control, &loop);
	if (s->machine.pid > 0)
		loop_add(&loop, s->machine.pidfd, POLLIN, machine_ended, s);
	loop_round(&loop, (int)(wait * 1000) + 1);
}

static void supervisor_done(struct supervisor *s)
{
	view_clear();
	s->plan->driver->stop(&s->machine, END_GRACE_MS);
	echo_free(s->echo);
	control_end(s->control);
	conversation_done(&s->conversation);
	levels_done(&s->levels);
	matrix_free(s->matrix);
}

int supervise(const struct supervision *supervision, struct matrix **ret_matrix, struct err *err)
{
	CLEANUP(supervisor_done)
	struct supervisor s = { .plan = supervision, .machine = L0_MACHINE_INIT };

	spawn_stop_fd();
	int r = services_start(&s, err);
	if (r == 0)
		r = machine_start(&s, err);
	if (r < 0)
		return r;
	while (s.phase != PHASE_ENDED)
		round_run(&s);
	if (!s.matrix)
		return err_set(err, -EINTR, "%s: %s before the verdict", supervision->stack->name,
			       s.follower_gone ? "its starter ended"
			       : s.stopped_by  ? "it was stopped"
					       : "it ended");
	*ret_matrix = take(&s.matrix);
	return 0;
}
