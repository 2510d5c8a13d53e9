/* A boot: which machine of the lab it is, and what it does. */
#include <errno.h>
#include <string.h>

#include "answers/answers.h"
#include "pxe/ledger_change.h"

/* In which a boot program may ask again without a new attempt, as templates/pxe/grub-early.cfg does
 * after 5 and 20 s: as long as it used nothing of what it got. */
#define SAME_BOOT_SECONDS 60

/* --- who it is ------------------------------------------------------------------------------- */

static struct place *place_by(struct ledger *ledger,
			      bool (*fits)(const struct place *place,
					   const struct stranger *client),
			      const struct stranger *client)
{
	for (size_t i = 0; i < ledger->lab->machine_count; i++)
		if (fits(&ledger->places[i], client))
			return &ledger->places[i];
	return NULL;
}

static bool listed_uuid(const struct place *place, const struct stranger *client)
{
	return identity_uuid_equal(place->machine->uuid, client->uuid);
}

static bool listed_mac(const struct place *place, const struct stranger *client)
{
	return *client->mac && str_equal(place->machine->mac, client->mac);
}

static bool taken_uuid(const struct place *place, const struct stranger *client)
{
	return place->machine->any && identity_uuid_equal(place->facts.uuid, client->uuid);
}

static bool taken_mac(const struct place *place, const struct stranger *client)
{
	return place->machine->any && *client->mac && str_equal(place->facts.mac, client->mac);
}

static bool free_any(const struct place *place, const struct stranger *client)
{
	return place->machine->any && *client->mac && !*place->facts.mac;
}

/* The lab file's word first. The ledger's lock is held. */
static struct place *place_of(struct ledger *ledger, const struct stranger *client)
{
	static bool (*const ways[])(const struct place *place, const struct stranger *client) = {
		listed_uuid, listed_mac, taken_uuid, taken_mac, free_any,
	};
	struct place *place = NULL;

	for (size_t i = 0; !place && i < sizeof ways / sizeof *ways; i++)
		place = place_by(ledger, ways[i], client);
	if (place && !*place->facts.mac) /* no other may take it meanwhile */
		memcpy(place->facts.mac, client->mac, sizeof client->mac);
	return place;
}

/* By its MAC; where a boot program did not tell one, by its UUID. */
static bool is_same(const struct stranger *known, const struct stranger *client)
{
	if (*client->mac)
		return str_equal(known->mac, client->mac);
	return !*known->mac && identity_uuid_equal(known->uuid, client->uuid);
}

/* The newest stand last. The ledger's lock is held. */
static void stranger_note(struct ledger *ledger, const struct stranger *client)
{
	size_t at = 0;

	if (!*client->mac && !*client->uuid)
		return;
	while (at < ledger->stranger_count && !is_same(&ledger->strangers[at], client))
		at++;
	if (at == ledger->stranger_count && at == STRANGERS_MAX)
		at = 0;
	if (at < ledger->stranger_count) {
		ledger->stranger_count--;
		memmove(&ledger->strangers[at], &ledger->strangers[at + 1],
			(ledger->stranger_count - at) * sizeof *ledger->strangers);
	}
	ledger->strangers[ledger->stranger_count++] = *client;
	ledger->strangers_new = true;
}

/* --- what it does ---------------------------------------------------------------------------- */

/* The loader that its disk gets must be one that its firmware starts. */
static const char *firmware_needed(const struct lab_machine *machine, enum firmware firmware)
{
	const struct layer *l1 = machine->stack->layers[0];
	bool own = machine->way == LAB_ANSWERS && !answers_format_of(l1->os_family)->partitions;
	bool efi = l1->boot_loader == BOOT_GRUB2_EFI || l1->boot_loader == BOOT_XEN_EFI;

	if (own || firmware == FIRMWARE_UNKNOWN || efi == (firmware == FIRMWARE_UEFI))
		return NULL;
	return efi ? "UEFI" : "BIOS";
}

/* True if the machine cannot be installed as it is; then its facts say why. */
static bool misfit(struct facts *facts, const struct lab_machine *machine)
{
	const struct layer *l1 = machine->stack->layers[0];
	const char *needed = firmware_needed(machine, facts->firmware);
	bool uefi = facts->firmware == FIRMWARE_UEFI;

	if (!needed)
		return false;
	facts_stage(facts, MACHINE_FAILED);
	snprintf(facts->error, sizeof facts->error,
		 "it boots by %s, but its L1 %s has boot.loader: %s, which needs %s: change the "
		 "profile (%s), or the machine's firmware",
		 uefi ? "UEFI" : "BIOS", l1->name, boot_loader_name(l1->boot_loader), needed,
		 uefi ? "grub2-efi" : "grub2-bios");
	facts_withdraw(facts);
	*facts->text = '\0';
	return true;
}

/* It was given an installer and is back without a word that the disk is complete. */
static void attempt_failed(struct facts *facts)
{
	char why[ERROR_LENGTH + 1];
	bool told = facts->stage == MACHINE_FAILED || *facts->error;

	if (facts->attempts == 0)
		return;
	snprintf(why, sizeof why, "attempt %u of %d: %.800s", facts->attempts, LEDGER_ATTEMPTS,
		 told ? facts->error : "it booted again before it was installed");
	if (facts->attempts >= LEDGER_ATTEMPTS) {
		facts_stage(facts, MACHINE_FAILED);
		facts->decision = DECISION_LOCAL;
		facts_shut(facts);
	}
	facts_string(facts->error, ERROR_LENGTH, why);
}

