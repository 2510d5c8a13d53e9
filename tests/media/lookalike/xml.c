/* The answer file as a tree, by expat. */
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linuxrc.h"

#define DEPTH_MAX 64

struct reader {
	const char *path;
	struct node *root, *open[DEPTH_MAX];
	int depth;
};

static void element_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *reader = context;
	struct node *node = calloc(1, sizeof *node);
	const char *colon = strchr(name, ':');

	(void)attributes;
	if (!node || reader->depth == DEPTH_MAX)
		fail("%s: elements lie too deep in each other", reader->path);
	node->name = text("%s", colon ? colon + 1 : name);
	node->content = text("%s", "");
	if (reader->depth == 0) {
		reader->root = node;
	} else {
		struct node *above = reader->open[reader->depth - 1];

		if (above->last)
			above->last->next = node;
		else
			above->first = node;
		above->last = node;
	}
	reader->open[reader->depth++] = node;
}

static void element_end(void *context, const XML_Char *name)
{
	(void)name;
	((struct reader *)context)->depth--;
}

static void characters(void *context, const XML_Char *data, int length)
{
	struct reader *reader = context;
	struct node *node = reader->open[reader->depth - 1];

	node->content = realloc(node->content, node->length + (size_t)length + 1);
	if (!node->content)
		fail("out of memory");
	memcpy(node->content + node->length, data, (size_t)length);
	node->length += (size_t)length;
	node->content[node->length] = '\0';
}

struct node *xml_parse(const char *path)
{
	struct reader reader = { .path = path };
	XML_Parser parser = XML_ParserCreate(NULL);
	char *content = get_file(path);

	if (!content)
		fail("%s: the answer file is not there", path);
	XML_SetUserData(parser, &reader);
	XML_SetElementHandler(parser, element_start, element_end);
	XML_SetCharacterDataHandler(parser, characters);
	if (XML_Parse(parser, content, (int)strlen(content), XML_TRUE) != XML_STATUS_OK)
		fail("%s:%lu: %s", path, XML_GetCurrentLineNumber(parser),
		     XML_ErrorString(XML_GetErrorCode(parser)));
	if (strcmp(reader.root->name, "profile") != 0)
		fail("%s: is a <%s>, no AutoYaST <profile>", path, reader.root->name);
	XML_ParserFree(parser);
	return reader.root;
}

const struct node *node_at(const struct node *node, const char *path)
{
	while (node && *path) {
		size_t length = strcspn(path, "/");

		node = node->first;
		while (node &&
		       (strlen(node->name) != length || strncmp(node->name, path, length) != 0))
			node = node->next;
		path += length + (path[length] == '/');
	}
	return node;
}

const char *value_at(const struct node *node, const char *path)
{
	const struct node *found = node_at(node, path);

	if (!found)
		return "";
	/* A value, unlike a script, is what stands between the blanks. */
	const char *start = found->content + strspn(found->content, " \t\r\n");
	size_t length = strlen(start);
	while (length > 0 && strchr(" \t\r\n", start[length - 1]))
		length--;
	return text("%.*s", (int)length, start);
}

bool true_at(const struct node *node, const char *path, bool without)
{
	const char *value = value_at(node, path);

	return *value ? strcmp(value, "true") == 0 : without;
}
