/* out/build.json: what the last build made from what, so that the next plan can say what changed,
 * and whether out/l1.raw is what a plan would make. */
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

int history_write(const struct plan *plan, struct err *err);

/* True if out/l1.raw is there and was made under that key. */
bool history_product_is(const char *out, const char *key);
/* Says under which key out/l1.raw was made (NULL: under none, it is about to be replaced). */
int history_product_set(const char *out, const char *key, struct err *err);
