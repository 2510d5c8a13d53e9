#include "profile/keys.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "base/url_text.h"
#include "pattern/pattern.h"
#include "profile/names.h"
#include "profile/valid.h"

#define FILE_MAX_BYTES (16u << 20)

/* ---- one value ---- */

struct value {
	const struct key_row *row;
	const struct node *node; /* NULL: the default's */
	const char *text;
	struct mark mark;
	const char *prefix;
	struct diagnostics *diagnostics;
};

char *key_allowed(const struct key_row *row)
{
	CLEANUP(free_cleanup) char *min = size_format(row->min);
	CLEANUP(free_cleanup) char *max = size_format(row->max);

	switch (row->type) {
	case KEY_SIZE:
		return str_format("%sa size from %s to %s in KiB, MiB, GiB or TiB",
				  row->min == 0 ? "0, or " : "", row->min == 0 ? "1KiB" : min, max);
	case KEY_REST_SIZE:
		return str_format("a size from %s to %s in KiB, MiB, GiB or TiB, or rest", min,
				  max);
	case KEY_NUMBER:
		return str_format("a number from %llu to %llu", (unsigned long long)row->min,
				  (unsigned long long)row->max);
	case KEY_MODE:
		return str_copy("permission bits in octal, such as 0644");
	case KEY_BOOL:
		return str_copy("true or false");
	case KEY_ADDRESS:
		return str_copy("dhcp, or an address such as 10.0.2.15/24");
	case KEY_ENUM:
		return names_list(row->names);
	case KEY_PATTERN:
		return pattern_names();
	case KEY_SIZES:
		return str_format("sizes from %s to %s in KiB, MiB, GiB or TiB", min, max);
	case KEY_PARTITIONS:
	case KEY_FILES:
	case KEY_ROWS:
		return str_copy("a list of keys and values");
	case KEY_TEXT:
	case KEY_TEXTS:
	case KEY_MEDIUM:
	case KEY_PATH:
		break;
	}
	return str_copy(row->allowed ? row->allowed : "a text");
}

static void value_report(const struct value *value, const char *allowed)
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