/* before: how the attempt before this one ended. */
static void install_begin(struct facts *facts, const char *before, struct boot_answer *answer)
{
	char text[TEXT_LENGTH + 1], agent_hash[HASH_HEX_LENGTH + 1];

	facts_string(text, TEXT_LENGTH, before);
	facts_stage(facts, MACHINE_BOOTING);
	memcpy(facts->text, text, sizeof text);
	facts->done = facts->total = 0;
	free(take(&facts->levels));
	facts->attempts++;
	token_make(answer->token);
	token_hash(answer->token, facts->token);
	*facts->token_address = '\0';
	token_make(answer->agent_token);
	token_hash(answer->agent_token, agent_hash);
	*facts->agent_tokens = '\0';
	facts_agent_token(facts, agent_hash);
	answer->decision = DECISION_INSTALL;
}

/* It failed, too, where no boot text could be made for it. */
static bool same_boot(const struct facts *facts)
{
	time_t ago = time(NULL) - facts->since;

	return (facts->stage == MACHINE_BOOTING || facts->stage == MACHINE_FAILED) &&
	       facts->attempts > 0 && *facts->token && !*facts->token_address && ago >= 0 &&
	       ago < SAME_BOOT_SECONDS;
}

static void decide_install(struct facts *facts, const struct lab_machine *machine,
			   struct boot_answer *answer)
{
	time_t since = facts->since;

	if (misfit(facts, machine))
		return;
	if (same_boot(facts)) {
		facts->attempts--;
		install_begin(facts, *facts->error ? facts->error : facts->text, answer);
		facts->since = since; /* it does not grow longer by being asked */
		return;
	}
	attempt_failed(facts);
	if (facts->decision == DECISION_INSTALL)
		install_begin(facts, facts->attempts > 0 ? facts->error : "", answer);
}

static void decide_local(struct facts *facts)
{
	facts_shut(facts);
	if (facts->stage != MACHINE_PROVEN && facts->stage != MACHINE_FAILED)
		facts_stage(facts, MACHINE_STARTING);
}

/* Its facts are those of this client from now on. What is odd about that goes into ret_odd. */
static void claim(struct facts *facts, const struct stranger *client, char ret_odd[128])
{
	bool other = facts->stage != MACHINE_UNSEEN && *client->mac && *facts->mac &&
		     !str_equal(facts->mac, client->mac);

	*ret_odd = '\0';
	if (other)
		snprintf(ret_odd, 128,
			 "%s booted as this machine, and before it %s: the later one has it now",
			 client->mac, facts->mac);
	if (*client->mac)
		memcpy(facts->mac, client->mac, sizeof facts->mac);
	if (*client->uuid)
		memcpy(facts->uuid, client->uuid, sizeof facts->uuid);
	memcpy(facts->address, client->address, sizeof facts->address);
	if (client->firmware != FIRMWARE_UNKNOWN)
		facts->firmware = client->firmware;
	facts->heard = client->seen;
}

static void odd_add(struct facts *facts, const char *odd)
{
	size_t length = strlen(facts->error);

	if (*odd)
		snprintf(facts->error + length, sizeof facts->error - length, "%s%s",
			 length ? "; " : "", odd);
}

/* What a person decided before may be no more possible with the lab file as it is now. */
static void decide_rescue(struct facts *facts, const struct lab *lab, struct boot_answer *answer)
{
	decide_local(facts);
	facts_string(facts->text, TEXT_LENGTH,
		     lab_has_netboot(lab) ? "started the rescue system"
					  : "was told that this lab has no rescue system");
	answer->decision = DECISION_RESCUE;
}

static void decide(struct facts *facts, const struct lab *lab, const struct lab_machine *machine,
		   struct boot_answer *answer)
{
	switch (facts->decision) {
	case DECISION_INSTALL:
		decide_install(facts, machine, answer);
		break;
	case DECISION_LOCAL:
		decide_local(facts);
		break;
	case DECISION_RESCUE:
		decide_rescue(facts, lab, answer);
		break;
	}
}

static void client_read(struct stranger *ret, const struct boot_client *client)
{
	*ret = (struct stranger){ .firmware = client->firmware, .seen = time(NULL) };
	identity_mac(client->mac, ret->mac);
	identity_uuid(client->uuid, ret->uuid);
	facts_string(ret->address, ADDRESS_LENGTH, client->address);
}

int ledger_boot(struct ledger *ledger, const struct boot_client *client,
		struct boot_answer *ret_answer, struct err *err)
{
	struct boot_answer answer = { .decision = DECISION_LOCAL };
	struct stranger who;
	struct change change;
	char odd[128];

	client_read(&who, client);
	pthread_mutex_lock(&ledger->lock);
	struct place *place = place_of(ledger, &who);
	if (!place)
		stranger_note(ledger, &who);
	pthread_mutex_unlock(&ledger->lock);
	if (!place) {
		strangers_keep(ledger, false);
		ledger_tell(ledger);
		*ret_answer = answer;
		return 0;
	}
	answer.machine = place->machine;
	change_begin(&change, ledger, place);
	claim(&change.next, &who, odd);
	decide(&change.next, ledger->lab, place->machine, &answer);
	odd_add(&change.next, odd);
	int r = change_end(&change, err);
	if (r == 0)
		*ret_answer = answer;
	explicit_bzero(&answer, sizeof answer);
	return r;
}
