/* The steps of an installed layer: its medium is brought, its installer makes the disk, the store
 * keeps it. */
#pragma once
#include "plan/plan.h"

/* -ENOENT: it is a medium's step, and the medium is not there. */
int medium_look(const struct step *step, struct err *err);
/* step->makes becomes the medium's path. */
int medium_run(struct plan *plan, struct step *step, struct err *err);
/* label: for progress. What a failure left is in out/failed/LAYER, with the reason; the message
 * says so. */
int installation_run(struct plan *plan, struct step *step, const struct build_options *options,
		     const char *label, struct err *err);
/* Of an installation that was killed: the answers go, and all of it if its disk is in the store. */
int installations_clear(const struct plan *plan, struct err *err);
