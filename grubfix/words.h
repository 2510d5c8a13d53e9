/* Questions about the model, and the edits that keep its form: one argument, one value. */
#pragma once
#include "doc.h"

/* The file that a kernel, module, linux or initrd command names: its first word that is no
 * option. NULL: none. */
const struct word *statement_file(const struct doc *doc, const struct statement *statement);
uint32_t statement_file_index(const struct doc *doc, const struct statement *statement);
/* Word number index of a statement, NULL past the end. */
const struct word *statement_word(const struct doc *doc, const struct statement *statement,
				  uint32_t index);
/* "boot/xen.gz" behind "(hd0,1)/boot/xen.gz": the path without a device in front. */
const char *path_without_device(const char *path);
/* The last component of a path. */
const char *path_base(const char *path);

/* The argument with this key ("root" finds root=...; a bare word too); the last one counts, as
 * it does for the kernel. NULL: none. */
const struct word *args_find(const struct doc *doc, const struct args *args, const char *key);
/* The value behind "key=", "" for a bare word. */
const char *word_value(const struct word *word);

/* Writes text in place of a word; quotes around it stay. text must need none. */
void word_set(struct doc *doc, const struct word *word, const char *text);
/* Removes a word and the blanks in front of it (behind it for the first of its line). */
void word_remove(struct doc *doc, const struct word *word);
/* Adds arguments, with blanks between them, at the end of the list; once between two parses.
 * They must need no quotes. */
void args_add(struct doc *doc, const struct args *args, const char *text);
/* Is this safe to stand in any of the syntaxes without quotes? */
bool argument_is_plain(const char *text);

/* The value in double quotes, for a shell or GRUB's script. The caller frees. */
char *shell_quoted(const char *value);
/* Writes the value of an assignment, with quotes and escapes as the syntax wants them; the quotes
 * that stand there stay if they can. */
void statement_set(struct doc *doc, const struct statement *statement, const char *value);
