#include "profile/keys.h"

#include <string.h>

#include "pattern/pattern.h"
#include "profile/names.h"
#include "profile/value.h"

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
