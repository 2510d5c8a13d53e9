#include "profile/schema.h"

#include <jansson.h>
#include <string.h>

#include "pattern/pattern.h"
#include "profile/keys.h"

#define SIZE_FORM "^[0-9]+(KiB|MiB|GiB|TiB)$"

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

static json_t *list_json(json_t *items)
{
	return json_pack("{s:s, s:o}", "type", "array", "items", items);
}

static json_t *type_json(const struct key_row *row)
{
	switch (row->type) {
	case KEY_SIZE:
		return row->min == 0
			       ? json_pack("{s:[s,s], s:s, s:i}", "type", "string", "integer",
					   "pattern", SIZE_FORM, "maximum", 0)
			       : json_pack("{s:s, s:s}", "type", "string", "pattern", SIZE_FORM);
	case KEY_REST_SIZE:
		return json_pack("{s:s, s:s}", "type", "string", "pattern",
				 "^(rest|[0-9]+(KiB|MiB|GiB|TiB))$");
	case KEY_NUMBER:
		return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
				 (json_int_t)row->min, "maximum", (json_int_t)row->max);
	case KEY_MODE:
		return json_pack("{s:[s,s], s:s}", "type", "string", "integer", "pattern",
				 "^[0-7]+$");
	case KEY_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case KEY_ENUM:
		return json_pack("{s:o}", "enum", names_json(row->names));
	case KEY_PATTERN:
		return json_pack("{s:o}", "enum", patterns_json());
	case KEY_TEXTS:
		return list_json(json_pack("{s:s}", "type", "string"));
	case KEY_SIZES:
		return list_json(json_pack("{s:s, s:s}", "type", "string", "pattern", SIZE_FORM));
	case KEY_PARTITIONS:
		return list_json(object_json(partition_keys));
	case KEY_FILES:
		return list_json(object_json(file_keys));
	case KEY_TEXT:
	case KEY_MEDIUM:
	case KEY_ADDRESS:
		break;
	}
	return json_pack("{s:s}", "type", "string");
}

static json_t *row_json(const struct key_row *row)
{
	json_t *json = type_json(row);
	CLEANUP(free_cleanup)
	char *help = row->allowed ? str_format("%s. Allowed: %s.", row->help, row->allowed)
				  : str_format("%s.", row->help);

	json_object_set_new(json, "description", json_string(help));
	return json;
}

/* The map of the group that a path lies in ("machine" of "machine.memory"), made when it is not
 * there; ret_key: the last part of the path. */
static json_t *group_json(json_t *properties, const char *path, const char **ret_key)
{
	const char *dot = strchr(path, '.');

	*ret_key = path;
	if (!dot)
		return properties;
	CLEANUP(free_cleanup) char *name = str_format("%.*s", (int)(dot - path), path);
	json_t *group = json_object_get(properties, name);
	if (!group) {
		group = json_pack("{s:s, s:b, s:{}}", "type", "object", "additionalProperties", 0,
				  "properties");
		json_object_set_new(properties, name, group);
	}
	*ret_key = dot + 1;
	return json_object_get(group, "properties");
}

static json_t *object_json(const struct key_row *keys)
{
	json_t *object = json_pack("{s:s, s:b, s:{}}", "type", "object", "additionalProperties", 0,
				   "properties");
	json_t *properties = json_object_get(object, "properties");

	for (const struct key_row *row = keys; row->path; row++) {
		const char *key;
		json_t *group = group_json(properties, row->path, &key);

		json_object_set_new(group, key, row_json(row));
	}
	return object;
}

static json_t *text_json(const char *description)
{
	return json_pack("{s:s, s:s}", "type", "string", "description", description);
}

char *schema_json(void)
{
	json_t *layer = object_json(layer_keys);
	json_t *profile = json_deep_copy(layer);
	json_t *properties = json_object_get(layer, "properties");
	json_t *stack_properties = json_object();

	json_object_set_new(properties, "profile",
			    text_json("The layer's profile, relative to the stack file."));
	json_object_set_new(
		properties, "inside",
		text_json("The host it runs on; otherwise the nearest one listed above."));
	json_object_set_new(json_object_get(profile, "properties"), "include",
			    text_json("A profile that this one stands on, relative to it."));
	json_object_set_new(stack_properties, "name", text_json("Name; otherwise the file's."));
	json_object_set_new(stack_properties, "description", text_json("For people."));
	json_object_set_new(stack_properties, "layers", list_json(layer));
	json_t *stack =
		json_pack("{s:s, s:b, s:[s], s:o}", "type", "object", "additionalProperties", 0,
			  "required", "layers", "properties", stack_properties);
	json_t *schema = json_pack("{s:s, s:s, s:[o,o]}", "$schema",
				   "https://json-schema.org/draft/2020-12/schema", "title",
				   "nestctl stack file or layer profile", "anyOf", stack, profile);
	char *text = json_dumps(schema, JSON_INDENT(2));
	char *copy = str_copy(text);

	free(text);
	json_decref(schema);
	return copy;
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
		[KEY_PATTERN] = "word",
		[KEY_ADDRESS] = "dhcp or address",
		[KEY_PARTITIONS] = "list",
		[KEY_FILES] = "list",
	};

	return texts[row->type];
}

static void table_text(const struct key_row *keys, struct buf *text)
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

		buf_format(text, "| `%s` | %s | %s | %s | %s |\n", row->path, type_text(row),
			   allowed, fallback, row->help);
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
		"replaced. Sizes are written in KiB, MiB, GiB or TiB.\n\n## Layers\n\n");
	table_text(layer_keys, text);
	buf_text(text, "\n## Partitions (`disk.partitions`)\n\n");
	table_text(partition_keys, text);
	buf_text(text, "\n## Extra files (`files`)\n\n");
	table_text(file_keys, text);
	buf_text(text, "\n## Patterns\n\n| pattern | for a | what it is |\n| --- | --- | --- |\n");
	for (size_t i = 0; pattern_at(i); i++)
		buf_format(text, "| `%s` | %s | %s |\n", pattern_at(i)->name,
			   role_name(pattern_at(i)->role), pattern_at(i)->summary);
}
