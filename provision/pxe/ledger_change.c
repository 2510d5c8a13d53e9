#include "pxe/ledger_change.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "pxe/ledger_file.h"

#define FAST_SECONDS 3 /* between two writes of what comes fast */

void facts_copy(struct facts *to, const struct facts *from)
{
	*to = *from;
	to->levels = str_copy(from->levels);
}

void facts_done(struct facts *facts)
{
	free(facts->levels);
	facts->levels = NULL;
}

static const enum boot_decision decisions[] = {
	[LAB_BOOT_INSTALL] = DECISION_INSTALL,
	[LAB_BOOT_LOCAL] = DECISION_LOCAL,
	[LAB_BOOT_RESCUE] = DECISION_RESCUE,
};

void facts_begin(struct facts *facts, const struct lab_machine *machine, time_t now)
{
	*facts = (struct facts){ .stage = MACHINE_UNSEEN,
				 .decision = decisions[machine->boot],
				 .listed = decisions[machine->boot],
				 .since = now,
				 .heard = now };
}

void facts_listed(struct facts *facts, const struct lab_machine *machine)
{
	enum boot_decision now = decisions[machine->boot];
	bool installed = facts->stage == MACHINE_INSTALLED || facts->stage == MACHINE_STARTING ||
			 facts->stage == MACHINE_PROVING || facts->stage == MACHINE_PROVEN;

	if (facts->listed != now && !(installed && *facts->agent_tokens)) {
		facts_again(facts);
		facts->decision = now;
	}
	facts->listed = now;
}

struct place *ledger_place(struct ledger *ledger, const struct lab_machine *machine)
{
	assert(machine >= ledger->lab->machines &&
	       machine < ledger->lab->machines + ledger->lab->machine_count);
	return &ledger->places[machine - ledger->lab->machines];
}

void change_begin(struct change *change, struct ledger *ledger, struct place *place)
{
	*change = (struct change){ .ledger = ledger, .place = place };
	pthread_mutex_lock(&place->change);
	pthread_mutex_lock(&ledger->lock);
	facts_copy(&change->next, &place->facts);
	pthread_mutex_unlock(&ledger->lock);
}

void change_drop(struct change *change)
{
	facts_done(&change->next);
	pthread_mutex_unlock(&change->place->change);
}

int change_end(struct change *change, struct err *err)
{
	struct ledger *ledger = change->ledger;
	struct place *place = change->place;

	time_t now = time(NULL);

	if (!change->fast || now - place->written >= FAST_SECONDS) {
		int r = ledger_files_machine(ledger, place->machine, &change->next, err);
		if (r < 0) {
			change_drop(change);
			return r;
		}
		place->written = now;
	}
	pthread_mutex_lock(&ledger->lock);
	struct facts old = place->facts;
	place->facts = change->next;
	pthread_mutex_unlock(&ledger->lock);
	change->next = old;
	change_drop(change);
	ledger_tell(ledger);
	return 0;
}

void ledger_tell(struct ledger *ledger)
{
	pthread_mutex_lock(&ledger->lock);
	ledger->version++;
	void (*on_change)(void *context) = ledger->on_change;
	void *context = ledger->context;
	pthread_mutex_unlock(&ledger->lock);
	if (on_change)
		on_change(context);
}

/* The list as it is, and whether it is to be written. stranger_change is held. */
static struct stranger *strangers_copy(struct ledger *ledger, size_t *ret_count)
{
	struct stranger *copy = mem_alloc(STRANGERS_MAX * sizeof *copy);

	pthread_mutex_lock(&ledger->lock);
	*ret_count = ledger->stranger_count;
	memcpy(copy, ledger->strangers, *ret_count * sizeof *copy);
	ledger->strangers_new = false;
	pthread_mutex_unlock(&ledger->lock);
	return copy;
}

