/* The key tables for others: a JSON Schema for editors, a page for people. */
#pragma once
#include "profile/keys.h"

/* JSON Schema (draft 2020-12) of stack files and layer profiles; the caller frees. */
char *schema_json(void);
/* The profile reference, Markdown. */
void schema_reference(struct buf *text);

/* The same of any table: a schema of a file that has its keys (the caller frees), the rows of a
 * page. */
char *schema_json_of(const char *title, const struct key_row *keys);
void schema_table(const struct key_row *keys, struct buf *text);
