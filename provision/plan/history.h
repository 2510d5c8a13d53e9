/* out/build.json: what the last build made from what, so that the next plan can say what changed.
 */
#pragma once
#include "store/inputs.h"

struct plan;
struct history;

/* NULL if there is none, or none that can be read. */
struct history *history_read(const char *out);
void history_free(struct history *history);
void history_cleanup(struct history **history);
/* Inputs of a step of that build by its name; NULL: it had none of that name, or history is NULL.
 */
const struct inputs *history_inputs(const struct history *history, const char *step_name);

/* Replaces it, in the plan's out. -EILSEQ: a name in the plan is not UTF-8; else the errno of
 * file_write. */
int history_write(const struct plan *plan, struct err *err);
