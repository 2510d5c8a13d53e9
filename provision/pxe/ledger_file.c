#include "pxe/ledger_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"

#define FORMAT	       1
#define FILE_BYTES     ((size_t)1 << 20)
#define MACHINES       "machines"
#define LAB_FILE       "lab.json"
#define STRANGERS_FILE "strangers.json"

/* --- JSON, both ways ---------------------------------------------------------------------------
 */

struct text_key {
	const char *key;
	size_t offset, size;
};

#define TEXT_KEY(type, name)                                                                       \
	{                                                                                          \
#name, offsetof(struct type, name), sizeof((struct type *)0)->name                 \
	}

static const struct text_key facts_texts[] = {
	TEXT_KEY(facts, mac),		TEXT_KEY(facts, uuid),	       TEXT_KEY(facts, address),
	TEXT_KEY(facts, text),		TEXT_KEY(facts, error),	       TEXT_KEY(facts, token),
	TEXT_KEY(facts, token_address), TEXT_KEY(facts, agent_tokens), { 0 },
};

static const struct text_key stranger_texts[] = {
	TEXT_KEY(stranger, mac),
	TEXT_KEY(stranger, uuid),
	TEXT_KEY(stranger, address),
	{ 0 },
};

static void texts_put(json_t *object, const struct text_key *keys, const void *from)
{
	for (; keys->key; keys++)
		json_object_set_new(object, keys->key,
				    json_text((const char *)from + keys->offset));
}

/* Why an object is none of ours; the caller frees; NULL: it is. */
static char *texts_take(const json_t *object, const struct text_key *keys, void *to)
{
	for (; keys->key; keys++) {
		const char *text = json_string_value(json_object_get(object, keys->key));

		size_t length = text ? strlen(text) : 0;

		if (!text || length >= keys->size)
			return str_format("\"%s\" is no text of at most %zu bytes", keys->key,
					  keys->size - 1);
		memcpy((char *)to + keys->offset, text, length + 1);
	}
	return NULL;
}

static char *number_take(const json_t *object, const char *key, json_int_t max, json_int_t *ret)
{
	const json_t *value = json_object_get(object, key);

	*ret = json_integer_value(value);
	if (json_is_integer(value) && *ret >= 0 && *ret <= max)
		return NULL;
	return str_format("\"%s\" is no number up to %lld", key, (long long)max);
}

static char *name_take(const json_t *object, const char *key, int (*find)(const char *name),
		       int *ret)
{
	*ret = find(json_string_value(json_object_get(object, key)));
	return *ret >= 0 ? NULL : str_format("\"%s\" is none of those that there are", key);
}

static json_t *facts_json(const struct facts *facts)
{
	json_t *object = json_object();
	json_t *levels = facts->levels ? json_loads(facts->levels, 0, NULL) : NULL;

	texts_put(object, facts_texts, facts);
	json_object_set_new(object, "stage", json_string(ledger_stage_text(facts->stage)));
	json_object_set_new(object, "decision", json_string(ledger_decision_text(facts->decision)));
	json_object_set_new(object, "listed", json_string(ledger_decision_text(facts->listed)));
	json_object_set_new(object, "firmware", json_string(ledger_firmware_text(facts->firmware)));
	json_object_set_new(object, "since", json_integer(facts->since));
	json_object_set_new(object, "heard", json_integer(facts->heard));
	json_object_set_new(object, "done", json_integer((json_int_t)facts->done));
	json_object_set_new(object, "total", json_integer((json_int_t)facts->total));
	json_object_set_new(object, "attempts", json_integer(facts->attempts));
	json_object_set_new(object, "late", json_boolean(facts->late));
	json_object_set_new(object, "levels", levels ? levels : json_array());
	return object;
}

static char *facts_numbers(const json_t *object, struct facts *facts)
{
	json_int_t since, heard, done, total, attempts;
	char *why = number_take(object, "since", LLONG_MAX, &since);

	if (!why)
		why = number_take(object, "heard", LLONG_MAX, &heard);
	if (!why)
		why = number_take(object, "done", LLONG_MAX, &done);
	if (!why)
		why = number_take(object, "total", LLONG_MAX, &total);
	if (!why)
		why = number_take(object, "attempts", INT_MAX, &attempts);
	if (why)
		return why;
	facts->since = (time_t)since;
	facts->heard = (time_t)heard;
	facts->done = (uint64_t)done;
	facts->total = (uint64_t)total;
	facts->attempts = (unsigned)attempts;
	facts->late = json_is_true(json_object_get(object, "late"));
	return NULL;
}

