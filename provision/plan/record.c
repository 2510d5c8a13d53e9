#include "plan/record.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "plan/plan.h"

#define RECORD_MAX_BYTES (8u << 20)

struct record_step {
	char *name;
	struct inputs inputs;
};

struct record {
	struct record_step *steps;
	size_t count;
};

static void json_cleanup(json_t **json)
{
	json_decref(*json);
}

static void step_read(struct record *record, json_t *json)
{
	const char *name = json_string_value(json_object_get(json, "name"));
	json_t *inputs = json_object_get(json, "inputs");
	const char *key;
	json_t *value;

	if (!name)
		return;
	record->steps = mem_grow(record->steps, record->count + 1, sizeof *record->steps);
	struct record_step *step = &record->steps[record->count++];
	*step = (struct record_step){ .name = str_copy(name) };
	json_object_foreach(inputs, key, value) {
		if (json_is_string(value))
			inputs_add(&step->inputs, key, json_string_value(value));
	}
}

struct record *record_read(const char *out)
{
	CLEANUP(free_cleanup) char *path = path_join(out, "build.json");
	CLEANUP(free_cleanup) char *text = NULL;
	size_t index;
	json_t *step;

	if (file_read(path, RECORD_MAX_BYTES, &text, NULL, NULL) < 0)
		return NULL;
	CLEANUP(json_cleanup) json_t *json = json_loads(text, 0, NULL);
	if (!json)
		return NULL;
	struct record *record = mem_alloc(sizeof *record);
	json_array_foreach(json_object_get(json, "steps"), index, step) {
		step_read(record, step);
	}
	return record;
}

void record_free(struct record *record)
{
	if (!record)
		return;
	for (size_t i = 0; i < record->count; i++) {
		free(record->steps[i].name);
		inputs_done(&record->steps[i].inputs);
	}
	free(record->steps);
	free(record);
}

void record_cleanup(struct record **record)
{
	record_free(*record);
}

const struct inputs *record_inputs(const struct record *record, const char *step_name)
{
	for (size_t i = 0; record && i < record->count; i++)
		if (str_equal(record->steps[i].name, step_name))
			return &record->steps[i].inputs;
	return NULL;
}

static json_t *step_json(const struct step *step)
{
	json_t *inputs = json_object();

	for (size_t i = 0; i < step->inputs.count; i++)
		json_object_set_new(inputs, step->inputs.items[i].name,
				    json_string(step->inputs.items[i].value));
	return json_pack("{s:s, s:s, s:s, s:o}", "name", step->name, "key", step->key, "makes",
			 step->makes, "inputs", inputs);
}

int record_write(const struct plan *plan, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(plan->out, "build.json");
	CLEANUP(json_cleanup) json_t *json =
		json_pack("{s:s, s:o}", "stack", plan->stack->name, "steps", json_array());

	for (size_t i = 0; i < plan->count; i++)
		json_array_append_new(json_object_get(json, "steps"), step_json(plan->steps[i]));
	CLEANUP(free_cleanup) char *text = json_dumps(json, JSON_INDENT(2));
	if (!text)
		return err_set(err, -EILSEQ, "%s: a name in the plan is not UTF-8", path);
	return file_write(path, text, strlen(text), 0644, err);
}

bool record_product_is(const char *out, const char *key)
{
	CLEANUP(free_cleanup) char *image = path_join(out, "l1.raw");
	CLEANUP(free_cleanup) char *path = path_join(out, "l1.key");
	CLEANUP(free_cleanup) char *text = NULL;

	return path_exists(image) &&
	       file_read(path, HASH_HEX_LENGTH, &text, NULL, NULL) == 0 && str_equal(text, key);
}

int record_product_set(const char *out, const char *key, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(out, "l1.key");

	if (key)
		return file_write(path, key, strlen(key), 0644, err);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, errno, "%s: cannot be removed", path);
	return dir_sync(out, err);
}
