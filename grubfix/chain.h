/* Which further menus a menu loads by itself, with nobody at the keyboard. */
#pragma once
#include "doc.h"

/* Adds their paths in the image's own tree. What cannot be said for sure (variables, another disk,
 * a command under a condition) is left out. */
void chain_next(const struct doc *doc, const struct grubfix_facts *facts, struct strv *ret_paths);