static char *facts_names(const json_t *object, struct facts *facts)
{
	int stage, decision, listed, firmware;
	char *why = name_take(object, "stage", ledger_stage_find, &stage);

	if (!why)
		why = name_take(object, "decision", ledger_decision_find, &decision);
	if (!why)
		why = name_take(object, "listed", ledger_decision_find, &listed);
	if (!why)
		why = name_take(object, "firmware", ledger_firmware_find, &firmware);
	if (why)
		return why;
	facts->listed = (enum boot_decision)listed;
	facts->stage = (enum machine_stage)stage;
	facts->decision = (enum boot_decision)decision;
	facts->firmware = (enum firmware)firmware;
	return NULL;
}

/* facts are blank; what was read until something was wrong is in them. */
static char *facts_take(const json_t *object, struct facts *facts)
{
	const json_t *levels = json_object_get(object, "levels");
	char *why = texts_take(object, facts_texts, facts);

	if (!why)
		why = facts_numbers(object, facts);
	if (!why)
		why = facts_names(object, facts);
	if (!why && !json_is_array(levels))
		why = str_copy("\"levels\" is no list");
	if (!why && json_array_size(levels) > 0)
		facts->levels = json_dumps(levels, JSON_COMPACT);
	return why;
}

/* --- files ------------------------------------------------------------------------------------ */

static int json_write(const char *path, json_t *object, const char *lab, struct err *err)
{
	json_object_set_new(object, "format", json_integer(FORMAT));
	json_object_set_new(object, "lab", json_text(lab));
	char *text = json_dumps(object, JSON_INDENT(1));
	int r = text ? file_write(path, text, strlen(text), 0600, err)
		     : err_set(err, -EINVAL, "%s: cannot be written as JSON", path);

	free(text);
	return r;
}

static int damaged(struct err *err, const char *path, const char *why)
{
	return err_set(err, -EBADMSG,
		       "%s: %s; restore it, or remove it: what it tells of is then as the lab "
		       "file says (a machine with boot: install is installed anew)",
		       path, why);
}

/* *ret_object NULL: there is no such file. */
static int json_read(const char *path, const char *lab, json_t **ret_object, struct err *err)
{
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(free_cleanup) char *why = NULL;
	CLEANUP(json_cleanup) json_t *object = NULL;
	json_error_t problem;
	size_t length;

	*ret_object = NULL;
	if (!path_exists(path))
		return 0;
	int r = file_read(path, FILE_BYTES, &text, &length, err);
	if (r == -EFBIG)
		return damaged(err, path, "is too large to be the ledger's");
	if (r < 0)
		return r;
	object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
	const char *owner = json_string_value(json_object_get(object, "lab"));
	if (!object)
		why = str_format("is damaged (%s)", problem.text);
	else if (json_integer_value(json_object_get(object, "format")) != FORMAT)
		why = str_format("has another format than %d", FORMAT);
	else if (!owner || !str_equal(owner, lab))
		why = str_format("is of the lab \"%.64s\", not of %s", owner ? owner : "", lab);
	if (why)
		return damaged(err, path, why);
	*ret_object = take(&object);
	return 0;
}

static char *machine_path(const struct ledger *ledger, const struct lab_machine *machine)
{
	return str_format("%s/" MACHINES "/%s.json", ledger->folder, machine->name);
}

int ledger_files_machine(const struct ledger *ledger, const struct lab_machine *machine,
			 const struct facts *facts, struct err *err)
{
	CLEANUP(free_cleanup) char *path = machine_path(ledger, machine);
	CLEANUP(json_cleanup) json_t *object = facts_json(facts);

	json_object_set_new(object, "name", json_text(machine->name));
	return json_write(path, object, ledger->lab->name, err);
}

/* The lab file may give the name to other hardware now: then nothing that was known holds. */
static bool is_same(const struct lab_machine *machine, const struct facts *facts)
{
	return machine->any || (!*facts->mac && !*facts->uuid) ||
	       (*facts->mac && str_equal(facts->mac, machine->mac)) ||
	       identity_uuid_equal(facts->uuid, machine->uuid);
}

