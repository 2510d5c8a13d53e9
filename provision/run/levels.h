/* The levels of a run: what each is doing, since when, until when, and how it ended.
 * State only: no descriptor, no process, no clock of its own; times are seconds since power-on. */
#pragma once
#include <stdbool.h>

#include "profile/stack.h"
#include "run/console.h"
#include "verify/evidence.h"
#include "verify/l0.h"
#include "verify/matrix.h"
#include "verify/symptom.h"

enum level_state {
	LEVEL_WAITING,	/* for the level around it */
	LEVEL_STARTING, /* power is on, its agent has not spoken yet */
	LEVEL_BOOTED,	/* its agent spoke, the record is awaited */
	LEVEL_PROVEN,
	LEVEL_FAILED,
	LEVEL_NOT_REACHED, /* the level around it failed first */
};

struct level {
	const struct layer *layer;
	char *path;
	enum level_state state;
	double since; /* in this state */
	double started, booted;
	bool spoke;		/* booted, whatever came later */
	bool ended;		/* its machine or domain did, and was not started again */
	unsigned resets;	/* how often it reset itself while it booted */
	unsigned triple_faults; /* of these, under TCG */
	char *reset_step; /* the last time: where, how long after its start; NULL: it did not */
	struct strv reset_tail;		     /* the last lines of its console before that */
	const struct symptom *reset_symptom; /* of its consoles before the last boot; NULL: none */
	double reset_until; /* it reset itself, and starts again before this; 0: it did not */
	struct console console;
	struct record *record; /* that counts; NULL: none yet */
	struct evidence evidence;
	char *note;    /* what its agent said last that it does; NULL: nothing */
	char *step;    /* failed: where it stuck */
	char *message; /* what the toolstack or the agent said of the failure */
	const struct symptom *symptom;
	struct strv tail; /* of the console when it failed */
};

struct levels {
	const struct stack *stack;
	struct level *items; /* in the order of stack->layers */
	size_t count;
	char *nonce;
	enum l0_kind l0;
	void (*on_change)(void *context, const struct level *level);
	void *context;
};

/* log_folder NULL: consoles are kept in memory only. L1's log is written by its driver,
 * or by levels_log_outermost. */
int levels_init(struct levels *levels, const struct stack *stack, const char *nonce,
		enum l0_kind l0, const char *log_folder, struct err *err);
int levels_log_outermost(struct levels *levels, const char *log_folder, struct err *err);
void levels_done(struct levels *levels);
/* NULL: no such layer. */
struct level *levels_find(const struct levels *levels, const char *path_or_name);

/* L1 starts; the others wait. */
void levels_power_on(struct levels *levels, double now);
/* Any sign of life of the layer's agent. */
void levels_spoke(struct levels *levels, const char *path, double now);
void levels_event(struct levels *levels, const char *path, const char *step, const char *guest,
		  const char *text, double now);
/* echo: what the echo server answers this layer. Takes over the record. True if it counts (and
 * is to be acknowledged). */
bool levels_record(struct levels *levels, struct record *record, const char *echo, double now);
/* It or a level around it has ended. */
bool level_is_gone(const struct levels *levels, const struct level *level);
/* The machine of L1 ended or the run was given up: whatever is undecided fails. */
void levels_end(struct levels *levels, const char *why, double now);
/* Time limits. Returns the seconds until the next one, at most max. */
double levels_tick(struct levels *levels, double now, double max);

/* Every level is proven, failed or not reached. */
bool levels_decided(const struct levels *levels);
