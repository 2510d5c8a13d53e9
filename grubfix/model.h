/* What the parsers find in a text, over its tokens: words, statements, entries, lists of kernel
 * arguments, nodes. One model for all syntaxes, so that a rule is written once. Indexes, not
 * pointers, so that the arrays can grow; strings are decoded and belong to the doc. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define NONE UINT32_MAX

/* A word, a list item or a string: tokens first..last, quotes included. */
struct word {
	uint32_t first, last;
	const char *text; /* quotes and escapes taken away */
};

/* A command with its words, or an assignment with its value. */
struct statement {
	const char *name;  /* "kernel", "GRUB_DEFAULT", "" for a line of a table */
	const char *value; /* what follows the name, decoded, as one string */
	uint32_t key;	   /* token of the name; NONE for a line of a table */
	uint32_t words, word_count;
	uint32_t value_first, value_end; /* tokens of the value, end excluded */
	uint32_t entry;			 /* innermost entry around it, or NONE */
	uint32_t line_first;		 /* first token of its line */
	bool assignment;		 /* NAME=VALUE, `set NAME=VALUE` */
	bool hidden; /* a comment that is configuration (Debian's automagic block) */
};

enum entry_kind { ENTRY_OTHER, ENTRY_LINUX, ENTRY_XEN, ENTRY_SUBMENU };

struct entry {
	const char *title;
	const char *id; /* --id, section name of xen.cfg; NULL: none */
	uint32_t parent;
	uint32_t statement; /* the title or menuentry statement */
	uint32_t statement_end;
	enum entry_kind kind;
};

enum args_role { ARGS_XEN, ARGS_DOM0, ARGS_LINUX };
/* How a word is added. */
enum args_form {
	ARGS_LINE,   /* " word" after the last word of the line */
	ARGS_QUOTED, /* inside quotes */
	ARGS_BARE,   /* an unquoted assignment: quotes must come first */
};

/* Arguments of a hypervisor or of a kernel, wherever they stand. */
struct args {
	enum args_role role;
	enum args_form form;
	uint32_t statement;
	uint32_t words, word_count;
	uint32_t after; /* token behind which a word is added */
	uint32_t entry; /* or NONE: a permanent source */
};

/* An element of XML or a list of SXP. */
struct node {
	const char *name;
	const char *text;	   /* SXP: the first atom behind the name */
	uint32_t parent;	   /* or NONE */
	uint32_t open, open_end;   /* tokens of the start tag, or "(" and the name */
	uint32_t close, close_end; /* of the end tag; close == open for <x/> */
	uint32_t text_token;	   /* SXP: token of text; NONE */
	uint32_t attributes, attribute_count;
};

struct attribute {
	const char *name, *value;
	uint32_t value_token;
	uint32_t node;
};
