/* Lexing of shell-like text: GRUB 2's script and files of shell assignments. */
#pragma once
#include "doc.h"

/* How the text inside a word is divided. */
enum shell_split {
	SHELL_WHOLE, /* one word of the command, quotes included */
	SHELL_ITEMS, /* each run between blanks inside quotes is a word: kernel arguments */
};

/* Lexes one word at the cursor, adds it to the doc, and returns its decoded text as a whole.
 * specials: the characters that end an unquoted word, blanks apart. */
const char *shell_word(struct doc *doc, const char *specials, enum shell_split split);
/* Length of "NAME=" at the cursor, 0: there is none. */
size_t shell_assignment(const struct doc *doc);
/* Length of a backslash and line end at the cursor, 0: none. */
size_t shell_continue(const struct doc *doc, size_t at);
