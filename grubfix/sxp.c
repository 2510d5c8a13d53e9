/* SXP, xend's store: nested lists of atoms.
 * Source: xen-4.4 tools/python/xen/xend/sxp.py. */
#include <string.h>

#include "lines.h"
#include "syntax.h"

struct sxp {
	struct doc *doc;
	unsigned depth;
	uint32_t open[DOC_MAX_DEPTH]; /* nodes */
	unsigned atoms[DOC_MAX_DEPTH];
};

static size_t string_length(const struct doc *doc, char quote)
{
	size_t left = doc->length - doc->cursor;

	for (size_t at = 1; at < left; at++) {
		if (doc_peek(doc, at) == '\\')
			at++;
		else if (doc_peek(doc, at) == quote)
			return at + 1;
	}
	return 0;
}

static void atom_add(struct sxp *sxp, uint32_t token, const char *text)
{
	struct doc *doc = sxp->doc;

	if (sxp->depth == 0)
		return;
	struct node *node = doc->nodes + sxp->open[sxp->depth - 1];
	unsigned number = sxp->atoms[sxp->depth - 1]++;
	if (number == 0) {
		node->name = text;
		node->open_end = token;
	} else if (number == 1) {
		node->text = text;
		node->text_token = token;
	}
}

static void string_atom(struct sxp *sxp, char quote)
{
	struct doc *doc = sxp->doc;
	size_t length = string_length(doc, quote);

	if (length == 0) {
		doc_problem(doc, "%u: the %c that stands here is not closed", doc->line, quote);
		doc_token(doc, TOKEN_OTHER, 1);
		return;
	}
	doc_token(doc, TOKEN_QUOTE, 1);
	const char *text = doc_string(doc, doc->text + doc->cursor, length - 2);
	uint32_t token = doc->token_count - 1;
	if (length > 2)
		token = doc_token(doc, TOKEN_WORD, length - 2);
	doc_token(doc, TOKEN_QUOTE, 1);
	atom_add(sxp, token, text);
}

static void plain_atom(struct sxp *sxp)
{
	struct doc *doc = sxp->doc;
	size_t length = 0, left = doc->length - doc->cursor;

	while (length < left && (doc_peek(doc, length) == '\0' ||
				 !strchr("()'\" \t\r\n\f\v", doc_peek(doc, length))))
		length++;
	uint32_t token = doc_token(doc, TOKEN_WORD, length ? length : 1);
	atom_add(sxp, token, doc_slice(doc, token, token));
}

static void list_open(struct sxp *sxp)
{
	struct doc *doc = sxp->doc;
	uint32_t token = doc_token(doc, TOKEN_PUNCT, 1);

	if (sxp->depth == DOC_MAX_DEPTH) {
		doc_problem(doc, "%u: lists are nested deeper than %d", doc->line, DOC_MAX_DEPTH);
		return;
	}
	uint32_t parent = sxp->depth ? sxp->open[sxp->depth - 1] : NONE;
	if (sxp->depth > 0) /* a list in first place: the outer one has no name */
		sxp->atoms[sxp->depth - 1] += sxp->atoms[sxp->depth - 1] == 0;
	sxp->atoms[sxp->depth] = 0;
	sxp->open[sxp->depth++] = doc_node(doc, "", parent, token);
}

static void list_close(struct sxp *sxp)
{
	struct doc *doc = sxp->doc;
	uint32_t token = doc_token(doc, TOKEN_PUNCT, 1);

	if (sxp->depth == 0) {
		doc_problem(doc, "%u: a ) closes nothing", doc->line);
		return;
	}
	struct node *node = doc->nodes + sxp->open[--sxp->depth];
	node->close = node->close_end = token;
}

void sxp_parse(struct doc *doc)
{
	struct sxp sxp = { .doc = doc };

	while (!doc_at_end(doc) && !doc->problem) {
		char c = doc_peek(doc, 0);
		uint32_t before = doc->token_count;

		if (c == '(')
			list_open(&sxp);
		else if (c == ')')
			list_close(&sxp);
		else if (c == '"' || c == '\'')
			string_atom(&sxp, c);
		else if (doc_newline_length(doc, 0))
			line_finish(doc);
		else
			doc_blanks(doc, TOKEN_BLANK);
		if (doc->token_count == before)
			plain_atom(&sxp);
	}
	if (sxp.depth > 0)
		doc_problem(doc, "%u: ends inside a list: a ) is missing", doc->line);
	if (doc->node_count == 0)
		doc_problem(doc, "1: has no list: it is no SXP");
}
