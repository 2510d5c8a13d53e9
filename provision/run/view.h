/* What a person sees while a stack runs: on a terminal a tree of levels that redraws itself,
 * elsewhere a line for each change. */
#pragma once
#include "run/levels.h"

struct view {
	double drawn; /* when, in seconds since power-on */
};

/* A level changed: a line. */
void view_change(const struct level *level);
/* Redraws the tree if it is time; for the terminal only. */
void view_draw(struct view *view, const struct levels *levels, double now);
/* Seconds between two redraws. */
double view_interval(void);
/* Takes the tree away. */
void view_clear(void);