static void value_wrong(const struct value *value)
{
	CLEANUP(free_cleanup) char *allowed = key_allowed(value->row);

	value_report(value, allowed);
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

/* A bare number is more often a forgotten unit than a number of bytes. */
static bool lacks_unit(const char *text)
{
	return text[strspn(text, "0123456789")] == '\0' && !str_equal(text, "0");
}

static bool size_read(const struct key_row *row, const char *text, uint64_t *ret_bytes)
{
	return !lacks_unit(text) && size_parse(text, ret_bytes) == 0 && *ret_bytes >= row->min &&
	       *ret_bytes <= row->max;
}

static void size_parse_value(const struct value *value, uint64_t *field)
{
	const struct key_row *row = value->row;

	if (row->type == KEY_REST_SIZE && str_equal(value->text, "rest"))
		*field = PARTITION_REST;
	else if (!size_read(row, value->text, field))
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

/* ---- lists ---- */

/* 0 for what is no list, which is reported; the default of every list is the empty one. */
static size_t list_items(const struct value *value, struct node *const **ret_items)
{
	const struct node *node = value->node;

	if (node && node->kind != NODE_LIST)
		value_report(value, "a list");
	if (!node || node->kind != NODE_LIST)
		return 0;
	*ret_items = node->items;
	return node->count;
}

static void texts_parse(const struct value *value, struct strv *field)
{
	struct node *const *items = NULL;
	size_t count = list_items(value, &items);

	for (size_t i = 0; i < count; i++) {
		struct value item = *value;

		item.node = items[i];
		item.mark = item.node->mark;
		if (item.node->kind != NODE_SCALAR ||
		    (value->row->valid && !value->row->valid(item.node->text)))
			value_wrong(&item);
		else
			strv_add(field, item.node->text);
	}
}

static void sizes_parse(const struct value *value, struct sizes *field)
{
	struct node *const *items = NULL;
	size_t count = list_items(value, &items);

	for (size_t i = 0; i < count; i++) {
		struct value item = *value;
		uint64_t bytes = 0;

		item.node = items[i];
		item.mark = item.node->mark;
		if (item.node->kind != NODE_SCALAR ||
		    !size_read(value->row, item.node->text, &bytes)) {
			value_wrong(&item);
			continue;
		}
		field->bytes = mem_grow(field->bytes, field->count + 1, sizeof *field->bytes);
		field->bytes[field->count++] = bytes;
	}
}

/* An item of a list of maps, reported if it is none. */
static const struct node *map_item(const struct value *value, const struct node *node)
{
	struct value item = *value;

	item.node = node;
	item.mark = item.node->mark;
	if (item.node->kind == NODE_MAP)
		return item.node;
	value_report(&item, "keys and values");
	return NULL;
}

static void partitions_parse(const struct value *value, struct disk_spec *disk)
{
	struct node *const *items = NULL;
	size_t count = list_items(value, &items);

	for (size_t i = 0; i < count; i++) {
		const struct node *item = map_item(value, items[i]);

		if (!item)
			continue;
		CLEANUP(free_cleanup)
		char *prefix = str_format("%s%s[%zu].", value->prefix, value->row->path, i + 1);
		disk->partitions = mem_grow(disk->partitions, disk->partition_count + 1,
					    sizeof *disk->partitions);
		struct partition_spec *spec = &disk->partitions[disk->partition_count++];
		*spec = (struct partition_spec){ .mark = item->mark };
		keys_parse(partition_keys,
			   &(struct key_source){ .map = item,
						 .mark = &item->mark,
						 .prefix = prefix,
						 .diagnostics = value->diagnostics },
			   spec);
	}
}

/* A source is relative to the file that names it. */
static void source_read(const struct node *source, const char *prefix, struct file_spec *spec,
			struct diagnostics *diagnostics)
{
	CLEANUP(free_cleanup) char *folder = path_folder(source->mark.file);

	spec->source = path_join(folder, source->text);
	int r = file_check_regular(spec->source);
	if (r == 0)
		r = file_read(spec->source, FILE_MAX_BYTES, &spec->content, &spec->content_length,
			      NULL);
	if (r < 0)
		diagnostic_add(diagnostics, &source->mark,
			       "%ssource: found \"%s\", which cannot be read (%s); allowed is a "
			       "file of at most %u MiB, relative to the one that names it",
			       prefix, source->text, strerror(-r), FILE_MAX_BYTES >> 20);
}

static void file_content(const struct node *item, const char *prefix, struct file_spec *spec,
			 struct diagnostics *diagnostics)
{
	const struct node *content = node_at(item, "content");
	const struct node *source = node_at(item, "source");

	if (!content == !source) {
		diagnostic_add(diagnostics, &item->mark,
			       "%scontent: found %s; allowed is one of content and source", prefix,
			       content ? "source too" : "nothing");
	} else if (content && content->kind == NODE_SCALAR) {
		spec->content = str_copy(content->text);
		spec->content_length = strlen(content->text);
	} else if (source && source->kind == NODE_SCALAR) {
		source_read(source, prefix, spec, diagnostics);
	}
}

static void files_parse(const struct value *value, struct layer *layer)
{
	struct node *const *items = NULL;
	size_t count = list_items(value, &items);

	for (size_t i = 0; i < count; i++) {
		const struct node *item = map_item(value, items[i]);

		if (!item)
			continue;
		CLEANUP(free_cleanup)
		char *prefix = str_format("%s%s[%zu].", value->prefix, value->row->path, i + 1);
		layer->files = mem_grow(layer->files, layer->file_count + 1, sizeof *layer->files);
		struct file_spec *spec = &layer->files[layer->file_count++];
		*spec = (struct file_spec){ .mark = item->mark };
		keys_parse(file_keys,
			   &(struct key_source){ .map = item,
						 .mark = &item->mark,
						 .prefix = prefix,
						 .diagnostics = value->diagnostics },
			   spec);
		file_content(item, prefix, spec, value->diagnostics);
	}
}

static void rows_look(const struct value *value)
{
	struct node *const *items = NULL;
	size_t count = list_items(value, &items);

	for (size_t i = 0; i < count; i++)
		map_item(value, items[i]);
}

/* ---- the table at work ---- */

static void value_parse(const struct value *value, void *object)
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
	if (value->row->offset == SIZE_MAX)
		return; /* read by whoever knows the object */
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

/* Edits that turn one word into the other, for "did you mean". Words here are short. */
static size_t distance(const char *a, const char *b)
{
	size_t row[128], length = strlen(b);

	if (length >= 127)
		return SIZE_MAX;
	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < length; j++) {
			size_t best = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			if (row[j + 1] + 1 < best)
				best = row[j + 1] + 1;
			if (row[j] + 1 < best)
				best = row[j] + 1;
			row[j + 1] = best;
		}
	}
	return row[length];
}

