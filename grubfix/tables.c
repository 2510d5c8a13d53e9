/* fstab, crypttab and device.map: lines of columns.
 * Sources: fstab(5), crypttab(5), GRUB Legacy's info page on device.map. */
#include "lines.h"
#include "syntax.h"

void table_parse(struct doc *doc)
{
	while (!doc_at_end(doc)) {
		uint32_t first = doc->token_count;

		doc_blanks(doc, TOKEN_BLANK);
		if (doc_peek(doc, 0) == '#') {
			line_token(doc, TOKEN_COMMENT);
		} else if (!doc_newline_length(doc, 0) && !doc_at_end(doc)) {
			doc_statement(doc, "", NONE, first);
			line_words(doc, false);
			doc_statement_end(doc);
		}
		line_finish(doc);
	}
}
