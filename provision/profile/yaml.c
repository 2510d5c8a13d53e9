#include "profile/yaml.h"

#include <string.h>
#include <yaml.h>

#include "base/fs.h"

#define FILE_MAX_BYTES (1u << 20)
#define DEPTH_MAX      32
#define DESCRIBED_MAX  80 /* bytes of a value that a message repeats */

struct reader {
	yaml_parser_t parser;
	const char *file, *text;
	struct diagnostics *diagnostics;
};

static struct mark mark_of(const struct reader *reader, yaml_mark_t at)
{
	return (struct mark){ .file = reader->file,
			      .line = (unsigned)at.line + 1,
			      .column = (unsigned)at.column + 1 };
}

static struct node *node_new(enum node_kind kind, struct mark mark)
{
	struct node *node = mem_alloc(sizeof *node);

	node->kind = kind;
	node->mark = mark;
	return node;
}

void node_free(struct node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->count; i++) {
		if (node->kind == NODE_LIST) {
			node_free(node->items[i]);
		} else {
			free(node->pairs[i].key);
			node_free(node->pairs[i].value);
		}
	}
	free(node->items);
	free(node->pairs);
	free(node->text);
	free(node);
}

void node_cleanup(struct node **node)
{
	node_free(*node);
}

static void list_add(struct node *list, struct node *item)
{
	list->items = mem_grow(list->items, list->count + 1, sizeof(struct node *));
	list->items[list->count++] = item;
}

static void map_add(struct node *map, const char *key, struct mark mark, struct node *value)
{
	map->pairs = mem_grow(map->pairs, map->count + 1, sizeof *map->pairs);
	map->pairs[map->count++] =
		(struct node_pair){ .key = str_copy(key), .mark = mark, .value = value };
}

/* Where a byte of the text stands. */
static struct mark mark_of_byte(const struct reader *reader, size_t offset)
{
	struct mark mark = { .file = reader->file, .line = 1, .column = 1 };

	for (size_t i = 0; i < offset; i++) {
		unsigned char byte = (unsigned char)reader->text[i];
		bool begins = (byte & 0xc0) != 0x80; /* a character, in UTF-8 */

		mark.line += byte == '\n';
		mark.column = byte == '\n' ? 1 : mark.column + begins;
	}
	return mark;
}

static bool event_next(struct reader *reader, yaml_event_t *event)
{
	if (yaml_parser_parse(&reader->parser, event))
		return true;
	/* What is no text has no mark yet. */
	struct mark mark = reader->parser.error == YAML_READER_ERROR
				   ? mark_of_byte(reader, reader->parser.problem_offset)
				   : mark_of(reader, reader->parser.problem_mark);
	diagnostic_add(reader->diagnostics, &mark, "is not valid YAML: %s",
		       reader->parser.problem ? reader->parser.problem : "it ends too early");
	return false;
}

static bool event_is_plain(struct reader *reader, const yaml_event_t *event, const char *anchor,
			   const char *tag)
{
	struct mark mark = mark_of(reader, event->start_mark);

	if (event->type != YAML_ALIAS_EVENT && !anchor && !tag)
		return true;
	diagnostic_add(reader->diagnostics, &mark,
		       "anchors, aliases and tags are not used here; write the value out");
	return false;
}

static struct node *value_read(struct reader *reader, yaml_event_t *event, unsigned depth);

static struct node *list_read(struct reader *reader, struct mark mark, unsigned depth)
{
	CLEANUP(node_cleanup) struct node *list = node_new(NODE_LIST, mark);
	yaml_event_t event;

	for (;;) {
		if (!event_next(reader, &event))
			return NULL;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			break;
		struct node *item = value_read(reader, &event, depth);
		if (!item)
			return NULL;
		list_add(list, item);
	}
	yaml_event_delete(&event);
	return take(&list);
}

