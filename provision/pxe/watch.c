#include "pxe/watch.h"

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"

struct watch {
	uint64_t version;
	json_t *stages; /* machine -> what was said of it last */
};

struct watch *watch_new(void)
{
	struct watch *watch = mem_alloc(sizeof *watch);

	watch->stages = json_object();
	return watch;
}

void watch_cleanup(struct watch **watch)
{
	if (!*watch)
		return;
	json_decref((*watch)->stages);
	free(*watch);
}

static const char *text_of(const json_t *machine, const char *key)
{
	const char *text = json_string_value(json_object_get(machine, key));

	return text ? text : "";
}

/* Who it is: its name, of a stranger its MAC address. */
static const char *name_of(const json_t *machine)
{
	const char *name = text_of(machine, "name");

	return *name ? name : text_of(machine, "mac");
}

static void machine_tell(struct watch *watch, const json_t *machine)
{
	const char *name = name_of(machine), *error = text_of(machine, "error");
	CLEANUP(free_cleanup)
	char *said = str_format("%s%s%s", text_of(machine, "stage"), *error ? ": " : "", error);

	if (str_equal(said, text_of(watch->stages, name)))
		return;
	json_object_set_new(watch->stages, name, json_string(said));
	str_tame(said);
	log_info("%s: %s", name, said);
}

static void machines_tell(struct watch *watch, const json_t *machines)
{
	const json_t *machine;
	size_t i;

	json_array_foreach(machines, i, machine)
	{
		if (!str_equal(text_of(machine, "stage"), "unseen"))
			machine_tell(watch, machine);
	}
}

static void progress_tell(const json_t *machines)
{
	size_t installing = 0, i;
	double done = 0, total = 0;
	const json_t *machine;

	json_array_foreach(machines, i, machine)
	{
		if (!str_equal(text_of(machine, "stage"), "installing"))
			continue;
		installing++;
		done += json_number_value(json_object_get(machine, "done"));
		total += json_number_value(json_object_get(machine, "total"));
	}
	if (installing > 0 && total > 0)
		log_status("installing %zu machine%s: %.0f %%", installing,
			   installing == 1 ? "" : "s", 100 * done / total);
	else
		log_status("%s", "");
}

void watch_tell(struct watch *watch, struct ledger *ledger)
{
	uint64_t version = ledger_version(ledger);

	if (version == watch->version)
		return;
	watch->version = version;
	CLEANUP(free_cleanup) char *text = ledger_json(ledger);
	CLEANUP(json_cleanup) json_t *json = json_loads(text, 0, NULL);
	const json_t *machines = json_object_get(json, "machines");

	machines_tell(watch, machines);
	machines_tell(watch, json_object_get(json, "strangers"));
	progress_tell(machines);
}