static void unknown_report(const struct key_row *keys, const struct key_source *source,
			   const char *path, const struct mark *mark)
{
	const char *reference =
		source->reference ? source->reference : "nestctl schema --reference";
	const char *nearest = NULL;
	size_t best = 4;

	for (const struct key_row *row = keys; row->path; row++) {
		size_t edits = distance(path, row->path);

		if (edits < best) {
			best = edits;
			nearest = row->path;
		}
	}
	diagnostic_add(source->diagnostics, mark, "%s%s: found an unknown key; %s%s%s",
		       source->prefix, path, nearest ? "did you mean " : reference,
		       nearest ? nearest : "", nearest ? "" : " lists the allowed ones");
}

enum known { UNKNOWN, GROUP, KEY };

static enum known path_known(const struct key_row *keys, const char *path)
{
	size_t length = strlen(path);

	for (const struct key_row *row = keys; row->path; row++) {
		if (str_equal(row->path, path))
			return KEY;
		if (str_starts(row->path, path) && row->path[length] == '.')
			return GROUP;
	}
	return UNKNOWN;
}

static void unknown_find(const struct key_row *keys, const struct key_source *source,
			 const struct node *map, const char *above)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct node_pair *pair = &map->pairs[i];
		CLEANUP(free_cleanup) char *path = str_format("%s%s", above, pair->key);
		CLEANUP(free_cleanup) char *below = str_format("%s.", path);
		enum known known = path_known(keys, path);

		if (known == UNKNOWN)
			unknown_report(keys, source, path, &pair->mark);
		else if (known == GROUP && pair->value->kind == NODE_MAP)
			unknown_find(keys, source, pair->value, below);
		else if (known == GROUP) {
			CLEANUP(free_cleanup) char *found = node_describe(pair->value);

			diagnostic_add(source->diagnostics, &pair->value->mark,
				       "%s%s: found %s; allowed is keys and values", source->prefix,
				       path, found);
		}
	}
}

void key_wrong(const struct layer *layer, const char *key, struct diagnostics *diagnostics,
	       const char *format, va_list args)
{
	const struct node *node = node_at(layer->map, key);
	CLEANUP(free_cleanup) char *text = str_vformat(format, args);

	diagnostic_add(diagnostics, node ? &node->mark : &layer->mark, "%s: %s", key, text);
}

static void key_parse(const struct key_row *row, const struct key_source *source, void *object)
{
	const struct node *node = node_at(source->map, row->path);
	struct value value = { .row = row,
			       .node = node,
			       .mark = node ? node->mark : *source->mark,
			       .prefix = source->prefix,
			       .diagnostics = source->diagnostics };

	if (!node && !row->default_text) {
		if (!source->partial)
			value_wrong(&value);
		return;
	}
	value.text = node && node->kind == NODE_SCALAR ? node->text : row->default_text;
	if (!node && str_equal(row->default_text, "=name"))
		return; /* depends on another key: whoever knows the object fills it in */
	value_parse(&value, object);
}

void keys_parse(const struct key_row *keys, const struct key_source *source, void *object)
{
	unknown_find(keys, source, source->map, "");
	for (const struct key_row *row = keys; row->path; row++) {
		size_t before = diagnostics_count(source->diagnostics);

		key_parse(row, source, object);
		bool guessed = source->partial && !node_at(source->map, row->path);
		if (source->wrong && (guessed || diagnostics_count(source->diagnostics) > before))
			strv_add(source->wrong, row->path);
	}
}
