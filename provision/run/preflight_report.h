/* The findings of a preflight as a list, for people and for programs. */
#pragma once
#include "run/preflight.h"

/* cure and package may be NULL. Everything is copied. */
void preflight_add(struct preflight *preflight, enum finding_state state, const char *what,
		   const char *detail, const char *cure, const char *package);
