#include "profile/value.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "base/url_text.h"
#include "pattern/pattern.h"
#include "profile/names.h"
#include "profile/valid.h"
#include "profile/value_list.h"

void value_report(const struct value *value, const char *allowed)
{
	const struct node *node = value->node;
	CLEANUP(free_cleanup)
	char *found = !node ? str_copy("nothing")
		      : value->row->secret && node->kind == NODE_SCALAR
			      ? str_copy("something else (not shown: it may be a secret)")
			      : node_describe(node);

	diagnostic_add(value->diagnostics, &value->mark, "%s%s: found %s; allowed is %s",
		       value->prefix, value->row->path, found, allowed);
}

void value_wrong(const struct value *value)
{
	CLEANUP(free_cleanup) char *allowed = key_allowed(value->row);

	value_report(value, allowed);
}

/* A bare number is more often a forgotten unit than a number of bytes. */
static bool lacks_unit(const char *text)
{
	return text[strspn(text, "0123456789")] == '\0' && !str_equal(text, "0");
}

bool value_size_read(const struct key_row *row, const char *text, uint64_t *ret_bytes)
{
	return !lacks_unit(text) && size_parse(text, ret_bytes) == 0 && *ret_bytes >= row->min &&
	       *ret_bytes <= row->max;
}

static void text_parse(const struct value *value, char **field)
{
	const struct key_row *row = value->row;
	CLEANUP(free_cleanup)
	char *longest = str_format("at most %llu bytes", (unsigned long long)row->max);

	if (row->max && strlen(value->text) > row->max)
		value_report(value, longest);
	else if (row->valid && !row->valid(value->text))
		value_wrong(value);
	free(*field);
	*field = str_copy(value->text);
}

static void size_parse_value(const struct value *value, uint64_t *field)
{
	const struct key_row *row = value->row;

	if (row->type == KEY_REST_SIZE && str_equal(value->text, "rest"))
		*field = PARTITION_REST;
	else if (!value_size_read(row, value->text, field))
		value_wrong(value);
}

static void number_parse(const struct value *value, unsigned *field)
{
	const struct key_row *row = value->row;
	char *end = NULL;

	errno = 0;
	unsigned long number = strtoul(value->text, &end, 10);
	if (!isdigit((unsigned char)value->text[0]) || *end || errno || number < row->min ||
	    number > row->max)
		value_wrong(value);
	*field = (unsigned)number;
}

static void mode_parse(const struct value *value, uint32_t *field)
{
	char *end = NULL;
	unsigned long mode = strtoul(value->text, &end, 8);

	if (!isdigit((unsigned char)value->text[0]) || *end || mode > 07777 || mode == 0)
		value_wrong(value);
	*field = (uint32_t)mode;
}

static void bool_parse(const struct value *value, bool *field)
{
	*field = str_equal(value->text, "true");
	if ((!*field && !str_equal(value->text, "false")) || (value->node && value->node->quoted))
		value_wrong(value);
}

static void enum_parse(const struct value *value, int *field)
{
	int index = name_index(value->row->names, value->text);

	if (index < 0)
		value_wrong(value);
	*field = index < 0 ? 0 : index;
}

static void pattern_parse(const struct value *value, const struct pattern **field)
{
	*field = pattern_find(value->text);
	if (!*field)
		value_wrong(value);
}

static void address_parse(const struct value *value, struct network_spec *network)
{
	uint32_t address;
	unsigned bits;

	network->mode = str_equal(value->text, "dhcp") ? ADDRESS_DHCP : ADDRESS_STATIC;
	if (network->mode == ADDRESS_STATIC && !cidr_parse(value->text, &address, &bits))
		value_wrong(value);
	free(network->address);
	network->address = str_copy(network->mode == ADDRESS_STATIC ? value->text : "");
}

/* What is no URL is relative to the file that names it. */
static void medium_parse(const struct value *value, char **field)
{
	text_parse(value, field);
	if (!**field || !value->node || is_url(*field))
		return;
	CLEANUP(free_cleanup) char *folder = path_folder(value->node->mark.file);
	char *path = path_join(folder, *field);
	free(*field);
	*field = path;
}

static void scalar_parse(const struct value *value, char *field)
{
	switch (value->row->type) {
	case KEY_TEXT:
		text_parse(value, (char **)field);
		break;
	case KEY_MEDIUM:
	case KEY_PATH:
		medium_parse(value, (char **)field);
		break;
	case KEY_SIZE:
	case KEY_REST_SIZE:
		size_parse_value(value, (uint64_t *)field);
		break;
	case KEY_NUMBER:
		number_parse(value, (unsigned *)field);
		break;
	case KEY_MODE:
		mode_parse(value, (uint32_t *)field);
		break;
	case KEY_BOOL:
		bool_parse(value, (bool *)field);
		break;
	case KEY_ENUM:
		enum_parse(value, (int *)field);
		break;
	case KEY_PATTERN:
		pattern_parse(value, (const struct pattern **)field);
		break;
	default:
		address_parse(value, (struct network_spec *)field);
		break;
	}
}

void value_parse(const struct value *value, void *object)
{
	char *field = (char *)object + (value->row->offset == SIZE_MAX ? 0 : value->row->offset);

	switch (value->row->type) {
	case KEY_TEXTS:
		texts_parse(value, (struct strv *)field);
		return;
	case KEY_SIZES:
		sizes_parse(value, (struct sizes *)field);
		return;
	case KEY_PARTITIONS:
		partitions_parse(value, (struct disk_spec *)field);
		return;
	case KEY_FILES:
		files_parse(value, object);
		return;
	case KEY_ROWS:
		rows_look(value);
		return;
	default:
		break;
	}
	if (value->node && value->node->kind != NODE_SCALAR) {
		value_report(value, "a single value");
		return;
	}
	if (value->row->offset != SIZE_MAX) /* else it is read by whoever knows the object */
		scalar_parse(value, field);
}
