/* The key tables for others: a JSON Schema for editors, a page for people. */
#pragma once
#include "base/str.h"

/* JSON Schema (draft 2020-12) of stack files and layer profiles; the caller frees. */
char *schema_json(void);
/* The profile reference, Markdown. */
void schema_reference(struct buf *text);
