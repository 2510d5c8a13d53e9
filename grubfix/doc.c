#include "doc.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "syntax.h"

#define CHUNK_BYTES 8192

struct doc_chunk {
	struct doc_chunk *next;
	size_t used, size;
	char data[];
};

/* Room for one more item; doubling, so that a long text costs no more per token than a short. */
static void *array_room(void *items, uint32_t count, uint32_t *room, size_t size)
{
	if (count < *room)
		return items;
	*room = *room ? 2 * *room : 16;
	return mem_grow(items, *room, size);
}

#define ADD(doc, array, count, room)                                                               \
	((doc)->array =                                                                            \
		 array_room((doc)->array, (doc)->count, &(doc)->room, sizeof *(doc)->array),       \
	 (doc)->array + (doc)->count++)

void doc_parse(struct doc *ret_doc, const char *name, enum grubfix_type type, const char *text,
	       size_t length)
{
	const struct syntax *syntax = syntax_of(type);

	*ret_doc = (struct doc){ .name = name, .type = type, .length = length, .line = 1 };
	ret_doc->text = mem_alloc(length + 1);
	if (length > 0)
		memcpy(ret_doc->text, text, length);
	if (syntax)
		syntax->parse(ret_doc);
	if (!doc_at_end(ret_doc))
		doc_token(ret_doc, TOKEN_OTHER, SIZE_MAX);
}

