#include "profile/value_list.h"

#include <string.h>

#include "base/fs.h"

#define FILE_MAX_BYTES (16u << 20)

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

void texts_parse(const struct value *value, struct strv *field)
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

void sizes_parse(const struct value *value, struct sizes *field)
{
	struct node *const *items = NULL;
	size_t count = list_items(value, &items);

	for (size_t i = 0; i < count; i++) {
		struct value item = *value;
		uint64_t bytes = 0;

		item.node = items[i];
		item.mark = item.node->mark;
		if (item.node->kind != NODE_SCALAR ||
		    !value_size_read(value->row, item.node->text, &bytes)) {
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

/* "layers[1].files[2].": of the row at that index; the caller frees. */
static char *row_prefix(const struct value *value, size_t index)
{
	return str_format("%s%s[%zu].", value->prefix, value->row->path, index + 1);
}

static void row_parse(const struct value *value, const struct key_row *keys,
		      const struct node *item, const char *prefix, void *spec)
{
	keys_parse(keys,
		   &(struct key_source){ .map = item,
					 .mark = &item->mark,
					 .prefix = prefix,
					 .diagnostics = value->diagnostics },
		   spec);
}

void partitions_parse(const struct value *value, struct disk_spec *disk)
{
	struct node *const *items = NULL;
	size_t count = list_items(value, &items);

	for (size_t i = 0; i < count; i++) {
		const struct node *item = map_item(value, items[i]);

		if (!item)
			continue;
		CLEANUP(free_cleanup) char *prefix = row_prefix(value, i);
		disk->partitions = mem_grow(disk->partitions, disk->partition_count + 1,
					    sizeof *disk->partitions);
		struct partition_spec *spec = &disk->partitions[disk->partition_count++];
		*spec = (struct partition_spec){ .mark = item->mark };
		row_parse(value, partition_keys, item, prefix, spec);
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

void files_parse(const struct value *value, struct layer *layer)
{
	struct node *const *items = NULL;
	size_t count = list_items(value, &items);

	for (size_t i = 0; i < count; i++) {
		const struct node *item = map_item(value, items[i]);

		if (!item)
			continue;
		CLEANUP(free_cleanup) char *prefix = row_prefix(value, i);
		layer->files = mem_grow(layer->files, layer->file_count + 1, sizeof *layer->files);
		struct file_spec *spec = &layer->files[layer->file_count++];
		*spec = (struct file_spec){ .mark = item->mark };
		row_parse(value, file_keys, item, prefix, spec);
		file_content(item, prefix, spec, value->diagnostics);
	}
}

void rows_look(const struct value *value)
{
	struct node *const *items = NULL;
	size_t count = list_items(value, &items);

	for (size_t i = 0; i < count; i++)
		map_item(value, items[i]);
}
