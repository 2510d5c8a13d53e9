#include "plan/history.h"

#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "plan/plan.h"

#define HISTORY_MAX_BYTES (8u << 20)

struct history_step {
	char *name;
	struct inputs inputs;
};

struct history {
	struct history_step *steps;
	size_t count;
};

static void step_read(struct history *history, json_t *json)
{
	const char *name = json_string_value(json_object_get(json, "name"));
	json_t *inputs = json_object_get(json, "inputs");
	const char *key;
	json_t *value;

	if (!name)
		return;
	history->steps = mem_grow(history->steps, history->count + 1, sizeof *history->steps);
	struct history_step *step = &history->steps[history->count++];
	*step = (struct history_step){ .name = str_copy(name) };
	json_object_foreach(inputs, key, value)
	{
		if (json_is_string(value))
			inputs_add(&step->inputs, key, json_string_value(value));
	}
}

struct history *history_read(const char *out)
{
	CLEANUP(free_cleanup) char *path = path_join(out, "build.json");
	CLEANUP(free_cleanup) char *text = NULL;
	size_t index;
	json_t *step;

	if (file_read(path, HISTORY_MAX_BYTES, &text, NULL, NULL) < 0)
		return NULL;
	CLEANUP(json_cleanup) json_t *json = json_loads(text, 0, NULL);
	if (!json)
		return NULL;
	struct history *history = mem_alloc(sizeof *history);
	json_array_foreach(json_object_get(json, "steps"), index, step)
	{
		step_read(history, step);
	}
	return history;
}

void history_free(struct history *history)
{
	if (!history)
		return;
	for (size_t i = 0; i < history->count; i++) {
		free(history->steps[i].name);
		inputs_done(&history->steps[i].inputs);
	}
	free(history->steps);
	free(history);
}

void history_cleanup(struct history **history)
{
	history_free(*history);
}

const struct inputs *history_inputs(const struct history *history, const char *step_name)
{
	for (size_t i = 0; history && i < history->count; i++)
		if (str_equal(history->steps[i].name, step_name))
			return &history->steps[i].inputs;
	return NULL;
}

static json_t *step_json(const struct step *step)
{
	json_t *inputs = json_object();

	for (size_t i = 0; i < step->inputs.count; i++)
		json_object_set_new(inputs, step->inputs.items[i].name,
				    json_text(step->inputs.items[i].value));
	return json_pack("{s:s, s:s, s:o, s:o}", "name", step->name, "key", step->key, "makes",
			 json_text(step->makes), "inputs", inputs);
}

int history_write(const struct plan *plan, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(plan->out, "build.json");
	CLEANUP(json_cleanup)
	json_t *json = json_pack("{s:s, s:o}", "stack", plan->stack->name, "steps", json_array());

	for (size_t i = 0; i < plan->count; i++)
		json_array_append_new(json_object_get(json, "steps"), step_json(plan->steps[i]));
	CLEANUP(free_cleanup) char *text = json_dumps(json, JSON_INDENT(2));
	if (!text)
		return err_set(err, -EILSEQ, "%s: a name in the plan is not UTF-8", path);
	return file_write(path, text, strlen(text), 0644, err);
}
