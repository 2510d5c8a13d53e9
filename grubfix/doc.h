/* A text as tokens: every byte belongs to exactly one, and emitting is concatenation, so that the
 * round trip holds for any bytes at all. Edits replace, remove or surround single tokens. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "grubfix.h"
#include "model.h"

/* Deeper nesting is refused in every syntax that nests. */
#define DOC_MAX_DEPTH 64

enum token_kind {
	TOKEN_BLANK,	/* between words */
	TOKEN_GAP,	/* blanks inside quotes */
	TOKEN_CONTINUE, /* a backslash and the end of the line */
	TOKEN_NEWLINE,
	TOKEN_COMMENT,
	TOKEN_WORD, /* a word, or a part of one */
	TOKEN_QUOTE,
	TOKEN_PUNCT,
	TOKEN_OTHER, /* not understood */
};

struct token {
	uint32_t offset, length, line;
	enum token_kind kind;
};

enum change_place { CHANGE_BEFORE, CHANGE_TOKEN, CHANGE_AFTER };

struct change {
	uint32_t token;
	enum change_place place;
	uint32_t order;
	char *text; /* owned */
};

struct doc {
	const char *name; /* borrowed */
	enum grubfix_type type;
	char *text; /* owned */
	size_t length;
	size_t cursor; /* first byte that is in no token yet */
	uint32_t line; /* of the cursor, 1 is the first */
	char *problem; /* why the text must not be edited; NULL: none */
	bool has_code; /* a guest config that is more than assignments */

	struct token *tokens;
	struct change *changes;
	struct word *words;
	struct statement *statements;
	struct entry *entries;
	struct args *args;
	struct node *nodes;
	struct attribute *attributes;
	uint32_t token_count, token_room;
	uint32_t change_count, change_room;
	uint32_t word_count, word_room;
	uint32_t statement_count, statement_room;
	uint32_t entry_count, entry_room;
	uint32_t args_count, args_room;
	uint32_t node_count, node_room;
	uint32_t attribute_count, attribute_room;

	uint32_t *origins; /* line here -> line of the first text; NULL: the same */
	uint32_t origin_count;
	struct doc_chunk *chunks; /* memory of decoded strings */
};

/* Copies text (at most GRUBFIX_MAX_BYTES) and parses it. Never fails: what is not understood is
 * TOKEN_OTHER. name is borrowed. */
void doc_parse(struct doc *ret_doc, const char *name, enum grubfix_type type, const char *text,
	       size_t length);
void doc_done(struct doc *doc);

/* The text with all changes applied. */
void doc_emit(const struct doc *doc, struct buf *ret_text);
/* Replaces the doc by a parse of itself with its changes applied. */
void doc_settle(struct doc *doc);
/* The line of the first text that a token stands on. */
size_t doc_origin(const struct doc *doc, uint32_t token);

/* --- for the lexers -------------------------------------------------------------------------- */

/* Makes the next length bytes a token; a length past the end is cut. Returns its index. */
uint32_t doc_token(struct doc *doc, enum token_kind kind, size_t length);
/* The byte at the cursor plus offset, 0 past the end. */
char doc_peek(const struct doc *doc, size_t offset);
bool doc_at_end(const struct doc *doc);
/* Length of the line end at the cursor plus offset: 0, 1 or 2 (CR LF). */
size_t doc_newline_length(const struct doc *doc, size_t offset);
/* Does the text at the cursor plus offset begin so? */
bool doc_ahead(const struct doc *doc, size_t offset, const char *text);
/* Bytes from the cursor plus offset up to the end of the line, the line end not counted. */
size_t doc_line_rest(const struct doc *doc, size_t offset);
/* One token for a run of blanks and tabs (and lone CRs), if there is one. */
void doc_blanks(struct doc *doc, enum token_kind kind);
/* Says why the text must not be edited; the first one counts. */
void doc_problem(struct doc *doc, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- for the parsers ------------------------------------------------------------------------- */

/* A string that lives as long as the doc. */
const char *doc_string(struct doc *doc, const char *data, size_t length);
/* The bytes of tokens first..last as they stand. */
const char *doc_slice(struct doc *doc, uint32_t first, uint32_t last);
bool token_is(const struct doc *doc, uint32_t token, const char *text);

uint32_t doc_word(struct doc *doc, uint32_t first, uint32_t last, const char *text);
/* Starts a statement; the words that are added from now on are its own. */
struct statement *doc_statement(struct doc *doc, const char *name, uint32_t key, uint32_t line);
/* Closes the last statement: counts its words, and sets its value from them if it has none. */
void doc_statement_end(struct doc *doc);
uint32_t doc_entry(struct doc *doc, const char *title, const char *id, uint32_t parent);
struct args *doc_args(struct doc *doc, enum args_role role, enum args_form form, uint32_t statement,
		      uint32_t skip_words);
uint32_t doc_node(struct doc *doc, const char *name, uint32_t parent, uint32_t open);
void doc_attribute(struct doc *doc, uint32_t node, const char *name, const char *value,
		   uint32_t value_token);

/* --- for the rules --------------------------------------------------------------------------- */

/* Changes are kept beside the tokens until doc_settle; text is copied. A token that is replaced
 * twice is what the last one says. */
void doc_replace(struct doc *doc, uint32_t token, const char *text);
void doc_before(struct doc *doc, uint32_t token, const char *text);
void doc_after(struct doc *doc, uint32_t token, const char *text);
/* Removes tokens first..last. */
void doc_remove(struct doc *doc, uint32_t first, uint32_t last);
/* One past the line end of the line that a token stands on. */
uint32_t doc_line_end(const struct doc *doc, uint32_t token);
/* The line end that the text uses. */
const char *doc_newline(const struct doc *doc);