void strangers_keep(struct ledger *ledger, bool at_once)
{
	struct err err = { 0 };
	time_t now = time(NULL);

	pthread_mutex_lock(&ledger->lock);
	bool wanted = ledger->strangers_new;
	pthread_mutex_unlock(&ledger->lock);
	if (!wanted)
		return;
	pthread_mutex_lock(&ledger->stranger_change);
	if (at_once || now - ledger->strangers_written >= FAST_SECONDS) {
		size_t count;
		CLEANUP(free_cleanup) struct stranger *copy = strangers_copy(ledger, &count);

		/* They get their local disk whether they are remembered or not. */
		if (ledger_files_strangers(ledger, copy, count, &err) < 0)
			log_debug("%s", err.text);
		ledger->strangers_written = now;
	}
	pthread_mutex_unlock(&ledger->stranger_change);
	err_clear(&err);
}

void facts_string(char *to, size_t length, const char *text)
{
	size_t taken = str_cut(text, length);

	memmove(to, text, taken);
	to[taken] = '\0';
	str_tame(to);
}

void facts_stage(struct facts *facts, enum machine_stage stage)
{
	facts->stage = stage;
	facts->since = time(NULL);
	facts->heard = facts->since;
	*facts->error = '\0';
	facts->late = false;
}

void facts_heard(struct facts *facts)
{
	facts->heard = time(NULL);
	if (facts->late)
		*facts->error = '\0';
	facts->late = false;
}

void facts_shut(struct facts *facts)
{
	*facts->token = '\0';
	*facts->token_address = '\0';
}

void facts_withdraw(struct facts *facts)
{
	facts_shut(facts);
	facts->attempts = 0;
}

void facts_agent_token(struct facts *facts, const char *hash)
{
	CLEANUP(free_cleanup) char *before = str_copy(facts->agent_tokens);

	/* What is too much is cut off: the oldest. */
	snprintf(facts->agent_tokens, sizeof facts->agent_tokens, "%s%s%s", hash,
		 *before ? " " : "", before);
}

void facts_again(struct facts *facts)
{
	facts_withdraw(facts);
	facts_stage(facts, MACHINE_UNSEEN);
	*facts->agent_tokens = '\0';
	*facts->text = '\0';
	facts->done = facts->total = 0;
	free(take(&facts->levels));
}

void facts_free(struct facts *facts)
{
	*facts->mac = '\0';
	*facts->uuid = '\0';
	*facts->address = '\0';
	facts->firmware = FIRMWARE_UNKNOWN;
}

/* Only the tail is kept, from the beginning of a line where there is one. */
static void console_keep_tail(struct place *place)
{
	size_t room = CONSOLE_BYTES / 2;

	if (place->console_length <= room)
		return;
	const char *from = place->console + place->console_length - room;
	const char *line = memchr(from, '\n', room);
	if (line)
		from = line + 1;
	place->console_length -= (size_t)(from - place->console);
	memmove(place->console, from, place->console_length);
}

void place_console(struct ledger *ledger, struct place *place, const char *text, size_t length)
{
	CLEANUP(free_cleanup)
	char *tail = length > CONSOLE_BYTES / 2 ? str_format("%.*s", CONSOLE_BYTES / 2,
							     text + length - CONSOLE_BYTES / 2)
						: str_format("%.*s", (int)length, text);
	size_t added = strlen(tail);

	str_tame_lines(tail);
	pthread_mutex_lock(&ledger->lock);
	if (place->console_length + added > CONSOLE_BYTES)
		console_keep_tail(place);
	memcpy(place->console + place->console_length, tail, added);
	place->console_length += added;
	pthread_mutex_unlock(&ledger->lock);
	ledger_tell(ledger);
}

int levels_text(const char *matrix_json, char **ret_levels, struct err *err)
{
	CLEANUP(json_cleanup) json_t *matrix = NULL;
	const json_t *levels = NULL;

	if (strnlen(matrix_json, LEVELS_BYTES) < LEVELS_BYTES)
		matrix = json_loads(matrix_json, 0, NULL);
	levels = json_object_get(matrix, "levels");
	if (!json_is_array(levels))
		return err_set(err, -EBADMSG, "the levels of a machine: no matrix, or over %zu KiB",
			       LEVELS_BYTES / 1024);
	*ret_levels = json_dumps(levels, JSON_COMPACT);
	return 0;
}
