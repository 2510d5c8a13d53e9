#include "report.h"

#include <string.h>

/* Something of one line; the texts come from files. */
static void line_add(struct buf *text, const char *value)
{
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c == '\n')
			buf_text(text, "\\n");
		else if (c < ' ' || c == 127)
			buf_format(text, "\\x%02x", c);
		else
			buf_add(text, value, 1);
	}
}

static void edit_add(struct buf *text, const struct grubfix_finding *finding)
{
	const char *before = finding->before, *after = finding->after;

	if (before && after) {
		line_add(text, before);
		buf_text(text, " -> ");
		line_add(text, after);
	} else {
		buf_text(text, before ? "removed " : "added ");
		line_add(text, before ? before : after ? after : "");
	}
	buf_text(text, ": ");
}

void report_text(const char *name, const struct grubfix_result *result, bool edits,
		 struct buf *ret_text)
{
	for (size_t i = 0; i < result->finding_count; i++) {
		const struct grubfix_finding *finding = result->findings + i;

		if (finding->edit && !edits)
			continue;
		buf_format(ret_text, "%s:%zu: %s: ", name, finding->line, finding->rule);
		if (finding->edit)
			edit_add(ret_text, finding);
		line_add(ret_text, finding->reason);
		buf_text(ret_text, "\n");
	}
}

/* Length of a well-formed UTF-8 sequence at p, 0: none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	size_t length = *p < 0x80		  ? 1
			: *p >= 0xc2 && *p < 0xe0 ? 2
			: *p >= 0xe0 && *p < 0xf0 ? 3
			: *p >= 0xf0 && *p < 0xf5 ? 4
						  : 0;

	if (length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] >= 0xa0) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] >= 0x90))
		return 0;
	return length;
}

/* Bytes that are no UTF-8 become U+FFFD. */
static void json_string(struct buf *text, const char *value, size_t length)
{
	buf_text(text, "\"");
	for (size_t i = 0, step; i < length; i += step) {
		const unsigned char *p = (const unsigned char *)value + i;

		step = utf8_length(p, length - i);
		if (step == 0) {
			buf_text(text, "\\ufffd");
			step = 1;
		} else if (*p == '"' || *p == '\\') {
			buf_format(text, "\\%c", *p);
		} else if (*p == '\n') {
			buf_text(text, "\\n");
		} else if (*p < ' ') {
			buf_format(text, "\\u%04x", *p);
		} else {
			buf_add(text, p, step);
		}
	}
	buf_text(text, "\"");
}

static void json_field(struct buf *text, const char *name, const char *value)
{
	if (!value)
		return;
	buf_format(text, ", \"%s\": ", name);
	json_string(text, value, strlen(value));
}

void report_json(const char *name, const struct grubfix_result *result, struct buf *ret_text)
{
	buf_text(ret_text, "{\"file\": ");
	json_string(ret_text, name, strlen(name));
	json_field(ret_text, "type", grubfix_type_name(result->type));
	buf_format(ret_text, ", \"changed\": %s, \"findings\": [",
		   result->changed ? "true" : "false");
	for (size_t i = 0; i < result->finding_count; i++) {
		const struct grubfix_finding *finding = result->findings + i;

		buf_format(ret_text, "%s\n  {\"line\": %zu, \"edit\": %s", i ? "," : "",
			   finding->line, finding->edit ? "true" : "false");
		json_field(ret_text, "rule", finding->rule);
		json_field(ret_text, "before", finding->before);
		json_field(ret_text, "after", finding->after);
		json_field(ret_text, "reason", finding->reason);
		buf_text(ret_text, "}");
	}
	buf_text(ret_text, "],\n \"text\": ");
	json_string(ret_text, result->text, result->length);
	buf_text(ret_text, "}\n");
}
