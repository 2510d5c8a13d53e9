/* A plan for the eyes, and for machines. */
#include "plan/plan.h"

#include <errno.h>
#include <stdio.h>

#include "base/json.h"

static void step_print(size_t number, const struct step *step)
{
	CLEANUP(free_cleanup) char *size = step->size_bytes ? size_format(step->size_bytes) : NULL;
	CLEANUP(free_cleanup) char *reads = strv_join(&step->reads, ", ");

	printf("%2zu. %-34s %s\n", number, step->name, step->cached ? "cached" : step->reason);
	if (*reads)
		printf("      reads  %s\n", reads);
	printf("      makes  %s%s%s%s\n", step->makes, size ? " (" : "", size ? size : "",
	       size ? ", sparse)" : "");
	printf("      key    %.16s\n", step->key);
}

void plan_print(const struct plan *plan)
{
	size_t cached = 0;

	printf("%s: %zu steps into %s, store %s\n", plan->stack->name, plan->count, plan->out,
	       store_path(plan->store));
	for (size_t i = 0; i < plan->count; i++) {
		step_print(i + 1, plan->steps[i]);
		cached += plan->steps[i]->cached;
	}
	printf("%zu of %zu cached\n", cached, plan->count);
}

static json_t *texts_json(const struct strv *texts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < texts->count; i++)
		json_array_append_new(array, json_string(texts->items[i]));
	return array;
}

static json_t *step_json(const struct step *step)
{
	json_t *inputs = json_object();

	for (size_t i = 0; i < step->inputs.count; i++)
		json_object_set_new(inputs, step->inputs.items[i].name,
				    json_text(step->inputs.items[i].value));
	return json_pack("{s:s, s:s, s:s, s:s?, s:o, s:I, s:b, s:o, s:o, s:o}", "name", step->name,
			 "kind", step_kind_name(step->kind), "key", step->key, "layer",
			 step->layer ? step->layer->name : NULL, "makes", json_text(step->makes),
			 "size_bytes", (json_int_t)step->size_bytes, "cached", step->cached,
			 "reason", json_text(step->reason), "reads", texts_json(&step->reads),
			 "inputs", inputs);
}

int plan_print_json(const struct plan *plan, struct err *err)
{
	json_t *json = json_pack("{s:s, s:o, s:o, s:o}", "stack", plan->stack->name, "out",
				 json_text(plan->out), "store", json_text(store_path(plan->store)),
				 "steps", json_array());

	for (size_t i = 0; i < plan->count; i++)
		json_array_append_new(json_object_get(json, "steps"), step_json(plan->steps[i]));
	int r = json_dumpf(json, stdout, JSON_INDENT(2));
	json_decref(json);
	if (r < 0)
		return err_set(err, -EIO, "the plan cannot be written as JSON");
	putchar('\n');
	return 0;
}
