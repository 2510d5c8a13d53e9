/* What a step makes for the store. */
#pragma once
#include "plan/plan.h"

#define OBJECT_KIND "base" /* trees and installed disks: what layers are composed from */

/* As store_begin. What is there goes first if the step was asked for by name. */
int object_begin(struct plan *plan, const struct step *step, struct store_object *object,
		 bool *ret_exists, struct err *err);
