/* What the verbs that run a stack say in the end: the table, and with --json the same for programs.
 */
#pragma once
#include "verify/matrix.h"

/* Before the run: can the file be written? json: of --json, "-" for standard output, NULL without.
 */
int verdict_check(const char *json, struct err *err);
/* The table on standard output, on standard error if JSON goes there. As of command.run. */
int verdict_show(const struct matrix *matrix, const char *json, struct err *err);
