/* What steps make for the store: base trees and installed disks, found there or made, and held
 * while they are used. */
#pragma once
#include "plan/plan.h"

/* Of a step that step_is_stored: step->makes is there, and held. 1 if it had to be made, 0 if it
 * was there. label: for progress. -EIO: it is made, and made again, and never there. */
int object_provide(struct plan *plan, struct step *step, const struct build_options *options,
		   const char *label, struct err *err);
/* Others may remove it from here on. */
void object_release(struct step *step);
