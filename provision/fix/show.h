/* What a repair found and did, for people and for programs. */
#pragma once
#include "fix/repair.h"

/* For each file its edits with rule and reason; with diffs, a unified diff that patch(1) reads (the
 * lines around begin with #). */
void show_text(const struct repair *repair, bool dry_run);
int show_json(const struct repair *repair, bool dry_run, struct err *err);