void doc_done(struct doc *doc)
{
	for (uint32_t i = 0; i < doc->change_count; i++)
		free(doc->changes[i].text);
	for (struct doc_chunk *chunk = doc->chunks, *next; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(doc->text);
	free(doc->problem);
	free(doc->tokens);
	free(doc->changes);
	free(doc->words);
	free(doc->statements);
	free(doc->entries);
	free(doc->args);
	free(doc->nodes);
	free(doc->attributes);
	free(doc->origins);
	*doc = (struct doc){ 0 };
}

/* --- emitting -------------------------------------------------------------------------------- */

static int change_compare(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	if (x->token != y->token)
		return x->token < y->token ? -1 : 1;
	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static uint32_t line_origin(const struct doc *doc, uint32_t line)
{
	if (!doc->origins)
		return line;
	if (line <= doc->origin_count)
		return doc->origins[line - 1];
	return doc->origin_count ? doc->origins[doc->origin_count - 1] + 1 : 1;
}

struct emit {
	struct buf *text;
	uint32_t *origins; /* of each line; NULL: not wanted */
	uint32_t origin_count, origin_room;
};

static void emit_add(struct emit *emit, const char *data, size_t length, uint32_t origin)
{
	buf_add(emit->text, data, length);
	for (size_t i = 0; i < length; i++) {
		if (data[i] != '\n')
			continue;
		emit->origins = array_room(emit->origins, emit->origin_count, &emit->origin_room,
					   sizeof *emit->origins);
		emit->origins[emit->origin_count++] = origin;
	}
}

/* Like emit_add for a token as it is, which may reach over several lines. */
static void emit_token(struct emit *emit, const struct doc *doc, const struct token *token)
{
	const char *data = doc->text + token->offset, *end = data + token->length;

	for (uint32_t line = token->line; data < end; line++) {
		const char *stop = memchr(data, '\n', (size_t)(end - data));

		stop = stop ? stop + 1 : end;
		emit_add(emit, data, (size_t)(stop - data), line_origin(doc, line));
		data = stop;
	}
}

/* In the order in which they are emitted; those before next are. */
struct changes {
	struct change *items;
	uint32_t count, next;
};

static const struct change *change_at(const struct changes *changes, uint32_t index, uint32_t token,
				      enum change_place place)
{
	const struct change *change = changes->items + index;

	return index < changes->count && change->token == token && change->place == place ? change
											  : NULL;
}

/* Emits the changes at this place of a token; true if there are any. Of several replacements of
 * one token the last one counts. */
static bool emit_changes(struct emit *emit, struct changes *changes, uint32_t token,
			 enum change_place place, uint32_t origin)
{
	const uint32_t first = changes->next;
	const struct change *change;

	while ((change = change_at(changes, changes->next, token, place))) {
		changes->next++;
		if (place != CHANGE_TOKEN || !change_at(changes, changes->next, token, place))
			emit_add(emit, change->text, strlen(change->text), origin);
	}
	return changes->next > first;
}

static void emit_all(const struct doc *doc, struct emit *emit)
{
	struct changes changes = { .count = doc->change_count };

	buf_text(emit->text, "");
	changes.items = mem_grow(NULL, changes.count, sizeof *changes.items);
	if (changes.count > 0)
		memcpy(changes.items, doc->changes, changes.count * sizeof *changes.items);
	qsort(changes.items, changes.count, sizeof *changes.items, change_compare);
	for (uint32_t i = 0; i < doc->token_count; i++) {
		uint32_t origin = line_origin(doc, doc->tokens[i].line);

		emit_changes(emit, &changes, i, CHANGE_BEFORE, origin);
		if (!emit_changes(emit, &changes, i, CHANGE_TOKEN, origin))
			emit_token(emit, doc, doc->tokens + i);
		emit_changes(emit, &changes, i, CHANGE_AFTER, origin);
	}
	for (; changes.next < changes.count; changes.next++) { /* an empty text has no token */
		const char *text = changes.items[changes.next].text;

		emit_add(emit, text, strlen(text), doc->line);
	}
	free(changes.items);
}

void doc_emit(const struct doc *doc, struct buf *ret_text)
{
	struct emit emit = { .text = ret_text };

	emit_all(doc, &emit);
	free(emit.origins);
}

void doc_settle(struct doc *doc)
{
	CLEANUP(buf_done) struct buf text = { 0 };
	struct emit emit = { .text = &text };
	struct doc next;

	if (doc->change_count == 0)
		return;
	emit_all(doc, &emit);
	doc_parse(&next, doc->name, doc->type, text.data, text.length);
	next.origins = emit.origins;
	next.origin_count = emit.origin_count;
	doc_done(doc);
	*doc = next;
}

size_t doc_origin(const struct doc *doc, uint32_t token)
{
	return line_origin(doc, token < doc->token_count ? doc->tokens[token].line : doc->line);
}

/* --- for the lexers -------------------------------------------------------------------------- */

uint32_t doc_token(struct doc *doc, enum token_kind kind, size_t length)
{
	if (length > doc->length - doc->cursor)
		length = doc->length - doc->cursor;
	*ADD(doc, tokens, token_count, token_room) = (struct token){
		.offset = (uint32_t)doc->cursor,
		.length = (uint32_t)length,
		.line = doc->line,
		.kind = kind,
	};
	for (size_t end = doc->cursor + length; doc->cursor < end; doc->cursor++)
		doc->line += doc->text[doc->cursor] == '\n';
	return doc->token_count - 1;
}

char doc_peek(const struct doc *doc, size_t offset)
{
	return offset < doc->length - doc->cursor ? doc->text[doc->cursor + offset] : '\0';
}

bool doc_at_end(const struct doc *doc)
{
	return doc->cursor >= doc->length;
}

size_t doc_newline_length(const struct doc *doc, size_t offset)
{
	if (doc_peek(doc, offset) == '\n')
		return 1;
	return doc_peek(doc, offset) == '\r' && doc_peek(doc, offset + 1) == '\n' ? 2 : 0;
}

bool doc_ahead(const struct doc *doc, size_t offset, const char *text)
{
	size_t length = strlen(text), left = doc->length - doc->cursor;

	return offset <= left && length <= left - offset &&
	       memcmp(doc->text + doc->cursor + offset, text, length) == 0;
}

size_t doc_line_rest(const struct doc *doc, size_t offset)
{
	size_t left = doc->length - doc->cursor;
	const char *start = doc->text + doc->cursor + (offset < left ? offset : left);
	size_t most = left - (offset < left ? offset : left);
	const char *end = memchr(start, '\n', most);

	if (!end)
		return most;
	if (end > start && end[-1] == '\r')
		end--;
	return (size_t)(end - start);
}

void doc_blanks(struct doc *doc, enum token_kind kind)
{
	size_t length = 0;

	for (;; length++) {
		char c = doc_peek(doc, length);

		if (c != ' ' && c != '\t' && c != '\f' && c != '\v' &&
		    (c != '\r' || doc_newline_length(doc, length)))
			break;
	}
	if (length > 0)
		doc_token(doc, kind, length);
}

void doc_problem(struct doc *doc, const char *format, ...)
{
	va_list args;

	if (doc->problem)
		return;
	va_start(args, format);
	doc->problem = str_vformat(format, args);
	va_end(args);
}

/* --- for the parsers ------------------------------------------------------------------------- */

const char *doc_string(struct doc *doc, const char *data, size_t length)
{
	struct doc_chunk *chunk = doc->chunks;

	if (!chunk || chunk->size - chunk->used <= length) {
		size_t size = length + 1 > CHUNK_BYTES ? length + 1 : CHUNK_BYTES;

		chunk = mem_alloc(sizeof *chunk + size);
		chunk->size = size;
		chunk->next = doc->chunks;
		doc->chunks = chunk;
	}
	char *copy = chunk->data + chunk->used;
	if (length > 0)
		memcpy(copy, data, length);
	copy[length] = '\0';
	chunk->used += length + 1;
	return copy;
}

const char *doc_slice(struct doc *doc, uint32_t first, uint32_t last)
{
	if (first >= doc->token_count || last < first)
		return "";
	if (last >= doc->token_count)
		last = doc->token_count - 1;
	const struct token *a = doc->tokens + first, *b = doc->tokens + last;
	return doc_string(doc, doc->text + a->offset, b->offset + b->length - a->offset);
}

bool token_is(const struct doc *doc, uint32_t token, const char *text)
{
	const struct token *t = doc->tokens + token;

	return token < doc->token_count && t->length == strlen(text) &&
	       memcmp(doc->text + t->offset, text, t->length) == 0;
}

uint32_t doc_word(struct doc *doc, uint32_t first, uint32_t last, const char *text)
{
	*ADD(doc, words, word_count, word_room) =
		(struct word){ .first = first, .last = last, .text = text };
	return doc->word_count - 1;
}

struct statement *doc_statement(struct doc *doc, const char *name, uint32_t key, uint32_t line)
{
	struct statement *statement = ADD(doc, statements, statement_count, statement_room);

	*statement = (struct statement){
		.name = name,
		.key = key,
		.words = doc->word_count,
		.entry = NONE,
		.line_first = line,
		.value_first = key == NONE ? line : key + 1,
		.value_end = key == NONE ? line : key + 1,
	};
	return statement;
}

void doc_statement_end(struct doc *doc)
{
	struct statement *statement = doc->statements + doc->statement_count - 1;

	statement->word_count = doc->word_count - statement->words;
	if (statement->value)
		return;
	if (statement->word_count == 0) {
		statement->value = "";
		return;
	}
	statement->value_first = doc->words[statement->words].first;
	statement->value_end = doc->words[doc->word_count - 1].last + 1;
	statement->value = doc_slice(doc, statement->value_first, statement->value_end - 1);
}

uint32_t doc_entry(struct doc *doc, const char *title, const char *id, uint32_t parent)
{
	*ADD(doc, entries, entry_count, entry_room) = (struct entry){
		.title = title,
		.id = id,
		.parent = parent,
		.statement = doc->statement_count ? doc->statement_count - 1 : NONE,
		.statement_end = doc->statement_count,
	};
	return doc->entry_count - 1;
}

struct args *doc_args(struct doc *doc, enum args_role role, enum args_form form, uint32_t statement,
		      uint32_t skip_words)
{
	const struct statement *s = doc->statements + statement;
	struct args *args = ADD(doc, args, args_count, args_room);

	if (skip_words > s->word_count)
		skip_words = s->word_count;
	*args = (struct args){
		.role = role,
		.form = form,
		.statement = statement,
		.words = s->words + skip_words,
		.word_count = s->word_count - skip_words,
		.entry = s->entry,
		.after = s->key,
	};
	if (s->word_count > 0)
		args->after = doc->words[s->words + s->word_count - 1].last;
	return args;
}

uint32_t doc_node(struct doc *doc, const char *name, uint32_t parent, uint32_t open)
{
	*ADD(doc, nodes, node_count, node_room) = (struct node){
		.name = name,
		.text = "",
		.parent = parent,
		.open = open,
		.open_end = open,
		.close = open,
		.close_end = open,
		.text_token = NONE,
		.attributes = doc->attribute_count,
	};
	return doc->node_count - 1;
}

void doc_attribute(struct doc *doc, uint32_t node, const char *name, const char *value,
		   uint32_t value_token)
{
	*ADD(doc, attributes, attribute_count, attribute_room) = (struct attribute){
		.name = name,
		.value = value,
		.value_token = value_token,
		.node = node,
	};
	doc->nodes[node].attribute_count++;
}

/* --- for the rules --------------------------------------------------------------------------- */

static void change_add(struct doc *doc, uint32_t token, enum change_place place, const char *text)
{
	uint32_t order = doc->change_count;

	*ADD(doc, changes, change_count, change_room) = (struct change){
		.token = token,
		.place = place,
		.order = order,
		.text = str_copy(text),
	};
}

void doc_replace(struct doc *doc, uint32_t token, const char *text)
{
	change_add(doc, token, CHANGE_TOKEN, text);
}

void doc_before(struct doc *doc, uint32_t token, const char *text)
{
	change_add(doc, token, CHANGE_BEFORE, text);
}

void doc_after(struct doc *doc, uint32_t token, const char *text)
{
	change_add(doc, token, CHANGE_AFTER, text);
}

void doc_remove(struct doc *doc, uint32_t first, uint32_t last)
{
	for (uint32_t i = first; i <= last && i < doc->token_count; i++)
		doc_replace(doc, i, "");
}

uint32_t doc_line_end(const struct doc *doc, uint32_t token)
{
	while (token < doc->token_count && doc->tokens[token].kind != TOKEN_NEWLINE)
		token++;
	return token < doc->token_count ? token + 1 : token;
}

const char *doc_newline(const struct doc *doc)
{
	const char *end = memchr(doc->text, '\n', doc->length);

	return end && end > doc->text && end[-1] == '\r' ? "\r\n" : "\n";
}