/* Reads the value of one key and adds the pair. */
static bool pair_read(struct reader *reader, struct node *map, yaml_event_t *key_event,
		      unsigned depth)
{
	struct mark mark = mark_of(reader, key_event->start_mark);
	CLEANUP(node_cleanup) struct node *key = value_read(reader, key_event, depth);
	yaml_event_t event;

	if (!key)
		return false;
	if (key->kind != NODE_SCALAR) {
		diagnostic_add(reader->diagnostics, &mark, "a key must be a word");
		return false;
	}
	if (!event_next(reader, &event))
		return false;
	struct node *value = value_read(reader, &event, depth);
	if (!value)
		return false;
	const struct node_pair *first = node_pair(map, key->text);
	if (first)
		diagnostic_add(reader->diagnostics, &mark,
			       "%s: is given twice (first in line %u); keep one", key->text,
			       first->mark.line);
	map_add(map, key->text, mark, value);
	return true;
}

static struct node *map_read(struct reader *reader, struct mark mark, unsigned depth)
{
	CLEANUP(node_cleanup) struct node *map = node_new(NODE_MAP, mark);
	yaml_event_t event;

	for (;;) {
		if (!event_next(reader, &event))
			return NULL;
		if (event.type == YAML_MAPPING_END_EVENT)
			break;
		if (!pair_read(reader, map, &event, depth))
			return NULL;
	}
	yaml_event_delete(&event);
	return take(&map);
}

void node_add(struct node *map, const char *key, struct node *value)
{
	map_add(map, key, value->mark, value);
}

struct node *node_text(char *text, struct mark mark)
{
	struct node *node = node_new(NODE_SCALAR, mark);

	node->text = text;
	return node;
}

struct node *node_map(struct mark mark)
{
	return node_new(NODE_MAP, mark);
}

static struct node *scalar_read(const yaml_event_t *event, struct mark mark)
{
	struct node *node = node_text(str_copy((const char *)event->data.scalar.value), mark);

	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	return node;
}

/* Takes over the event. */
static struct node *value_read(struct reader *reader, yaml_event_t *event, unsigned depth)
{
	struct mark mark = mark_of(reader, event->start_mark);
	struct node *node = NULL;
	bool plain = false;

	switch (event->type) {
	case YAML_SCALAR_EVENT:
		plain = event_is_plain(reader, event, (char *)event->data.scalar.anchor,
				       (char *)event->data.scalar.tag);
		if (plain && strlen((char *)event->data.scalar.value) != event->data.scalar.length)
			diagnostic_add(reader->diagnostics, &mark, "the text holds a NUL byte");
		else if (plain)
			node = scalar_read(event, mark);
		break;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		/* Both events begin with anchor and tag. */
		plain = event_is_plain(reader, event, (char *)event->data.sequence_start.anchor,
				       (char *)event->data.sequence_start.tag);
		if (plain && depth >= DEPTH_MAX)
			diagnostic_add(reader->diagnostics, &mark,
				       "is nested deeper than %d levels", DEPTH_MAX);
		else if (plain && event->type == YAML_SEQUENCE_START_EVENT)
			node = list_read(reader, mark, depth + 1);
		else if (plain)
			node = map_read(reader, mark, depth + 1);
		break;
	default:
		event_is_plain(reader, event, NULL, NULL);
		break;
	}
	yaml_event_delete(event);
	return node;
}

/* A second document would be dropped without a word. */
static bool document_ends(struct reader *reader)
{
	yaml_event_t event;
	bool more = true;

	while (more) {
		if (!event_next(reader, &event))
			return false;
		struct mark mark = mark_of(reader, event.start_mark);
		yaml_event_type_t type = event.type;
		yaml_event_delete(&event);
		if (type == YAML_DOCUMENT_START_EVENT) {
			diagnostic_add(reader->diagnostics, &mark,
				       "found a second document; allowed is one in a file");
			return false;
		}
		more = type != YAML_STREAM_END_EVENT;
	}
	return true;
}

/* The only document's root; the events around it are dropped. */
static struct node *document_read(struct reader *reader)
{
	yaml_event_t event;

	for (;;) {
		if (!event_next(reader, &event))
			return NULL;
		if (event.type == YAML_STREAM_START_EVENT ||
		    event.type == YAML_DOCUMENT_START_EVENT) {
			yaml_event_delete(&event);
			continue;
		}
		if (event.type == YAML_STREAM_END_EVENT) {
			struct mark mark = { reader->file, 1, 1 };

			yaml_event_delete(&event);
			diagnostic_add(reader->diagnostics, &mark, "the file is empty");
			return NULL;
		}
		CLEANUP(node_cleanup) struct node *root = value_read(reader, &event, 0);
		return root && document_ends(reader) ? take(&root) : NULL;
	}
}