static int machine_read(struct ledger *ledger, struct place *place, struct err *err)
{
	CLEANUP(free_cleanup) char *path = machine_path(ledger, place->machine);
	CLEANUP(facts_done) struct facts facts = { 0 };
	CLEANUP(json_cleanup) json_t *object = NULL;
	int r = json_read(path, ledger->lab->name, &object, err);

	if (r < 0 || !object)
		return r;
	const char *name = json_string_value(json_object_get(object, "name"));
	CLEANUP(free_cleanup) char *why = facts_take(object, &facts);
	if (!why && (!name || !str_equal(name, place->machine->name)))
		why = str_format("is of the machine \"%.64s\"", name ? name : "");
	if (why)
		return damaged(err, path, why);
	if (!is_same(place->machine, &facts)) {
		log_warn("%s is another machine in the lab file than it was (%s): it begins anew",
			 place->machine->name, facts.mac);
		return 0;
	}
	facts_listed(&facts, place->machine);
	place->facts = facts;
	facts = (struct facts){ 0 };
	return 0;
}

int ledger_files_strangers(const struct ledger *ledger, const struct stranger *strangers,
			   size_t count, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(ledger->folder, STRANGERS_FILE);
	CLEANUP(json_cleanup) json_t *root = json_object();
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *object = json_object();

		texts_put(object, stranger_texts, &strangers[i]);
		json_object_set_new(object, "firmware",
				    json_string(ledger_firmware_text(strangers[i].firmware)));
		json_object_set_new(object, "seen", json_integer(strangers[i].seen));
		json_array_append_new(list, object);
	}
	json_object_set_new(root, "strangers", list);
	return json_write(path, root, ledger->lab->name, err);
}

static char *stranger_take(const json_t *object, struct stranger *stranger)
{
	json_int_t seen;
	int firmware;
	char *why = texts_take(object, stranger_texts, stranger);

	if (!why)
		why = number_take(object, "seen", LLONG_MAX, &seen);
	if (!why)
		why = name_take(object, "firmware", ledger_firmware_find, &firmware);
	if (why)
		return why;
	stranger->seen = (time_t)seen;
	stranger->firmware = (enum firmware)firmware;
	return NULL;
}

static int strangers_read(struct ledger *ledger, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(ledger->folder, STRANGERS_FILE);
	CLEANUP(free_cleanup) char *why = NULL;
	CLEANUP(json_cleanup) json_t *root = NULL;
	int r = json_read(path, ledger->lab->name, &root, err);

	if (r < 0 || !root)
		return r;
	const json_t *list = json_object_get(root, "strangers");
	if (!json_is_array(list) || json_array_size(list) > STRANGERS_MAX)
		return damaged(err, path, "has no list of strangers");
	for (size_t i = 0; !why && i < json_array_size(list); i++)
		why = stranger_take(json_array_get(list, i), &ledger->strangers[i]);
	if (why)
		return damaged(err, path, why);
	ledger->stranger_count = json_array_size(list);
	return 0;
}

/* --- opening ---------------------------------------------------------------------------------- */

static int folder_lock(struct ledger *ledger, struct err *err)
{
	CLEANUP(free_cleanup) char *machines = path_join(ledger->folder, MACHINES);
	int r = dir_make(ledger->folder, 0700, err);

	if (r < 0)
		return r;
	ledger->folder_lock = open(ledger->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ledger->folder_lock < 0)
		return err_errno(err, errno, "%s: cannot be opened", ledger->folder);
	if (flock(ledger->folder_lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			       ? err_set(err, -EBUSY,
					 "%s: another nestctl serves the lab %s (stop it first)",
					 ledger->folder, ledger->lab->name)
			       : err_errno(err, errno, "%s: cannot be locked", ledger->folder);
	return dir_make(machines, 0700, err);
}

static int lab_check(const struct ledger *ledger, struct err *err)
{
	CLEANUP(free_cleanup) char *path = path_join(ledger->folder, LAB_FILE);
	CLEANUP(json_cleanup) json_t *known = NULL;
	int r = json_read(path, ledger->lab->name, &known, err);

	if (r < 0 || known)
		return r;
	CLEANUP(json_cleanup) json_t *fresh = json_object();
	return json_write(path, fresh, ledger->lab->name, err);
}

int ledger_files_open(struct ledger *ledger, struct err *err)
{
	CLEANUP(free_cleanup) char *machines = path_join(ledger->folder, MACHINES);
	int r = folder_lock(ledger, err);

	if (r < 0)
		return r;
	temps_remove(ledger->folder);
	temps_remove(machines);
	r = lab_check(ledger, err);
	for (size_t i = 0; r == 0 && i < ledger->lab->machine_count; i++)
		r = machine_read(ledger, &ledger->places[i], err);
	return r < 0 ? r : strangers_read(ledger, err);
}
