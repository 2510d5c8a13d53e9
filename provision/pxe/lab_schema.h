/* The lab file for others: a JSON Schema for editors, a page for people. */
#pragma once
#include "base/str.h"

/* The caller frees. */
char *lab_schema_json(void);
/* Markdown. */
void lab_reference(struct buf *text);
