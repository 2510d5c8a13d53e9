#include "profile/schema.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "pattern/pattern.h"
#include "profile/keys.h"

/* ---- sizes ---- */

#define STOPS_MAX 64

static int by_value(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

/* Where a range of numbers is cut, so that in each part every digit has a range of its own:
 * 64-4096 at 69, 99, 999, 3999, 4089. Sorted; the last is max. */
static size_t range_cut(uint64_t min, uint64_t max, uint64_t stops[STOPS_MAX])
{
	size_t count = 0;

	for (uint64_t unit = 10; min / unit * unit + unit - 1 < max; unit *= 10)
		stops[count++] = min / unit * unit + unit - 1;
	for (uint64_t unit = 10; (max + 1) / unit * unit > min; unit *= 10)
		stops[count++] = (max + 1) / unit * unit - 1;
	stops[count++] = max;
	qsort(stops, count, sizeof *stops, by_value);
	return count;
}

/* "[7-9][0-9]{2}" of 700 and 999. */
static void part_form(const char *low, const char *high, struct buf *form)
{
	while (*low) {
		size_t whole = 0;

		while (low[whole] == '0' && high[whole] == '9')
			whole++;
		if (whole > 1)
			buf_format(form, "[0-9]{%zu}", whole);
		else if (*low == *high)
			buf_add(form, low, 1);
		else
			buf_format(form, "[%c-%c]", *low, *high);
		low += whole > 1 ? whole : 1;
		high += whole > 1 ? whole : 1;
	}
}

/* "6[4-9]|[7-9][0-9]|...": the numbers from min to max, without leading zeros. */
static void range_form(uint64_t min, uint64_t max, struct buf *form)
{
	uint64_t stops[STOPS_MAX], from = min;
	size_t count = range_cut(min, max, stops);

	for (size_t i = 0; i < count; i++) {
		if (stops[i] < from)
			continue;
		CLEANUP(free_cleanup) char *low = str_format("%" PRIu64, from);
		CLEANUP(free_cleanup) char *high = str_format("%" PRIu64, stops[i]);
		buf_text(form, from == min ? "" : "|");
		part_form(low, high, form);
		from = stops[i] + 1;
	}
}

/* The sizes within the limits of a row, in any unit that they can be written in; the caller frees.
 */
static char *size_form(const struct key_row *row, const char *others)
{
	static const struct {
		const char *name;
		unsigned shift;
	} units[] = { { "KiB", 10 }, { "MiB", 20 }, { "GiB", 30 }, { "TiB", 40 } };
	CLEANUP(buf_done) struct buf form = { 0 };

	buf_format(&form, "^(%s0*(", others);
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		uint64_t unit = UINT64_C(1) << units[i].shift;

		buf_text(&form, i ? "|(" : "(");
		range_form((row->min + unit - 1) / unit, row->max / unit, &form);
		buf_format(&form, ")%s", units[i].name);
	}
	buf_text(&form, "))$");
	return take(&form.data);
}

/* ---- values ---- */

static json_t *names_json(const char *const *names)
{
	json_t *array = json_array();

	for (; *names; names++)
		json_array_append_new(array, json_string(*names));
	return array;
}

static json_t *patterns_json(void)
{
	json_t *array = json_array();

	for (size_t i = 0; pattern_at(i); i++)
		json_array_append_new(array, json_string(pattern_at(i)->name));
	return array;
}

static json_t *object_json(const struct key_row *keys);
static json_t *files_json(void);

static json_t *list_json(json_t *items)
{
	return json_pack("{s:s, s:o}", "type", "array", "items", items);
}

static json_t *string_json(const char *form)
{
	return json_pack("{s:s, s:s*}", "type", "string", "pattern", form);
}

static json_t *text_type_json(const struct key_row *row)
{
	json_t *json = string_json(row->form);

	if (row->max)
		json_object_set_new(json, "maxLength", json_integer((json_int_t)row->max));
	return json;
}

/* A bare 0 is a number for YAML. */
static json_t *size_json(const struct key_row *row)
{
	bool rest = row->type == KEY_REST_SIZE, zero = row->type == KEY_SIZE && row->min == 0;
	CLEANUP(free_cleanup) char *form = size_form(row, rest ? "rest|" : zero ? "0|" : "");

	return zero ? json_pack("{s:[s,s], s:s, s:i, s:i}", "type", "string", "integer", "pattern",
				form, "minimum", 0, "maximum", 0)
		    : string_json(form);
}

static json_t *type_json(const struct key_row *row)
{
	switch (row->type) {
	case KEY_SIZE:
	case KEY_REST_SIZE:
		return size_json(row);
	case KEY_NUMBER:
		return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
				 (json_int_t)row->min, "maximum", (json_int_t)row->max);
	case KEY_MODE:
		return json_pack("{s:[s,s], s:s, s:i, s:i}", "type", "string", "integer", "pattern",
				 "^0*[1-7][0-7]{0,3}$", "minimum", 1, "maximum", 7777);
	case KEY_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case KEY_ENUM:
		return json_pack("{s:o}", "enum", names_json(row->names));
	case KEY_PATTERN:
		return json_pack("{s:o}", "enum", patterns_json());
	case KEY_TEXTS:
		return list_json(string_json(row->form));
	case KEY_SIZES:
		return list_json(size_json(row));
	case KEY_PARTITIONS:
		return list_json(object_json(partition_keys));
	case KEY_FILES:
		return list_json(files_json());
	case KEY_ROWS:
		return list_json(object_json(row->rows));
	case KEY_TEXT:
	case KEY_MEDIUM:
	case KEY_PATH:
	case KEY_ADDRESS:
		break;
	}
	return text_type_json(row);
}

