#include "pxe/ledger.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "pxe/ledger_change.h"
#include "pxe/ledger_file.h"

/* --- life ------------------------------------------------------------------------------------ */

static struct ledger *ledger_new(const char *folder, const struct lab *lab)
{
	struct ledger *ledger = mem_alloc(sizeof *ledger);
	time_t now = time(NULL);

	*ledger = (struct ledger){ .lab = lab, .folder = str_copy(folder), .folder_lock = -1 };
	pthread_mutex_init(&ledger->lock, NULL);
	pthread_mutex_init(&ledger->stranger_change, NULL);
	/* A page that was open while the server was started again sees a higher one. */
	ledger->version = (uint64_t)now * 1000;
	ledger->places = mem_alloc(lab->machine_count * sizeof *ledger->places);
	ledger->strangers = mem_alloc(STRANGERS_MAX * sizeof *ledger->strangers);
	for (size_t i = 0; i < lab->machine_count; i++) {
		ledger->places[i].machine = &lab->machines[i];
		pthread_mutex_init(&ledger->places[i].change, NULL);
		facts_begin(&ledger->places[i].facts, &lab->machines[i], now);
	}
	return ledger;
}

int ledger_open(const char *folder, const struct lab *lab, struct ledger **ret_ledger,
		struct err *err)
{
	CLEANUP(ledger_cleanup) struct ledger *ledger = ledger_new(folder, lab);
	int r = ledger_files_open(ledger, err);

	if (r < 0)
		return err_wrap(err, r, "the ledger of the lab %s", lab->name);
	*ret_ledger = take(&ledger);
	return 0;
}

void ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return;
	strangers_keep(ledger, true);
	for (size_t i = 0; i < ledger->lab->machine_count; i++) {
		facts_done(&ledger->places[i].facts);
		pthread_mutex_destroy(&ledger->places[i].change);
	}
	pthread_mutex_destroy(&ledger->lock);
	pthread_mutex_destroy(&ledger->stranger_change);
	fd_cleanup(&ledger->folder_lock);
	free(ledger->places);
	free(ledger->strangers);
	free(ledger->folder);
	free(ledger);
}

void ledger_cleanup(struct ledger **ledger)
{
	ledger_free(*ledger);
}

/* --- tokens ---------------------------------------------------------------------------------- */

/* An address of the machine's own: the one that the token was used from first, or the fixed one
 * that its L1 has, which an installer may take while it runs. */
static bool address_fits(const struct place *place, const char *address)
{
	const struct network_spec *network = &place->machine->stack->layers[0]->network;
	size_t length = strlen(address);

	return str_equal(place->facts.token_address, address) ||
	       (network->mode == ADDRESS_STATIC && str_starts(network->address, address) &&
		network->address[length] == '/');
}

static bool agent_hash_fits(const struct facts *facts, const char *hash)
{
	size_t length = strlen(facts->agent_tokens);
	bool fits = false;

	for (size_t at = 0; at + HASH_HEX_LENGTH <= length; at += HASH_HEX_LENGTH + 1)
		fits |= token_hash_equal(facts->agent_tokens + at, hash);
	return fits;
}

/* Every hash is compared, whichever fits: the time tells nothing. The ledger's lock is held. */
static struct place *place_of_hash(struct ledger *ledger, const char *hash, bool agent)
{
	struct place *found = NULL;

	for (size_t i = 0; i < ledger->lab->machine_count; i++) {
		struct place *place = &ledger->places[i];

		if (agent ? agent_hash_fits(&place->facts, hash)
			  : token_hash_equal(place->facts.token, hash))
			found = place;
	}
	return found;
}

static int token_refused(struct err *err)
{
	return err_set(err, -EACCES,
		       "the token is not valid: it was withdrawn, or is another machine's");
}

/* The first use of a token: from now on its address is known. */
static int token_bind(struct ledger *ledger, struct place *place, const char *hash,
		      const char *address, struct err *err)
{
	struct change change;

	change_begin(&change, ledger, place);
	/* Another thread may have been first, for another address or with another token. */
	if (!token_hash_equal(change.next.token, hash) ||
	    (*change.next.token_address && !str_equal(change.next.token_address, address))) {
		change_drop(&change);
		return token_refused(err);
	}
	facts_string(change.next.token_address, ADDRESS_LENGTH, address);
	return change_end(&change, err);
}

