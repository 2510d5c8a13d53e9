/* Lines of words: fstab, crypttab and device.map have columns, /etc/kernel/cmdline kernel
 * arguments. Sources: fstab(5), crypttab(5), GRUB Legacy's info page on device.map, systemd's
 * kernel-install(8). */
#include "lines.h"
#include "syntax.h"

static void lines_parse(struct doc *doc, bool arguments)
{
	while (!doc_at_end(doc)) {
		uint32_t first = doc->token_count, index = doc->statement_count;

		doc_blanks(doc, TOKEN_BLANK);
		if (doc_peek(doc, 0) == '#') {
			line_token(doc, TOKEN_COMMENT);
		} else if (!doc_newline_length(doc, 0) && !doc_at_end(doc)) {
			doc_statement(doc, "", NONE, first);
			line_words(doc, false);
			doc_statement_end(doc);
			if (arguments)
				doc_args(doc, ARGS_LINUX, ARGS_LINE, index, 0);
		}
		line_finish(doc);
	}
}

void table_parse(struct doc *doc)
{
	lines_parse(doc, false);
}

void cmdline_parse(struct doc *doc)
{
	lines_parse(doc, true);
}
