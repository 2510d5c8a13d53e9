/* out/build.json: what the last build made from what, so that the next plan can say what changed,
 * and whether out/l1.raw is what a plan would make. */
#pragma once
#include "store/inputs.h"

struct plan;
struct record;

/* NULL if there is none, or none that can be read. */
struct record *record_read(const char *out);
void record_free(struct record *record);
void record_cleanup(struct record **record);
/* Inputs of a step of that build by its name; NULL: it had none of that name, or record is NULL. */
const struct inputs *record_inputs(const struct record *record, const char *step_name);

int record_write(const struct plan *plan, struct err *err);

/* True if out/l1.raw is there and was made under that key. */
bool record_product_is(const char *out, const char *key);
/* Says under which key out/l1.raw was made (NULL: under none, it is about to be replaced). */
int record_product_set(const char *out, const char *key, struct err *err);