/* As an editor would write it in; NULL where it depends on another key. */
static json_t *default_json(const struct key_row *row)
{
	const char *text = row->default_text;

	if (!text || str_equal(text, "=name"))
		return NULL;
	switch (row->type) {
	case KEY_NUMBER:
		return json_integer((json_int_t)strtoull(text, NULL, 10));
	case KEY_BOOL:
		return json_boolean(str_equal(text, "true"));
	case KEY_TEXTS:
	case KEY_SIZES:
	case KEY_PARTITIONS:
	case KEY_FILES:
	case KEY_ROWS:
		return json_array();
	default:
		return row->type == KEY_SIZE && str_equal(text, "0") ? json_integer(0)
								     : json_string(text);
	}
}

static json_t *row_json(const struct key_row *row)
{
	json_t *json = type_json(row), *fallback = default_json(row);
	CLEANUP(free_cleanup) char *allowed = key_allowed(row);
	CLEANUP(free_cleanup)
	char *help = str_format("%s%s%s. Allowed: %s.", row->help, row->place ? "; only " : "",
				row->place ? row->place->words : "", allowed);

	json_object_set_new(json, "description", json_string(help));
	if (fallback)
		json_object_set_new(json, "default", fallback);
	return json;
}

/* The object of the group that a path lies in ("machine" of "machine.memory"), made when it is not
 * there; ret_key: the last part of the path. */
static json_t *group_json(json_t *object, const char *path, const char **ret_key)
{
	json_t *properties = json_object_get(object, "properties");
	const char *dot = strchr(path, '.');

	*ret_key = path;
	if (!dot)
		return object;
	CLEANUP(free_cleanup) char *name = str_format("%.*s", (int)(dot - path), path);
	json_t *group = json_object_get(properties, name);
	if (!group) {
		group = json_pack("{s:s, s:b, s:{}}", "type", "object", "additionalProperties", 0,
				  "properties");
		json_object_set_new(properties, name, group);
	}
	*ret_key = dot + 1;
	return group;
}

static json_t *properties_json(const struct key_row *keys)
{
	json_t *object = json_pack("{s:s, s:b, s:{}}", "type", "object", "additionalProperties", 0,
				   "properties");

	for (const struct key_row *row = keys; row->path; row++) {
		const char *key;
		json_t *group = group_json(object, row->path, &key);

		json_object_set_new(json_object_get(group, "properties"), key, row_json(row));
	}
	return object;
}

static json_t *required_json(const struct key_row *keys)
{
	json_t *required = json_array();

	for (const struct key_row *row = keys; row->path; row++)
		if (!row->default_text)
			json_array_append_new(required, json_string(row->path));
	return required;
}

/* "network.interface" asks for network, and there for interface. */
static void required_add(json_t *object, const char *path)
{
	json_t *required = json_object_get(object, "required");
	size_t length = strcspn(path, ".");

	if (!required) {
		required = json_array();
		json_object_set_new(object, "required", required);
	}
	json_array_append_new(required, json_stringn(path, length));
	if (path[length]) {
		const char *key;

		required_add(group_json(object, path, &key), path + length + 1);
	}
}

static json_t *object_json(const struct key_row *keys)
{
	json_t *object = properties_json(keys);

	for (const struct key_row *row = keys; row->path; row++)
		if (!row->default_text)
			required_add(object, row->path);
	return object;
}

static json_t *files_json(void)
{
	json_t *file = object_json(file_keys);

	json_object_set_new(
		file, "oneOf",
		json_pack("[{s:[s]}, {s:[s]}]", "required", "content", "required", "source"));
	return file;
}

static json_t *text_json(const char *description)
{
	return json_pack("{s:s, s:s}", "type", "string", "description", description);
}

static json_t *path_json(const char *description)
{
	json_t *json = text_json(description);

	json_object_set_new(json, "minLength", json_integer(1));
	return json;
}

/* A profile may leave to the stack file what a layer must have. */
static json_t *profile_json(void)
{
	json_t *profile = properties_json(layer_keys);

	json_object_set_new(json_object_get(profile, "properties"), "include",
			    path_json("A profile that this one stands on, relative to it."));
	return profile;
}

static json_t *layer_json(void)
{
	json_t *layer = properties_json(layer_keys);
	json_t *properties = json_object_get(layer, "properties");

	json_object_set_new(properties, "profile",
			    path_json("The layer's profile, relative to the stack file."));
	json_object_set_new(
		properties, "inside",
		text_json("The host it runs on; otherwise the nearest one listed above."));
	/* What it must have can stand in its profile. */
	json_object_set_new(layer, "anyOf",
			    json_pack("[{s:[s]}, {s:o}]", "required", "profile", "required",
				      required_json(layer_keys)));
	return layer;
}

