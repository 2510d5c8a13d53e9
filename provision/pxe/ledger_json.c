/* The ledger as the page, `nestctl pxe status` and the API show it (docs/pxe.md, "The page and the
 * API"). No token, nor a hash of one, is in it.
 */
#include "base/json.h"
#include "pxe/ledger_state.h"

static const char *or_else(const char *text, const char *other)
{
	return *text ? text : other;
}

static void text_set(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, json_text(text));
}

static json_t *machine_json(const struct lab_machine *machine, const struct facts *facts,
			    const char *console, time_t now)
{
	json_t *object = json_object();
	json_t *levels = facts->levels ? json_loads(facts->levels, 0, NULL) : NULL;

	text_set(object, "name", machine->name);
	text_set(object, "mac", or_else(facts->mac, machine->mac));
	text_set(object, "uuid", or_else(facts->uuid, machine->uuid));
	text_set(object, "address", facts->address);
	text_set(object, "firmware", ledger_firmware_text(facts->firmware));
	text_set(object, "stack", machine->stack->own_name);
	text_set(object, "way", machine->way == LAB_IMAGE ? "image" : "answers");
	text_set(object, "stage", ledger_stage_text(facts->stage));
	text_set(object, "decision", ledger_decision_text(facts->decision));
	json_object_set_new(object, "since", json_integer(facts->since));
	json_object_set_new(object, "seconds",
			    json_integer(now > facts->since ? now - facts->since : 0));
	json_object_set_new(object, "done", json_integer((json_int_t)facts->done));
	json_object_set_new(object, "total", json_integer((json_int_t)facts->total));
	text_set(object, "text", facts->text);
	text_set(object, "error", facts->error);
	text_set(object, "console", console);
	json_object_set_new(object, "levels", levels ? levels : json_array());
	json_object_set_new(object, "attempts", json_integer(facts->attempts));
	return object;
}

/* The lock is held for a copy only: there may be many machines with many levels. */
static json_t *place_json(struct ledger *ledger, const struct place *place, time_t now)
{
	CLEANUP(facts_done) struct facts facts;
	CLEANUP(free_cleanup) char *console = NULL;

	pthread_mutex_lock(&ledger->lock);
	facts_copy(&facts, &place->facts);
	console = str_format("%.*s", (int)place->console_length, place->console);
	pthread_mutex_unlock(&ledger->lock);
	return machine_json(place->machine, &facts, console, now);
}

static json_t *stranger_json(const struct stranger *stranger)
{
	json_t *object = json_object();

	text_set(object, "mac", stranger->mac);
	text_set(object, "uuid", stranger->uuid);
	text_set(object, "address", stranger->address);
	text_set(object, "firmware", ledger_firmware_text(stranger->firmware));
	json_object_set_new(object, "seen", json_integer(stranger->seen));
	return object;
}

static json_t *strangers_json(struct ledger *ledger)
{
	json_t *strangers = json_array();

	pthread_mutex_lock(&ledger->lock);
	for (size_t i = ledger->stranger_count; i-- > 0;)
		json_array_append_new(strangers, stranger_json(&ledger->strangers[i]));
	pthread_mutex_unlock(&ledger->lock);
	return strangers;
}

char *ledger_json(struct ledger *ledger)
{
	CLEANUP(json_cleanup) json_t *root = json_object();
	json_t *machines = json_array();
	time_t now = time(NULL);

	text_set(root, "lab", ledger->lab->name);
	/* Read first: what changes meanwhile has a higher one. */
	json_object_set_new(root, "version", json_integer((json_int_t)ledger_version(ledger)));
	json_object_set_new(root, "now", json_integer(now));
	json_object_set_new(root, "proven", json_boolean(ledger_all_proven(ledger)));
	for (size_t i = 0; i < ledger->lab->machine_count; i++)
		json_array_append_new(machines, place_json(ledger, &ledger->places[i], now));
	json_object_set_new(root, "machines", machines);
	json_object_set_new(root, "strangers", strangers_json(ledger));
	char *text = json_dumps(root, JSON_COMPACT);
	return text ? text : str_copy("{}");
}
