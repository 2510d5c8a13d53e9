/* Writes XML 1.0: elements, attributes, character data, all escaped, two blanks a level. Knows of
 * no vocabulary. */
#pragma once
#include "base/str.h"

struct xml { /* zeroed, then xml_begin; xml_done it */
	struct buf text;
	struct strv open; /* names of the elements that are not closed yet */
};

/* Attributes of an element: name, value, name, value. */
#define XML_ATTRIBUTES(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* The declaration, a comment (which must not hold --), and a document type without a system id if
 * doctype is not NULL. */
void xml_begin(struct xml *xml, const char *comment, const char *doctype);
/* attributes ends with NULL, or is NULL. */
void xml_open(struct xml *xml, const char *name, const char *const *attributes);
void xml_close(struct xml *xml);
/* An element with nothing but text in it. */
void xml_text(struct xml *xml, const char *name, const char *const *attributes, const char *text);
void xml_done(struct xml *xml);