static json_t *stack_json(void)
{
	json_t *layers = list_json(layer_json());
	json_t *properties = json_object();

	json_object_set_new(layers, "minItems", json_integer(1));
	json_object_set_new(layers, "maxItems", json_integer(LAYERS_MAX));
	json_object_set_new(layers, "description", json_string("Outermost first."));
	json_object_set_new(properties, "name", row_json(&layer_keys[0]));
	json_object_set_new(json_object_get(properties, "name"), "description",
			    json_string("Name; otherwise the file's."));
	json_object_set_new(properties, "description", text_json("For people."));
	json_object_set_new(properties, "layers", layers);
	return json_pack("{s:s, s:b, s:o}", "type", "object", "additionalProperties", 0,
			 "properties", properties);
}

/* Takes it over; the caller frees. */
static char *schema_text(json_t *schema)
{
	char *text = json_dumps(schema, JSON_INDENT(2));
	char *copy = str_copy(text);

	free(text);
	json_decref(schema);
	return copy;
}

#define DRAFT "https://json-schema.org/draft/2020-12/schema"

char *schema_json(void)
{
	/* A choice by key and not an anyOf: what is wrong is then told of the right one alone. */
	return schema_text(json_pack("{s:s, s:s, s:s, s:{s:[s]}, s:o, s:o}", "$schema", DRAFT,
				     "title", "nestctl stack file or layer profile", "type",
				     "object", "if", "required", "layers", "then", stack_json(),
				     "else", profile_json()));
}

char *schema_json_of(const char *title, const struct key_row *keys)
{
	json_t *schema = object_json(keys);

	json_object_set_new(schema, "$schema", json_string(DRAFT));
	json_object_set_new(schema, "title", json_string(title));
	return schema_text(schema);
}

static const char *type_text(const struct key_row *row)
{
	static const char *const texts[] = {
		[KEY_TEXT] = "text",
		[KEY_SIZE] = "size",
		[KEY_REST_SIZE] = "size or rest",
		[KEY_NUMBER] = "number",
		[KEY_MODE] = "octal",
		[KEY_BOOL] = "true or false",
		[KEY_ENUM] = "word",
		[KEY_TEXTS] = "list of texts",
		[KEY_SIZES] = "list of sizes",
		[KEY_MEDIUM] = "path or URL",
		[KEY_PATH] = "path",
		[KEY_PATTERN] = "word",
		[KEY_ADDRESS] = "dhcp or address",
		[KEY_PARTITIONS] = "list",
		[KEY_FILES] = "list",
		[KEY_ROWS] = "list",
	};

	return texts[row->type];
}

void schema_table(const struct key_row *keys, struct buf *text)
{
	buf_text(
		text,
		"| key | value | allowed | default | meaning |\n| --- | --- | --- | --- | --- |\n");
	for (const struct key_row *row = keys; row->path; row++) {
		CLEANUP(free_cleanup) char *allowed = key_allowed(row);
		const char *fallback = !row->default_text		       ? "**required**"
				       : str_equal(row->default_text, "=name") ? "the name"
				       : *row->default_text		       ? row->default_text
									       : "empty";

		buf_format(text, "| `%s` | %s | %s | %s | %s%s%s |\n", row->path, type_text(row),
			   allowed, fallback, row->help, row->place ? "; only " : "",
			   row->place ? row->place->words : "");
	}
}

void schema_reference(struct buf *text)
{
	buf_text(
		text,
		"# Profile reference\n\n"
		"Written by `nestctl schema --reference` from the table that parses the profiles.\n\n"
		"A stack file has `name` (otherwise the file's own), `description` and `layers`, a list,\n"
		"outermost first. A layer names its `profile` (a file, relative to the stack file), the\n"
		"host that it is `inside` (otherwise the nearest host listed above), and any key of the\n"
		"table below, which then replaces the profile's. A profile can stand on another one:\n"
		"`include: FILE`, relative to itself. Maps are merged key by key, lists and single values\n"
		"replaced. Sizes are written in KiB, MiB, GiB or TiB.\n\n"
		"A key that has a meaning only in some layers is an error in another one, where the stack\n"
		"file or the layer's own profile gives it a value that is not its default. What comes from\n"
		"an included profile is passed over there: such a profile may be for layers of several\n"
		"kinds.\n\n## Layers\n\n");
	schema_table(layer_keys, text);
	buf_text(text, "\n## Partitions (`disk.partitions`)\n\n");
	schema_table(partition_keys, text);
	buf_text(text, "\n## Extra files (`files`)\n\n");
	schema_table(file_keys, text);
	buf_text(text, "\n## Patterns\n\n| pattern | for a | what it is |\n| --- | --- | --- |\n");
	for (size_t i = 0; pattern_at(i); i++)
		buf_format(text, "| `%s` | %s | %s |\n", pattern_at(i)->name,
			   role_name(pattern_at(i)->role), pattern_at(i)->summary);
}