int ledger_token(struct ledger *ledger, const char *token, const char *address,
		 const struct lab_machine **ret_machine, struct err *err)
{
	char hash[HASH_HEX_LENGTH + 1];
	bool bound = false, fits = false;

	if (!token_hash(token, hash) ||
	    (address && (!*address || strlen(address) > ADDRESS_LENGTH)))
		return token_refused(err);
	pthread_mutex_lock(&ledger->lock);
	struct place *place = place_of_hash(ledger, hash, false);
	if (place) {
		bound = !address || *place->facts.token_address;
		fits = !address || address_fits(place, address);
	}
	pthread_mutex_unlock(&ledger->lock);
	if (!place || (bound && !fits))
		return token_refused(err);
	int r = bound ? 0 : token_bind(ledger, place, hash, address, err);
	if (r < 0)
		return r;
	*ret_machine = place->machine;
	return 0;
}

int ledger_agent_token(struct ledger *ledger, const char *token,
		       const struct lab_machine **ret_machine, struct err *err)
{
	char hash[HASH_HEX_LENGTH + 1];

	if (!token_hash(token, hash))
		return token_refused(err);
	pthread_mutex_lock(&ledger->lock);
	struct place *place = place_of_hash(ledger, hash, true);
	pthread_mutex_unlock(&ledger->lock);
	if (!place)
		return token_refused(err);
	*ret_machine = place->machine;
	return 0;
}

int ledger_agent_issue(struct ledger *ledger, const struct lab_machine *machine,
		       char ret_token[TOKEN_LENGTH + 1], struct err *err)
{
	char token[TOKEN_LENGTH + 1], hash[HASH_HEX_LENGTH + 1];
	struct change change;

	token_make(token);
	token_hash(token, hash);
	change_begin(&change, ledger, ledger_place(ledger, machine));
	facts_agent_token(&change.next, hash);
	int r = change_end(&change, err);
	if (r == 0)
		memcpy(ret_token, token, sizeof token);
	explicit_bzero(token, sizeof token);
	return r;
}

/* --- what a machine reports ------------------------------------------------------------------- */

static bool may_install(const struct facts *facts)
{
	return facts->stage == MACHINE_BOOTING || facts->stage == MACHINE_INSTALLING ||
	       (facts->stage == MACHINE_FAILED && *facts->token);
}

int ledger_progress(struct ledger *ledger, const struct lab_machine *machine, uint64_t done,
		    uint64_t total, const char *text, struct err *err)
{
	struct change change;

	change_begin(&change, ledger, ledger_place(ledger, machine));
	/* One that comes after the end, by another connection, changes nothing. */
	if (!may_install(&change.next)) {
		change_drop(&change);
		return 0;
	}
	if (change.next.stage != MACHINE_INSTALLING)
		facts_stage(&change.next, MACHINE_INSTALLING);
	else
		change.fast = true;
	facts_heard(&change.next);
	change.next.done = total && done > total ? total : done;
	change.next.total = total;
	facts_string(change.next.text, TEXT_LENGTH, text);
	return change_end(&change, err);
}

int ledger_installed(struct ledger *ledger, const struct lab_machine *machine, struct err *err)
{
	struct change change;

	change_begin(&change, ledger, ledger_place(ledger, machine));
	if (!may_install(&change.next)) {
		change_drop(&change);
		return 0;
	}
	facts_stage(&change.next, MACHINE_INSTALLED);
	change.next.decision = DECISION_LOCAL;
	facts_string(change.next.text, TEXT_LENGTH, "");
	facts_withdraw(&change.next);
	return change_end(&change, err);
}

int ledger_failed(struct ledger *ledger, const struct lab_machine *machine, const char *why,
		  struct err *err)
{
	struct change change;

	change_begin(&change, ledger, ledger_place(ledger, machine));
	bool at_boot = change.next.stage == MACHINE_BOOTING && !*change.next.token_address;
	time_t since = change.next.since;
	facts_stage(&change.next, MACHINE_FAILED);
	if (at_boot) /* it got nothing to start: what it asks next may be of the same boot */
		change.next.since = since;
	facts_string(change.next.error, ERROR_LENGTH, *why ? why : "it did not say why");
	if (change.next.decision == DECISION_INSTALL && change.next.attempts >= LEDGER_ATTEMPTS)
		change.next.decision = DECISION_LOCAL;
	return change_end(&change, err);
}

