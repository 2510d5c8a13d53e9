/* What a program of this machine needs to run elsewhere. */
#pragma once
#include "base/err.h"
#include "base/str.h"

/* Paths of its shared libraries, and of its loader; those of several programs may be gathered in
 * the same lists. A program without any is static: nothing is added. */
int program_needs(const char *program, struct strv *libraries, struct strv *loaders,
		  struct err *err);
