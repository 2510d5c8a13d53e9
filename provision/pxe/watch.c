#include "pxe/watch.h"

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"

/* Whoever invents addresses must not fill the log. */
#define STRANGERS_TOLD 50

struct watch {
	uint64_t version;
	json_t *stages;	   /* machine -> what was said of it last */
	json_t *strangers; /* those that were told of */
};

struct watch *watch_new(void)
{
	struct watch *watch = mem_alloc(sizeof *watch);

	watch->stages = json_object();
	watch->strangers = json_object();
	return watch;
}

void watch_cleanup(struct watch **watch)
{
	if (!*watch)
		return;
	json_decref((*watch)->stages);
	json_decref((*watch)->strangers);
	free(*watch);
}

static void machine_tell(struct watch *watch, const json_t *machine)
{
	const char *name = json_member_text(machine, "name"),
		   *error = json_member_text(machine, "error");
	CLEANUP(free_cleanup)
	char *said =
		str_format("%s%s%s", json_member_text(machine, "stage"), *error ? ": " : "", error);

	if (str_equal(said, json_member_text(watch->stages, name)))
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
		if (!str_equal(json_member_text(machine, "stage"), "unseen"))
			machine_tell(watch, machine);
	}
}

/* Once each, by its MAC address or else its UUID; only so many. */
static void stranger_tell(struct watch *watch, const json_t *stranger)
{
	const char *mac = json_member_text(stranger, "mac");
	const char *name = *mac ? mac : json_member_text(stranger, "uuid");
	size_t told = json_object_size(watch->strangers);

	if (told > STRANGERS_TOLD || json_object_get(watch->strangers, name))
		return;
	json_object_set_new(watch->strangers, name, json_true());
	if (told == STRANGERS_TOLD)
		log_info("further strangers are on the status page alone");
	else
		log_info("%s (%s): a stranger: is not on the list, boots its local disk", name,
			 json_member_text(stranger, "address"));
}

static void strangers_tell(struct watch *watch, const json_t *strangers)
{
	const json_t *stranger;
	size_t i;

	json_array_foreach(strangers, i, stranger)
	{
		stranger_tell(watch, stranger);
	}
}

static void progress_tell(const json_t *machines)
{
	size_t installing = 0, i;
	double done = 0, total = 0;
	const json_t *machine;

	json_array_foreach(machines, i, machine)
	{
		if (!str_equal(json_member_text(machine, "stage"), "installing"))
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
	strangers_tell(watch, json_object_get(json, "strangers"));
	progress_tell(machines);
}