void ledger_console(struct ledger *ledger, const struct lab_machine *machine, const char *text,
		    size_t length)
{
	place_console(ledger, ledger_place(ledger, machine), text, length);
}

int ledger_levels(struct ledger *ledger, const struct lab_machine *machine, const char *matrix_json,
		  bool proven, struct err *err)
{
	CLEANUP(free_cleanup) char *levels = NULL;
	enum machine_stage stage = proven ? MACHINE_PROVEN : MACHINE_PROVING;
	struct change change;
	int r = levels_text(matrix_json, &levels, err);

	if (r < 0)
		return r;
	change_begin(&change, ledger, ledger_place(ledger, machine));
	/* The system from before, which is to be installed anew, has nothing to say any more. */
	if (!*change.next.agent_tokens) {
		change_drop(&change);
		return 0;
	}
	/* A boot of what was proven does not take that back; a failure does. */
	if (change.next.stage != stage && change.next.stage != MACHINE_PROVEN)
		facts_stage(&change.next, stage);
	facts_heard(&change.next);
	/* It runs from its disk: a report that it was installed may have been lost. */
	change.next.decision = DECISION_LOCAL;
	facts_withdraw(&change.next);
	free(change.next.levels);
	change.next.levels = take(&levels);
	return change_end(&change, err);
}

/* --- the person ------------------------------------------------------------------------------ */

int ledger_decide(struct ledger *ledger, const char *machine_name, enum boot_decision decision,
		  struct err *err)
{
	struct place *place = NULL;
	struct change change;

	for (size_t i = 0; i < ledger->lab->machine_count; i++)
		if (str_equal(ledger->lab->machines[i].name, machine_name))
			place = &ledger->places[i];
	if (!place)
		return err_set(err, -ENOENT, "\"%s\" is no machine of the lab %s", machine_name,
			       ledger->lab->name);
	if (decision == DECISION_RESCUE && !lab_has_netboot(ledger->lab))
		return err_set(err, -ENOTSUP,
			       "the lab %s has no rescue system: it is made where a machine has "
			       "way: image or boot: rescue",
			       ledger->lab->name);
	change_begin(&change, ledger, place);
	change.next.decision = decision;
	if (decision == DECISION_INSTALL) {
		if (place->machine->any && change.next.stage != MACHINE_PROVEN)
			facts_free(&change.next);
		facts_again(&change.next);
	} else if (change.next.stage == MACHINE_FAILED) { /* no installer goes on */
		facts_shut(&change.next);
	}
	return change_end(&change, err);
}

uint64_t ledger_version(struct ledger *ledger)
{
	pthread_mutex_lock(&ledger->lock);
	uint64_t version = ledger->version;
	pthread_mutex_unlock(&ledger->lock);
	return version;
}

void ledger_on_change(struct ledger *ledger, void (*on_change)(void *context), void *context)
{
	pthread_mutex_lock(&ledger->lock);
	ledger->on_change = on_change;
	ledger->context = context;
	pthread_mutex_unlock(&ledger->lock);
}

/* Whether the lab is not done without it: it was, is or will be installed. A place of `any` counts
 * from when somebody took it. */
static bool is_expected(const struct place *place)
{
	const struct facts *facts = &place->facts;
	bool there = !place->machine->any || *facts->mac || *facts->uuid;

	return there && (facts->listed == DECISION_INSTALL || facts->decision == DECISION_INSTALL ||
			 *facts->agent_tokens);
}

bool ledger_all_proven(struct ledger *ledger)
{
	bool all = true, one = false;

	pthread_mutex_lock(&ledger->lock);
	for (size_t i = 0; i < ledger->lab->machine_count; i++) {
		bool proven = ledger->places[i].facts.stage == MACHINE_PROVEN;

		one |= proven;
		all &= proven || !is_expected(&ledger->places[i]);
	}
	pthread_mutex_unlock(&ledger->lock);
	return all && one;
}
