/* libvirt's domain XML: elements and attributes, enough to edit single tokens. Entities and
 * document types are left alone.
 * Source: XML 1.0; https://libvirt.org/formatdomain.html. */
#include <ctype.h>
#include <string.h>

#include "lines.h"
#include "syntax.h"

struct xml {
	struct doc *doc;
	unsigned depth;
	uint32_t open[DOC_MAX_DEPTH];
};

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == ':' || c == '.' ||
	       (unsigned char)c >= 0x80;
}

/* One token from here to the end of this text; the rest of the file if it does not come. */
static void until(struct doc *doc, enum token_kind kind, const char *end, const char *what)
{
	const char *start = doc->text + doc->cursor;
	const char *found = memmem(start, doc->length - doc->cursor, end, strlen(end));

	if (!found)
		doc_problem(doc, "%u: the %s that begins here is not closed", doc->line, what);
	doc_token(doc, kind, found ? (size_t)(found - start) + strlen(end) : SIZE_MAX);
}

static void spaces(struct doc *doc)
{
	for (uint32_t before = NONE; before != doc->token_count;) {
		before = doc->token_count;
		doc_blanks(doc, TOKEN_BLANK);
		line_finish(doc);
	}
}

static const char *name_lex(struct doc *doc)
{
	size_t length = 0;

	while (is_name(doc_peek(doc, length)))
		length++;
	if (length == 0)
		return "";
	uint32_t token = doc_token(doc, TOKEN_WORD, length);
	return doc_slice(doc, token, token);
}

static bool attribute_lex(struct doc *doc, uint32_t node)
{
	const char *name = name_lex(doc);

	spaces(doc);
	if (!*name || doc_peek(doc, 0) != '=')
		return false;
	doc_token(doc, TOKEN_PUNCT, 1);
	spaces(doc);
	char quote = doc_peek(doc, 0);
	if (quote != '"' && quote != '\'')
		return false;
	const char *start = doc->text + doc->cursor + 1;
	const char *end = memchr(start, quote, doc->length - doc->cursor - 1);
	if (!end)
		return false;
	uint32_t token = doc_token(doc, TOKEN_QUOTE, 1);
	if (end > start)
		token = doc_token(doc, TOKEN_WORD, (size_t)(end - start));
	doc_token(doc, TOKEN_QUOTE, 1);
	doc_attribute(doc, node, name, end > start ? doc_slice(doc, token, token) : "", token);
	return true;
}

static void element_open(struct xml *xml)
{
	struct doc *doc = xml->doc;
	uint32_t open = doc_token(doc, TOKEN_PUNCT, 1);
	const char *name = name_lex(doc);
	uint32_t node = doc_node(doc, name, xml->depth ? xml->open[xml->depth - 1] : NONE, open);

	for (spaces(doc); is_name(doc_peek(doc, 0)); spaces(doc))
		if (!attribute_lex(doc, node))
			break;
	bool empty = doc_ahead(doc, 0, "/>");
	if (!*name || (!empty && doc_peek(doc, 0) != '>')) {
		doc_problem(doc, "%u: is no well-formed XML here", doc->line);
		return;
	}
	uint32_t end = doc_token(doc, TOKEN_PUNCT, empty ? 2 : 1);
	doc->nodes[node].open_end = end;
	doc->nodes[node].close = open;
	doc->nodes[node].close_end = end;
	if (empty)
		return;
	if (xml->depth == DOC_MAX_DEPTH)
		doc_problem(doc, "%u: elements are nested deeper than %d", doc->line,
			    DOC_MAX_DEPTH);
	else
		xml->open[xml->depth++] = node;
}

static void element_close(struct xml *xml)
{
	struct doc *doc = xml->doc;
	uint32_t token = doc_token(doc, TOKEN_PUNCT, 2);
	const char *name = name_lex(doc);

	spaces(doc);
	if (doc_peek(doc, 0) != '>' || xml->depth == 0 ||
	    strcmp(doc->nodes[xml->open[xml->depth - 1]].name, name) != 0) {
		doc_problem(doc, "%u: </%s> closes nothing that is open", doc->line, name);
		return;
	}
	struct node *node = doc->nodes + xml->open[--xml->depth];
	node->close = token;
	node->close_end = doc_token(doc, TOKEN_PUNCT, 1);
}

static void text_lex(struct doc *doc)
{
	size_t length = 0;

	spaces(doc);
	size_t left = doc->length - doc->cursor;
	while (length < left && doc_peek(doc, length) != '<' && doc_peek(doc, length) != '\n' &&
	       !(doc_peek(doc, length) == '\r' && doc_newline_length(doc, length)))
		length++;
	if (length > 0)
		doc_token(doc, TOKEN_WORD, length);
}

void libvirt_parse(struct doc *doc)
{
	struct xml xml = { .doc = doc };

	if (doc_ahead(doc, 0, "\xef\xbb\xbf"))
		doc_token(doc, TOKEN_OTHER, 3);
	while (!doc_at_end(doc) && !doc->problem) {
		if (doc_ahead(doc, 0, "<!--"))
			until(doc, TOKEN_COMMENT, "-->", "comment");
		else if (doc_ahead(doc, 0, "<?"))
			until(doc, TOKEN_OTHER, "?>", "instruction");
		else if (doc_ahead(doc, 0, "<![CDATA["))
			until(doc, TOKEN_OTHER, "]]>", "CDATA section");
		else if (doc_ahead(doc, 0, "<!"))
			doc_problem(doc, "%u: a document type is not understood", doc->line);
		else if (doc_ahead(doc, 0, "</"))
			element_close(&xml);
		else if (doc_peek(doc, 0) == '<')
			element_open(&xml);
		else
			text_lex(doc);
	}
	if (xml.depth > 0)
		doc_problem(doc, "%u: <%s> is not closed", doc->line,
			    doc->nodes[xml.open[xml.depth - 1]].name);
	if (doc->node_count == 0)
		doc_problem(doc, "1: has no element: it is no XML");
}
