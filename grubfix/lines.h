/* Lexing of the formats that are lines of words: GRUB Legacy, BLS, tables, xen.cfg, grubenv. */
#pragma once
#include "doc.h"

/* Lexes from the cursor to the end of the line: words, blanks, and with continued also
 * backslash-newline, which joins lines. Adds the words to the doc. */
void line_words(struct doc *doc, bool continued);
/* The token of the line end, if there is one. */
void line_finish(struct doc *doc);
/* One token up to the end of the line. */
void line_token(struct doc *doc, enum token_kind kind);
/* Lexes a key that ends at a blank or at one of the stop characters; its token. NONE: empty. */
uint32_t line_key(struct doc *doc, const char *stops);
