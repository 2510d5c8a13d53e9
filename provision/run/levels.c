#include "run/levels.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "verify/stage.h"

#define TAIL_LINES	12
#define DEFAULT_SECONDS 600

/* A machine that resets itself while it boots (a panic of its kernel) starts again, as it would on
 * a desk. Once: the second time something is wrong with it. A triple fault under TCG is more often
 * the work of the emulated processor than the machine's own, so it gets a few boots. */
#define RESETS_MAX	  1
#define TRIPLE_FAULTS_MAX 3
#define RESET_SECONDS	  20

static char *layer_path(const struct layer *layer)
{
	if (!layer->outer)
		return str_copy(layer->name);
	CLEANUP(free_cleanup) char *outer = layer_path(layer->outer);

	return str_format("%s/%s", outer, layer->name);
}

int levels_init(struct levels *levels, const struct stack *stack, const char *nonce,
		enum l0_kind l0, const char *log_folder, struct err *err)
{
	*levels = (struct levels){ .stack = stack, .nonce = str_copy(nonce), .l0 = l0 };
	levels->items = mem_alloc(sizeof *levels->items * stack->layer_count);
	for (size_t i = 0; i < stack->layer_count; i++) {
		struct level *level = &levels->items[levels->count++];
		CLEANUP(free_cleanup) char *log = NULL;

		level->layer = stack->layers[i];
		level->path = layer_path(level->layer);
		if (log_folder && level->layer->outer)
			log = str_format("%s/%s.log", log_folder, level->layer->name);
		int r = console_open(&level->console, log, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int levels_log_outermost(struct levels *levels, const char *log_folder, struct err *err)
{
	struct level *l1 = &levels->items[0];
	CLEANUP(free_cleanup) char *log = str_format("%s/%s.log", log_folder, l1->layer->name);

	console_done(&l1->console);
	return console_open(&l1->console, log, err);
}

void levels_done(struct levels *levels)
{
	for (size_t i = 0; i < levels->count; i++) {
		struct level *level = &levels->items[i];

		console_done(&level->console);
		record_free(level->record);
		evidence_done(&level->evidence);
		strv_done(&level->tail);
		strv_done(&level->reset_tail);
		free(level->reset_step);
		free(level->path);
		free(level->note);
		free(level->step);
		free(level->message);
	}
	free(levels->items);
	free(levels->nonce);
	*levels = (struct levels){ 0 };
}

struct level *levels_find(const struct levels *levels, const char *path_or_name)
{
	for (size_t i = 0; i < levels->count; i++)
		if (str_equal(levels->items[i].path, path_or_name) ||
		    str_equal(levels->items[i].layer->name, path_or_name))
			return &levels->items[i];
	return NULL;
}

static struct level *level_by_path(const struct levels *levels, const char *path)
{
	for (size_t i = 0; i < levels->count; i++)
		if (str_equal(levels->items[i].path, path))
			return &levels->items[i];
	return NULL;
}

static struct level *level_outer(const struct levels *levels, const struct level *level)
{
	for (size_t i = 0; i < levels->count; i++)
		if (levels->items[i].layer == level->layer->outer)
			return &levels->items[i];
	return NULL;
}

static bool is_decided(const struct level *level)
{
	return level->state >= LEVEL_PROVEN;
}

static void level_enter(struct levels *levels, struct level *level, enum level_state state,
			double now)
{
	level->state = state;
	level->since = now;
	if (state == LEVEL_STARTING)
		level->started = now;
	if (state == LEVEL_BOOTED) {
		level->booted = now;
		level->spoke = true;
		level->reset_until = 0;
	}
	if (levels->on_change)
		levels->on_change(levels->context, level);
}

static bool outer_is_offline(const struct levels *levels, const struct level *level)
{
	const struct level *outer = level_outer(levels, level);

	return outer && outer->record && !outer->evidence.network;
}

bool level_is_gone(const struct levels *levels, const struct level *level)
{
	for (; level; level = level_outer(levels, level))
		if (level->ended)
			return true;
	return false;
}

static void text_set(char **text, const char *value)
{
	char *old = *text;

	*text = str_copy(value);
	free(old);
}

static const struct symptom *level_symptom(const struct levels *levels, const struct level *level,
					   const char *message)
{
	struct symptom_input input = {
		.layer = level->layer,
		.console = level->console.text,
		.message = message,
		.driver = level->record ? level->record->driver : "",
		.booted = level->spoke,
		.network = level->evidence.network,
		.outer_offline = outer_is_offline(levels, level),
		.l0 = levels->l0,
	};

	return symptom_find(&input);
}

static void level_fail(struct levels *levels, struct level *level, const char *step,
		       const char *message, double now)
{
	if (is_decided(level))
		return;
	text_set(&level->step, step);
	text_set(&level->message, message);
	level->symptom = level_symptom(levels, level, message);
	if (!level->spoke)
		level->symptom = symptom_more_specific(level->symptom, level->reset_symptom);
	console_tail(&level->console, TAIL_LINES, &level->tail);
	level_enter(levels, level, LEVEL_FAILED, now);
}

void levels_power_on(struct levels *levels, double now)
{
	level_enter(levels, &levels->items[0], LEVEL_STARTING, now);
}

void levels_spoke(struct levels *levels, const char *path, double now)
{
	struct level *level = level_by_path(levels, path);

	if (!level || level->state >= LEVEL_BOOTED)
		return;
	if (level->state == LEVEL_WAITING) /* its guest-started got lost */
		level_enter(levels, level, LEVEL_STARTING, now);
	level_enter(levels, level, LEVEL_BOOTED, now);
}

/* Whether the Xen around it says that the guest's CPU could not deliver an exception. ended: what
 * its agent said, "domain 1 is gone". Source: Xen xen/arch/x86/hvm/hvm.c, hvm_triple_fault. */
static bool outer_saw_triple_fault(const struct levels *levels, const struct level *guest,
				   const char *ended)
{
	const struct level *outer = level_outer(levels, guest);
	unsigned domain = 0;

	if (!outer || sscanf(ended, "domain %u", &domain) != 1)
		return false;
	CLEANUP(free_cleanup) char *who = str_format(" d%uv", domain);
	const char *at = outer->console.text;
	while ((at = strstr(at, who))) {
		const char *end = strchrnul(at, '\n');

		if (memmem(at, (size_t)(end - at), "Triple fault", strlen("Triple fault")))
			return true;
		at = end;
	}
	return false;
}

/* Its domain is gone. If it comes back, the boot begins anew, with all of its time. */
static void guest_reset(struct levels *levels, struct level *guest, const char *how, double now)
{
	free(guest->reset_step);
	guest->reset_step =
		str_format("%s, %.1f s after its start%s",
			   stage_name(stage_seen(guest->console.text)), now - guest->started, how);
	strv_done(&guest->reset_tail);
	guest->resets++;
	guest->reset_until = now + RESET_SECONDS;
	level_enter(levels, guest, LEVEL_STARTING, now);
}

static void guest_ended(struct levels *levels, struct level *guest, const char *text, double now)
{
	bool triple_fault = outer_saw_triple_fault(levels, guest, text);
	bool emulators = triple_fault && levels->l0 == L0_TCG;
	unsigned others = guest->resets - guest->triple_faults;
	const char *how = triple_fault ? " (a triple fault, says the Xen around it)" : "";

	if (guest->state == LEVEL_STARTING &&
	    (emulators ? guest->triple_faults < TRIPLE_FAULTS_MAX : others < RESETS_MAX)) {
		guest->triple_faults += emulators;
		guest_reset(levels, guest, how, now);
		return;
	}
	CLEANUP(free_cleanup)
	char *message = str_format("%s%s", *text ? text : "the domain ended", how);
	guest->ended = true;
	level_fail(levels, guest,
		   guest->spoke ? "it ended before its proof" : "it ended while booting", message,
		   now);
}

static void guest_started(struct levels *levels, struct level *guest, double now)
{
	bool again = guest->reset_until > 0;

	guest->ended = false;
	guest->reset_until = 0;
	if (again) { /* what stage it is in is that of this boot from now on */
		guest->reset_symptom = symptom_more_specific(level_symptom(levels, guest, ""),
							     guest->reset_symptom);
		console_tail(&guest->console, TAIL_LINES, &guest->reset_tail);
		console_forget(&guest->console);
	}
	if (guest->state == LEVEL_WAITING || again)
		level_enter(levels, guest, LEVEL_STARTING, now);
}

/* What a host says of one of its guests. */
static void guest_event(struct levels *levels, struct level *guest, const char *step,
			const char *text, double now)
{
	if (str_equal(step, "starting-guest") && guest->state == LEVEL_WAITING)
		level_enter(levels, guest, LEVEL_STARTING, now);
	else if (str_equal(step, "guest-started"))
		guest_started(levels, guest, now);
	else if (str_equal(step, "guest-ended"))
		guest_ended(levels, guest, text, now);
	else if (str_equal(step, "guest-failed"))
		level_fail(levels, guest, "the level around it could not start it",
			   *text ? text : "no reason given", now);
}

void levels_event(struct levels *levels, const char *path, const char *step, const char *guest,
		  const char *text, double now)
{
	struct level *about = level_by_path(levels, guest);

	struct level *by = level_by_path(levels, path);

	levels_spoke(levels, path, now);
	if (by) {
		free(by->note);
		by->note = str_format("%s%s%s%s%s", step, about ? " " : "",
				      about ? about->layer->name : "", *text ? ": " : "", text);
	}
	if (about)
		guest_event(levels, about, step, text, now);
}

bool levels_record(struct levels *levels, struct record *record, const char *echo, double now)
{
	CLEANUP(record_cleanup) struct record *owned = record;
	struct level *level = level_by_path(levels, record->path);
	struct evidence evidence;

	if (!level)
		return false;
	struct expectation expected = {
		.layer = level->layer,
		.path = level->path,
		.nonce = levels->nonce,
		.echo = echo,
		.l0_hypervisor = l0_nature(levels->l0)->hypervisor,
	};
	evidence_judge(&expected, record, &evidence);
	if (!evidence.counts) {
		log_debug("%s: %s", record->path, evidence.reason);
		evidence_done(&evidence);
		return false;
	}
	levels_spoke(levels, level->path, now);
	if (is_decided(level) && level->state != LEVEL_FAILED) {
		evidence_done(&evidence);
		return true;
	}
	record_free(level->record);
	evidence_done(&level->evidence);
	level->record = take(&owned);
	level->evidence = evidence;
	if (level->state == LEVEL_FAILED) /* too late to count, worth showing */
		return true;
	if (evidence.proven)
		level_enter(levels, level, LEVEL_PROVEN, now);
	else
		level_fail(levels, level,
			   evidence.identity ? "it is up without network"
					     : "it is not what it should be",
			   evidence.reason, now);
	return true;
}

void levels_end(struct levels *levels, const char *why, double now)
{
	for (size_t i = 0; i < levels->count; i++) {
		struct level *level = &levels->items[i];

		const char *verb = level_is_gone(levels, level) ? "ended" : "was still";
		CLEANUP(free_cleanup)
		char *step = level->state == LEVEL_STARTING
				     ? str_format("it %s %s", verb,
						  stage_name(stage_seen(level->console.text)))
				     : str_format("it %s before its record came", verb);

		if (level->state == LEVEL_WAITING) {
			text_set(&level->message, why);
			level_enter(levels, level, LEVEL_NOT_REACHED, now);
		} else {
			level_fail(levels, level, step, why, now);
		}
	}
}

static double limit(unsigned seconds)
{
	return seconds ? seconds : DEFAULT_SECONDS;
}

/* When the level's time is up in the state it is in; 0: it has no limit now. */
static double level_deadline(const struct levels *levels, const struct level *level)
{
	const struct level *outer;

	switch (level->state) {
	case LEVEL_WAITING:
		/* A host that is up starts its guests at once: it gets the guest's boot time. */
		outer = level_outer(levels, level);
		return outer && outer->spoke
			       ? outer->booted + limit(level->layer->boot_timeout_seconds)
			       : 0;
	case LEVEL_STARTING:
		if (level->reset_until > 0)
			return level->reset_until;
		return level->started + limit(level->layer->boot_timeout_seconds);
	case LEVEL_BOOTED:
		return level->booted + limit(level->layer->proof_timeout_seconds);
	default:
		return 0;
	}
}

static void level_expire(struct levels *levels, struct level *level, double now)
{
	CLEANUP(free_cleanup) char *step = NULL;
	CLEANUP(free_cleanup) char *message = NULL;

	if (level->state == LEVEL_WAITING) {
		step = str_format("%s did not start it", level->layer->outer->name);
		message = str_format("no word of its start within %.0f s",
				     now - level_outer(levels, level)->booted);
	} else if (level->reset_until > 0) {
		level->ended = true;
		level->reset_until = 0;
		step = str_copy("it ended while booting");
		message = str_format("its domain ended and was not started again within %d s",
				     RESET_SECONDS);
	} else if (level->state == LEVEL_STARTING) {
		step = str_format("it stuck %s", stage_name(stage_seen(level->console.text)));
		message = str_format("its agent did not speak within %.0f s of its start",
				     now - level->started);
	} else {
		step = str_copy("its agent spoke, its record did not come");
		message = str_format("no record within %.0f s", now - level->booted);
	}
	level_fail(levels, level, step, message, now);
}

static bool outer_is_lost(const struct levels *levels, const struct level *level)
{
	const struct level *outer = level_outer(levels, level);

	return outer && !outer->spoke && is_decided(outer);
}

/* The level around it ended: nothing inside can go on. */
static bool outer_is_dead(const struct levels *levels, const struct level *level)
{
	const struct level *outer = level_outer(levels, level);

	return outer && level_is_gone(levels, outer);
}

/* Seconds until the level has to be looked at again; negative: no time is set. */
static double level_tick(struct levels *levels, struct level *level, double now)
{
	if (level->state == LEVEL_WAITING &&
	    (outer_is_lost(levels, level) || outer_is_dead(levels, level))) {
		level_enter(levels, level, LEVEL_NOT_REACHED, now);
		return -1;
	}
	if (outer_is_dead(levels, level)) {
		const char *why = level_outer(levels, level)->message;

		level_fail(levels, level, "it ended with the level around it",
			   why ? why : "that one ended after its proof", now);
		return -1;
	}
	double deadline = level_deadline(levels, level);
	if (deadline <= 0)
		return -1;
	if (now < deadline)
		return deadline - now;
	level_expire(levels, level, now);
	return -1;
}

double levels_tick(struct levels *levels, double now, double max)
{
	double next = max;

	for (size_t i = 0; i < levels->count; i++) { /* outer ones stand before inner ones */
		struct level *level = &levels->items[i];
		double left = is_decided(level) ? -1 : level_tick(levels, level, now);

		if (left >= 0 && left < next)
			next = left;
	}
	return next;
}

bool levels_decided(const struct levels *levels)
{
	for (size_t i = 0; i < levels->count; i++)
		if (!is_decided(&levels->items[i]))
			return false;
	return true;
}
