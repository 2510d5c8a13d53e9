/* A YAML file as a tree of nodes with their places. By libyaml. What profiles need and no more:
 * maps, lists and scalars; anchors, aliases and tags are refused. */
#pragma once
#include "profile/diagnostic.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node;

struct node_pair {
	char *key;
	struct mark mark; /* of the key */
	struct node *value;
};

struct node {
	enum node_kind kind;
	struct mark mark;
	char *text;	     /* NODE_SCALAR */
	bool quoted;	     /* NODE_SCALAR: written in quotes, so a text whatever it looks like */
	bool shared;	     /* stands in a profile that another one includes */
	struct node **items; /* NODE_LIST */
	struct node_pair *pairs; /* NODE_MAP, in the order of the file */
	size_t count;
};

/* file is kept in the marks: it must outlive the tree. NULL after a failure, which was added to the
 * diagnostics. The caller frees. */
struct node *yaml_read(const char *path, const char *file, struct diagnostics *diagnostics);
void node_free(struct node *node);
void node_cleanup(struct node **node);

/* A scalar; takes over text. */
struct node *node_text(char *text, struct mark mark);
struct node *node_map(struct mark mark); /* without keys */
struct node *node_copy(const struct node *node);
/* Pair of a key, NULL if the map has none (or node is no map). */
const struct node_pair *node_pair(const struct node *node, const char *key);
/* Value at a path of keys, "machine.memory"; NULL if it is not there. */
const struct node *node_at(const struct node *node, const char *path);
/* Adds a pair to a map that has none of that key; takes over value. */
void node_add(struct node *map, const char *key, struct node *value);
/* Removes a pair; what is not there is no error. */
void node_remove(struct node *map, const char *key);
/* Marks all of it as shared. */
void node_share(struct node *node);
/* Written, and not as an empty text or list? */
bool node_given(const struct node *node);
/* Puts a copy of over on top of base: maps key by key, anything else is replaced. */
void node_merge(struct node *base, const struct node *over);
/* "a map", "a list", "\"2 GB\"": what was found, for messages. The caller frees. */
char *node_describe(const struct node *node);