struct node *yaml_read(const char *path, const char *file, struct diagnostics *diagnostics)
{
	struct reader reader = { .file = file, .diagnostics = diagnostics };
	struct mark mark = { file, 1, 1 };
	CLEANUP(free_cleanup) char *text = NULL;
	size_t length = 0;
	struct err err = { 0 };

	if (file_read(path, FILE_MAX_BYTES, &text, &length, &err) < 0) {
		diagnostic_add(diagnostics, &mark, "%s", err.text);
		err_clear(&err);
		return NULL;
	}
	reader.text = text;
	yaml_parser_initialize(&reader.parser);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
	CLEANUP(node_cleanup) struct node *root = document_read(&reader);
	yaml_parser_delete(&reader.parser);
	if (root && root->kind != NODE_MAP) {
		diagnostic_add(diagnostics, &root->mark, "the file must hold keys and values");
		return NULL;
	}
	return take(&root);
}

struct node *node_copy(const struct node *node)
{
	struct node *copy = node_new(node->kind, node->mark);

	copy->text = str_copy(node->text);
	copy->quoted = node->quoted;
	copy->shared = node->shared;
	for (size_t i = 0; i < node->count; i++) {
		if (node->kind == NODE_LIST)
			list_add(copy, node_copy(node->items[i]));
		else
			map_add(copy, node->pairs[i].key, node->pairs[i].mark,
				node_copy(node->pairs[i].value));
	}
	return copy;
}

const struct node_pair *node_pair(const struct node *node, const char *key)
{
	for (size_t i = 0; node && node->kind == NODE_MAP && i < node->count; i++)
		if (str_equal(node->pairs[i].key, key))
			return &node->pairs[i];
	return NULL;
}

const struct node *node_at(const struct node *node, const char *path)
{
	while (node) {
		size_t length = strcspn(path, ".");
		CLEANUP(free_cleanup) char *key = str_format("%.*s", (int)length, path);
		const struct node_pair *pair = node_pair(node, key);

		node = pair ? pair->value : NULL;
		if (!path[length])
			return node;
		path += length + 1;
	}
	return NULL;
}

void node_remove(struct node *map, const char *key)
{
	for (size_t i = 0; i < map->count; i++) {
		if (!str_equal(map->pairs[i].key, key))
			continue;
		free(map->pairs[i].key);
		node_free(map->pairs[i].value);
		memmove(&map->pairs[i], &map->pairs[i + 1],
			(map->count - i - 1) * sizeof *map->pairs);
		map->count--;
		return;
	}
}

void node_share(struct node *node)
{
	node->shared = true;
	for (size_t i = 0; i < node->count; i++)
		node_share(node->kind == NODE_LIST ? node->items[i] : node->pairs[i].value);
}

bool node_given(const struct node *node)
{
	return node && (node->kind == NODE_SCALAR ? *node->text != '\0' : node->count > 0);
}

void node_merge(struct node *base, const struct node *over)
{
	for (size_t i = 0; i < over->count; i++) {
		const struct node_pair *pair = &over->pairs[i];
		const struct node_pair *old = node_pair(base, pair->key);

		if (old && old->value->kind == NODE_MAP && pair->value->kind == NODE_MAP) {
			node_merge(old->value, pair->value);
			continue;
		}
		node_remove(base, pair->key);
		map_add(base, pair->key, pair->mark, node_copy(pair->value));
	}
}

/* Found text in quotes: cut, and without the control characters that a terminal would obey. */
static char *text_describe(const char *text)
{
	size_t length = str_cut(text, DESCRIBED_MAX);
	char *described = str_format("\"%.*s%s\"", (int)length, text, text[length] ? "..." : "");

	for (char *c = described; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return described;
}

char *node_describe(const struct node *node)
{
	switch (node->kind) {
	case NODE_LIST:
		return str_copy("a list");
	case NODE_MAP:
		return str_copy("keys and values");
	case NODE_SCALAR:
		break;
	}
	return *node->text || node->quoted ? text_describe(node->text) : str_copy("nothing");
}
