#include "answers/xml.h"

#include <stdlib.h>

#include "answers/escape.h"

void xml_begin(struct xml *xml, const char *comment, const char *doctype)
{
	buf_format(&xml->text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- %s -->\n",
		   comment);
	if (doctype)
		buf_format(&xml->text, "<!DOCTYPE %s>\n", doctype);
}

static void indent(struct xml *xml)
{
	for (size_t i = 0; i < xml->open.count; i++)
		buf_text(&xml->text, "  ");
}

static void tag_open(struct xml *xml, const char *name, const char *const *attributes)
{
	indent(xml);
	buf_format(&xml->text, "<%s", name);
	for (; attributes && *attributes; attributes += 2) {
		buf_format(&xml->text, " %s=\"", attributes[0]);
		escape_xml(attributes[1], &xml->text);
		buf_text(&xml->text, "\"");
	}
}

void xml_open(struct xml *xml, const char *name, const char *const *attributes)
{
	tag_open(xml, name, attributes);
	buf_text(&xml->text, ">\n");
	strv_add(&xml->open, name);
}

void xml_close(struct xml *xml)
{
	char *name = xml->open.items[--xml->open.count];

	xml->open.items[xml->open.count] = NULL;
	indent(xml);
	buf_format(&xml->text, "</%s>\n", name);
	free(name);
}

void xml_text(struct xml *xml, const char *name, const char *const *attributes, const char *text)
{
	tag_open(xml, name, attributes);
	if (!*text) {
		buf_text(&xml->text, "/>\n");
		return;
	}
	buf_text(&xml->text, ">");
	escape_xml(text, &xml->text);
	buf_format(&xml->text, "</%s>\n", name);
}

void xml_done(struct xml *xml)
{
	buf_done(&xml->text);
	strv_done(&xml->open);
}
