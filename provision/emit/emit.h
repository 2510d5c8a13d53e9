/* L0 "emit": writes out/NAME/emit, all that a person or another tool needs to run L1 on an L0 that
 * nestctl does not drive. */
#pragma once
#include "profile/stack.h"

/* Before anything is built: can any product run L1? -EINVAL with the keys of the last one if none
 * can. */
int emit_check(const struct stack *stack, struct err *err);

/* Writes folder/emit from folder/l1.raw: a folder for each product that can run L1, with its disk,
 * and a README. What was there is replaced when all of it is there. A product that cannot run L1 is
 * left out, with a warning and words in the README. -EBUSY: a build is at work in the folder. */
int emit_write(const struct stack *stack, const char *folder, struct err *err);
