/* What the levels of a run look like to people and programs: words and the matrix. */
#pragma once
#include "run/levels.h"

/* What it is doing, in words; the caller frees. */
char *level_doing(const struct level *level);
/* The caller frees. */
struct matrix *levels_matrix(const struct levels *levels, double now);
