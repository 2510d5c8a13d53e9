#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fs.h"
#include "base/json.h"
#include "pxe/identity.h"
#include "pxe/ledger.h"

#define LISTED_MAC  "52:54:00:00:00:01"
#define LISTED_UUID "4c4c4544-0042-3510-8054-b4c04f4d3132"
#define TURNED_UUID "44454c4c-4200-1035-8054-b4c04f4d3132"
#define OTHER_UUID  "4c4c4544-0042-3510-8054-b4c04f4d3133"
#define HERE	    "10.0.0.11"

enum { BY_MAC, BY_UUID, ANY_1, ANY_2, MACHINES };

struct fixture {
	char *folder;
	struct layer layer;
	struct layer *layers[1];
	struct stack stack;
	struct lab_machine machines[MACHINES];
	struct lab lab;
	struct ledger *ledger;
};

static const char *const names[] = { "r1", "r2", "node-1", "node-2" };

static void machine_fill(struct lab_machine *machine, const char *name, struct stack *stack)
{
	*machine = (struct lab_machine){ .name = (char *)name,
					 .mac = "",
					 .uuid = "",
					 .stack = stack,
					 .way = LAB_IMAGE,
					 .boot = LAB_BOOT_INSTALL };
}

static void reopen(struct fixture *fixture)
{
	struct err err = { 0 };

	ledger_free(fixture->ledger);
	fixture->ledger = NULL;
	if (ledger_open(fixture->folder, &fixture->lab, &fixture->ledger, &err) < 0)
		fail_msg("%s", err.text);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);

	*state = fixture;
	fixture->layer = (struct layer){ .name = "l1", .boot_loader = BOOT_GRUB2_BIOS };
	fixture->layer.install.timeout_seconds = 3600;
	fixture->layers[0] = &fixture->layer;
	fixture->stack = (struct stack){
		.name = "rack.r1", .own_name = "xen-l2", .layers = fixture->layers, .layer_count = 1
	};
	for (size_t i = 0; i < MACHINES; i++)
		machine_fill(&fixture->machines[i], names[i], &fixture->stack);
	fixture->machines[BY_MAC].mac = LISTED_MAC;
	fixture->machines[BY_UUID].uuid = LISTED_UUID;
	fixture->machines[ANY_1].any = fixture->machines[ANY_2].any = true;
	fixture->lab = (struct lab){ .name = "rack",
				     .machines = fixture->machines,
				     .machine_count = MACHINES };
	if (temp_dir(NULL, &fixture->folder, NULL) < 0)
		return -1;
	reopen(fixture);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	ledger_free(fixture->ledger);
	tree_remove(fixture->folder, NULL);
	free(fixture->folder);
	free(fixture);
	return 0;
}

/* --- what the tests say ------------------------------------------------------------------------
 */

static struct boot_answer boot_from(struct fixture *fixture, const char *mac, const char *uuid,
				    const char *address, enum firmware firmware)
{
	const struct boot_client client = { mac, uuid, address, firmware };
	struct boot_answer answer;

	assert_int_equal(ledger_boot(fixture->ledger, &client, &answer, NULL), 0);
	return answer;
}

static struct boot_answer boot(struct fixture *fixture, const char *mac)
{
	return boot_from(fixture, mac, "", HERE, FIRMWARE_BIOS);
}

static json_t *whole(struct fixture *fixture)
{
	CLEANUP(free_cleanup) char *text = ledger_json(fixture->ledger);
	json_t *root = json_loads(text, 0, NULL);

	assert_non_null(root);
	return root;
}

/* A copy of a machine's key as text; the caller frees. */
static char *shown(struct fixture *fixture, size_t machine, const char *key)
{
	CLEANUP(json_cleanup) json_t *root = whole(fixture);
	const json_t *value =
		json_object_get(json_array_get(json_object_get(root, "machines"), machine), key);

	assert_non_null(value);
	if (json_is_string(value))
		return str_copy(json_string_value(value));
	return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

static void assert_shown(struct fixture *fixture, size_t machine, const char *key, const char *text)
{
	CLEANUP(free_cleanup) char *value = shown(fixture, machine, key);

	assert_string_equal(value, text);
}

static void assert_in(struct fixture *fixture, size_t machine, const char *key, const char *text)
{
	CLEANUP(free_cleanup) char *value = shown(fixture, machine, key);

	if (!strstr(value, text))
		fail_msg("%s: \"%s\" is not in \"%s\"", key, text, value);
}

/* Its last boot was over a minute ago: it is another boot. */
static void later(struct fixture *fixture)
{
	ledger_free(fixture->ledger);
	fixture->ledger = NULL;
	for (size_t i = 0; i < MACHINES; i++) {
		CLEANUP(free_cleanup)
		char *path = str_format("%s/machines/%s.json", fixture->folder, names[i]);
		CLEANUP(json_cleanup) json_t *object = json_load_file(path, 0, NULL);

		if (!object)
			continue;
		json_int_t since = json_integer_value(json_object_get(object, "since"));
		json_object_set_new(object, "since", json_integer(since - 61));
		assert_int_equal(json_dump_file(object, path, 0), 0);
	}
	reopen(fixture);
}

static bool opens(struct fixture *fixture, const char *token, const char *address)
{
	const struct lab_machine *machine = NULL;

	return ledger_token(fixture->ledger, token, address, &machine, NULL) == 0;
}

static const struct lab_machine *of(struct fixture *fixture, size_t machine)
{
	return &fixture->machines[machine];
}

#define MATRIX "{\"levels\":[{\"level\":1,\"name\":\"l1\",\"state\":\"proven\"}]}"

/* --- who is who --------------------------------------------------------------------------------
 */

static void identities_have_one_form(void **state)
{
	char mac[MAC_LENGTH + 1], uuid[UUID_LENGTH + 1];

	(void)state;
	assert_true(identity_mac("52-54-00-AB-cd-EF", mac));
	assert_string_equal(mac, "52:54:00:ab:cd:ef");
	assert_true(identity_mac("525400abcdef", mac));
	assert_false(identity_mac("52:54:00:ab:cd", mac));
	assert_string_equal(mac, "");
	assert_false(identity_mac("52:54:00:ab:cd:ef:", mac));
	assert_false(identity_mac("52:54:00:ab:cd:eg", mac));
	assert_false(identity_mac("01:54:00:ab:cd:ef", mac));
	assert_false(identity_mac("00:00:00:00:00:00", mac));
	assert_true(identity_uuid("4C4C4544-0042-3510-8054-B4C04F4D3132", uuid));
	assert_string_equal(uuid, LISTED_UUID);
	assert_false(identity_uuid("00000000-0000-0000-0000-000000000000", uuid));
	assert_false(identity_uuid("00020003-0004-0005-0006-000700080009", uuid));
	assert_false(identity_uuid("", uuid));
	assert_true(identity_uuid_equal(LISTED_UUID, TURNED_UUID));
	assert_false(identity_uuid_equal("", ""));
}

static void machines_are_known_by_either(void **state)
{
	struct fixture *fixture = *state;

	assert_ptr_equal(boot(fixture, "52-54-00-00-00-01").machine, of(fixture, BY_MAC));
	assert_ptr_equal(boot_from(fixture, "", TURNED_UUID, HERE, FIRMWARE_BIOS).machine,
			 of(fixture, BY_UUID));
	/* The UUID is stronger than the MAC. */
	assert_ptr_equal(boot_from(fixture, LISTED_MAC, LISTED_UUID, HERE, FIRMWARE_BIOS).machine,
			 of(fixture, BY_UUID));
}

static void strangers_take_free_places(void **state)
{
	struct fixture *fixture = *state;

	assert_ptr_equal(boot(fixture, "52:54:00:00:01:01").machine, of(fixture, ANY_1));
	assert_ptr_equal(boot(fixture, "52:54:00:00:01:02").machine, of(fixture, ANY_2));
	reopen(fixture);
	struct boot_answer third = boot(fixture, "52:54:00:00:01:03");
	assert_null(third.machine);
	assert_int_equal(third.decision, DECISION_LOCAL);
	assert_string_equal(third.token, "");
	/* The first two keep theirs. */
	assert_ptr_equal(boot(fixture, "52:54:00:00:01:02").machine, of(fixture, ANY_2));
	assert_ptr_equal(boot(fixture, "52:54:00:00:01:01").machine, of(fixture, ANY_1));
	assert_null(boot(fixture, "no MAC").machine);

	CLEANUP(json_cleanup) json_t *root = whole(fixture);
	const json_t *strangers = json_object_get(root, "strangers");
	assert_int_equal(json_array_size(strangers), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(strangers, 0), "mac")),
			    "52:54:00:00:01:03");
}

/* Whoever asked with an invented MAC has a place of `any`, until a person says otherwise. */
static void a_person_frees_a_place(void **state)
{
	struct fixture *fixture = *state;

	boot_from(fixture, "52:54:00:00:01:01", OTHER_UUID, HERE, FIRMWARE_BIOS);
	boot(fixture, "52:54:00:00:01:03");
	assert_null(boot(fixture, "52:54:00:00:01:04").machine);
	assert_int_equal(ledger_decide(fixture->ledger, "node-1", DECISION_INSTALL, NULL), 0);
	assert_shown(fixture, ANY_1, "mac", "");
	assert_shown(fixture, ANY_1, "uuid", "");
	reopen(fixture);
	assert_ptr_equal(boot(fixture, "52:54:00:00:01:04").machine, of(fixture, ANY_1));
	assert_null(boot(fixture, "52:54:00:00:01:02").machine);
	/* One that is proven keeps its own, and is installed again. */
	ledger_installed(fixture->ledger, of(fixture, ANY_1), NULL);
	ledger_levels(fixture->ledger, of(fixture, ANY_1), MATRIX, true, NULL);
	assert_int_equal(ledger_decide(fixture->ledger, "node-1", DECISION_INSTALL, NULL), 0);
	assert_null(boot(fixture, "52:54:00:00:01:02").machine);
	struct boot_answer again = boot(fixture, "52:54:00:00:01:04");
	assert_ptr_equal(again.machine, of(fixture, ANY_1));
	assert_int_equal(again.decision, DECISION_INSTALL);
	/* So does one that the lab file names. */
	boot(fixture, LISTED_MAC);
	ledger_decide(fixture->ledger, "r1", DECISION_INSTALL, NULL);
	assert_shown(fixture, BY_MAC, "mac", LISTED_MAC);
}

static void a_stranger_may_have_a_uuid_alone(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 2; i++) {
		assert_null(boot_from(fixture, "", OTHER_UUID, HERE, FIRMWARE_UEFI).machine);
		assert_null(boot_from(fixture, "", "4c4c4544-0042-3510-8054-b4c04f4d3199", HERE,
				      FIRMWARE_UEFI)
				    .machine);
	}
	reopen(fixture);
	CLEANUP(json_cleanup) json_t *root = whole(fixture);
	const json_t *strangers = json_object_get(root, "strangers");
	assert_int_equal(json_array_size(strangers), 2);
	const json_t *first = json_array_get(strangers, 1);
	assert_string_equal(json_string_value(json_object_get(first, "uuid")), OTHER_UUID);
	assert_string_equal(json_string_value(json_object_get(first, "mac")), "");
}

static void a_stack_goes_by_its_own_name(void **state)
{
	assert_shown(*state, 0, "stack", "xen-l2");
}

static void strangers_are_bounded_and_last(void **state)
{
	struct fixture *fixture = *state;
	char mac[18];

	for (unsigned i = 0; i < 1100; i++) {
		snprintf(mac, sizeof mac, "52:54:00:00:%02x:%02x", 0x80 + (i >> 8), i & 255);
		boot(fixture, mac);
	}
	reopen(fixture);
	CLEANUP(json_cleanup) json_t *root = whole(fixture);
	const json_t *strangers = json_object_get(root, "strangers");
	assert_int_equal(json_array_size(strangers), 1000);
	assert_string_equal(json_string_value(json_object_get(json_array_get(strangers, 0), "mac")),
			    mac);
}

static void the_later_of_two_wins_and_it_shows(void **state)
{
	struct fixture *fixture = *state;

	boot_from(fixture, "52:54:00:00:02:01", LISTED_UUID, HERE, FIRMWARE_BIOS);
	boot_from(fixture, "52:54:00:00:02:02", LISTED_UUID, "10.0.0.12", FIRMWARE_BIOS);
	assert_shown(fixture, BY_UUID, "mac", "52:54:00:00:02:02");
	assert_shown(fixture, BY_UUID, "address", "10.0.0.12");
	assert_in(fixture, BY_UUID, "error", "52:54:00:00:02:01");
}

/* --- tokens ------------------------------------------------------------------------------------
 */

static void a_token_opens_for_one_address(void **state)
{
	struct fixture *fixture = *state;
	struct boot_answer first = boot(fixture, LISTED_MAC);
	const struct lab_machine *machine = NULL;

	assert_int_equal(first.decision, DECISION_INSTALL);
	assert_int_equal(strlen(first.token), TOKEN_LENGTH);
	assert_int_equal(strlen(first.agent_token), TOKEN_LENGTH);
	assert_string_not_equal(first.token, first.agent_token);
	assert_int_equal(ledger_token(fixture->ledger, first.token, HERE, &machine, NULL), 0);
	assert_ptr_equal(machine, of(fixture, BY_MAC));
	assert_false(opens(fixture, first.token, "10.0.0.66"));
	assert_false(opens(fixture, first.agent_token, HERE));
	assert_false(opens(fixture, "", HERE));
	assert_true(opens(fixture, first.token, NULL));
	assert_false(opens(fixture, first.agent_token, NULL));
	reopen(fixture);
	assert_true(opens(fixture, first.token, HERE));
	assert_false(opens(fixture, first.token, "10.0.0.66"));
	/* The next one takes its place. */
	struct boot_answer second = boot(fixture, LISTED_MAC);
	assert_false(opens(fixture, first.token, HERE));
	assert_true(opens(fixture, second.token, HERE));
}

static void the_fixed_address_of_l1_is_its_own(void **state)
{
	struct fixture *fixture = *state;

	fixture->layer.network.mode = ADDRESS_STATIC;
	fixture->layer.network.address = "10.0.0.50/24";
	struct boot_answer answer = boot(fixture, LISTED_MAC);
	assert_true(opens(fixture, answer.token, HERE));
	assert_true(opens(fixture, answer.token, "10.0.0.50"));
	assert_false(opens(fixture, answer.token, "10.0.0.5"));
}

static void tokens_are_on_no_disk_and_no_page(void **state)
{
	struct fixture *fixture = *state;
	struct boot_answer answer = boot(fixture, LISTED_MAC);
	CLEANUP(free_cleanup) char *path = str_format("%s/machines/r1.json", fixture->folder);
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(free_cleanup) char *page = ledger_json(fixture->ledger);
	char hash[HASH_HEX_LENGTH + 1];
	struct stat status;

	assert_int_equal(file_read(path, 65536, &text, NULL, NULL), 0);
	assert_null(strstr(text, answer.token));
	assert_null(strstr(text, answer.agent_token));
	assert_true(token_hash(answer.token, hash));
	assert_non_null(strstr(text, hash));
	assert_null(strstr(page, hash));
	assert_null(strstr(page, answer.token));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void the_agent_token_lasts(void **state)
{
	struct fixture *fixture = *state;
	struct boot_answer answer = boot(fixture, LISTED_MAC);
	const struct lab_machine *machine = NULL;
	char issued[TOKEN_LENGTH + 1];

	assert_int_equal(ledger_installed(fixture->ledger, of(fixture, BY_MAC), NULL), 0);
	boot(fixture, LISTED_MAC);
	reopen(fixture);
	assert_int_equal(ledger_agent_token(fixture->ledger, answer.agent_token, &machine, NULL),
			 0);
	assert_ptr_equal(machine, of(fixture, BY_MAC));
	assert_int_equal(ledger_agent_issue(fixture->ledger, of(fixture, BY_MAC), issued, NULL), 0);
	assert_int_equal(ledger_agent_token(fixture->ledger, issued, &machine, NULL), 0);
	/* An installer that asked again may use what it got first; but not for ever. */
	assert_int_equal(ledger_agent_token(fixture->ledger, answer.agent_token, &machine, NULL),
			 0);
	for (int i = 0; i < 3; i++)
		ledger_agent_issue(fixture->ledger, of(fixture, BY_MAC), issued, NULL);
	assert_int_equal(ledger_agent_token(fixture->ledger, issued, &machine, NULL), 0);
	assert_int_equal(ledger_agent_token(fixture->ledger, answer.agent_token, &machine, NULL),
			 -EACCES);
	reopen(fixture);
	assert_int_equal(ledger_agent_token(fixture->ledger, issued, &machine, NULL), 0);
}

static void a_boot_that_installs_nothing_withdraws_the_token(void **state)
{
	static const enum boot_decision others[] = { DECISION_LOCAL, DECISION_RESCUE };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < 2; i++) {
		struct boot_answer answer = boot(fixture, LISTED_MAC);

		assert_true(opens(fixture, answer.token, HERE));
		assert_int_equal(ledger_decide(fixture->ledger, "r1", others[i], NULL), 0);
		/* The install that is under way may end. */
		assert_true(opens(fixture, answer.token, HERE));
		assert_int_equal(boot(fixture, LISTED_MAC).decision, others[i]);
		assert_false(opens(fixture, answer.token, HERE));
		assert_int_equal(ledger_decide(fixture->ledger, "r1", DECISION_INSTALL, NULL), 0);
	}
	struct boot_answer last = { 0 };
	for (int i = 0; i < LEDGER_ATTEMPTS; i++) {
		last = boot(fixture, LISTED_MAC);
		assert_true(opens(fixture, last.token, HERE));
		ledger_failed(fixture->ledger, of(fixture, BY_MAC), "no disk", NULL);
	}
	assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_LOCAL);
	assert_false(opens(fixture, last.token, HERE));
	assert_shown(fixture, BY_MAC, "attempts", "3");
	/* Nor has an installer that failed anything to fetch. */
	ledger_decide(fixture->ledger, "r1", DECISION_INSTALL, NULL);
	last = boot(fixture, LISTED_MAC);
	ledger_failed(fixture->ledger, of(fixture, BY_MAC), "no disk", NULL);
	ledger_decide(fixture->ledger, "r1", DECISION_LOCAL, NULL);
	assert_false(opens(fixture, last.token, HERE));
}

/* --- the way of a machine ----------------------------------------------------------------------
 */

static void an_install_ends_in_local_for_ever(void **state)
{
	struct fixture *fixture = *state;
	const struct lab_machine *machine = of(fixture, BY_MAC);
	struct boot_answer answer = boot(fixture, LISTED_MAC);

	assert_shown(fixture, BY_MAC, "stage", "booting");
	assert_int_equal(ledger_progress(fixture->ledger, machine, 5, 10, "writes\x1b[2J", NULL),
			 0);
	assert_shown(fixture, BY_MAC, "stage", "installing");
	assert_shown(fixture, BY_MAC, "text", "writes [2J");
	assert_shown(fixture, BY_MAC, "done", "5");
	assert_int_equal(ledger_installed(fixture->ledger, machine, NULL), 0);
	assert_shown(fixture, BY_MAC, "stage", "installed");
	assert_false(opens(fixture, answer.token, HERE));
	/* A report that was under way changes nothing any more. */
	assert_int_equal(ledger_progress(fixture->ledger, machine, 6, 10, "", NULL), 0);
	reopen(fixture);
	assert_shown(fixture, BY_MAC, "stage", "installed");
	assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_LOCAL);
	assert_shown(fixture, BY_MAC, "stage", "starting");
	assert_int_equal(ledger_levels(fixture->ledger, machine, MATRIX, false, NULL), 0);
	assert_shown(fixture, BY_MAC, "stage", "proving");
	assert_int_equal(ledger_levels(fixture->ledger, machine, MATRIX, true, NULL), 0);
	reopen(fixture);
	assert_shown(fixture, BY_MAC, "stage", "proven");
	assert_in(fixture, BY_MAC, "levels", "\"l1\"");
	for (int i = 0; i < 5; i++)
		assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_LOCAL);
	assert_shown(fixture, BY_MAC, "stage", "proven");
	assert_int_equal(ledger_levels(fixture->ledger, machine, "[]", true, NULL), -EBADMSG);
}

static void an_install_without_an_end_is_tried_three_times(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < LEDGER_ATTEMPTS; i++) {
		assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_INSTALL);
		/* The same boot asks again, and again. */
		assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_INSTALL);
		assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_INSTALL);
		later(fixture);
	}
	assert_shown(fixture, BY_MAC, "attempts", "3");
	assert_in(fixture, BY_MAC, "text", "attempt 2 of 3");
	struct boot_answer answer = boot(fixture, LISTED_MAC);
	assert_int_equal(answer.decision, DECISION_LOCAL);
	assert_string_equal(answer.token, "");
	assert_shown(fixture, BY_MAC, "stage", "failed");
	assert_in(fixture, BY_MAC, "error", "attempt 3 of 3");
	assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_LOCAL);
	assert_shown(fixture, BY_MAC, "stage", "failed");
	assert_int_equal(ledger_decide(fixture->ledger, "r1", DECISION_INSTALL, NULL), 0);
	assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_INSTALL);
}

static void what_failed_is_tried_again_and_told(void **state)
{
	struct fixture *fixture = *state;
	const struct lab_machine *machine = of(fixture, BY_MAC);

	assert_true(opens(fixture, boot(fixture, LISTED_MAC).token, HERE));
	assert_int_equal(ledger_failed(fixture->ledger, machine, "no disk", NULL), 0);
	assert_shown(fixture, BY_MAC, "stage", "failed");
	assert_shown(fixture, BY_MAC, "decision", "install");
	struct boot_answer second = boot(fixture, LISTED_MAC);
	assert_int_equal(second.decision, DECISION_INSTALL);
	assert_in(fixture, BY_MAC, "text", "attempt 1 of 3: no disk");
	assert_true(opens(fixture, second.token, HERE));
	ledger_failed(fixture->ledger, machine, "no disk", NULL);
	assert_true(opens(fixture, boot(fixture, LISTED_MAC).token, HERE));
	ledger_failed(fixture->ledger, machine, "no disk", NULL);
	assert_shown(fixture, BY_MAC, "decision", "local");
	assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_LOCAL);
	assert_shown(fixture, BY_MAC, "error", "no disk");
}

/* Whoever used its token and is back within the minute has failed, too. */
static void a_used_token_ends_the_boot(void **state)
{
	struct fixture *fixture = *state;

	assert_true(opens(fixture, boot(fixture, LISTED_MAC).token, HERE));
	boot(fixture, LISTED_MAC);
	assert_shown(fixture, BY_MAC, "attempts", "2");
	assert_in(fixture, BY_MAC, "text", "attempt 1 of 3: it booted again");
}

/* As for ESXi under GRUB: one power-on asks three times, for nothing. */
static void a_boot_without_a_text_is_one_attempt(void **state)
{
	struct fixture *fixture = *state;
	const struct lab_machine *machine = of(fixture, BY_MAC);

	for (int i = 0; i < 3; i++) {
		assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_INSTALL);
		assert_shown(fixture, BY_MAC, "attempts", "1");
		ledger_failed(fixture->ledger, machine, "GRUB cannot start that", NULL);
		assert_shown(fixture, BY_MAC, "error", "GRUB cannot start that");
	}
	later(fixture);
	assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_INSTALL);
	assert_shown(fixture, BY_MAC, "attempts", "2");
	assert_shown(fixture, BY_MAC, "text", "attempt 1 of 3: GRUB cannot start that");
}

static void a_disk_that_the_firmware_cannot_start_is_not_made(void **state)
{
	struct fixture *fixture = *state;
	struct boot_answer answer = boot_from(fixture, LISTED_MAC, "", HERE, FIRMWARE_UEFI);

	assert_int_equal(answer.decision, DECISION_LOCAL);
	assert_string_equal(answer.token, "");
	assert_shown(fixture, BY_MAC, "stage", "failed");
	assert_in(fixture, BY_MAC, "error", "grub2-efi");
	assert_shown(fixture, BY_MAC, "firmware", "uefi");
	/* The person sets the firmware right: nothing else needs to be done. */
	assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_INSTALL);
	assert_shown(fixture, BY_MAC, "error", "");
}

static void the_old_system_says_nothing_of_the_new(void **state)
{
	struct fixture *fixture = *state;
	const struct lab_machine *machine = of(fixture, BY_MAC), *found = NULL;
	struct boot_answer answer = boot(fixture, LISTED_MAC);

	ledger_installed(fixture->ledger, machine, NULL);
	ledger_levels(fixture->ledger, machine, MATRIX, true, NULL);
	assert_int_equal(ledger_decide(fixture->ledger, "r1", DECISION_INSTALL, NULL), 0);
	assert_int_equal(ledger_agent_token(fixture->ledger, answer.agent_token, &found, NULL),
			 -EACCES);
	assert_int_equal(ledger_levels(fixture->ledger, machine, MATRIX, true, NULL), 0);
	assert_shown(fixture, BY_MAC, "decision", "install");
	assert_shown(fixture, BY_MAC, "stage", "unseen");
	assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_INSTALL);
	assert_int_equal(ledger_decide(fixture->ledger, "r9", DECISION_INSTALL, NULL), -ENOENT);
}

static void the_lab_file_may_ask_for_other_boots(void **state)
{
	struct fixture *fixture = *state;

	fixture->machines[BY_MAC].boot = LAB_BOOT_LOCAL;
	fixture->machines[BY_UUID].boot = LAB_BOOT_RESCUE;
	reopen(fixture);
	assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_LOCAL);
	struct boot_answer rescue = boot_from(fixture, "", LISTED_UUID, HERE, FIRMWARE_UEFI);
	assert_int_equal(rescue.decision, DECISION_RESCUE);
	assert_string_equal(rescue.token, "");
	assert_in(fixture, BY_UUID, "text", "rescue");
	/* Neither has an agent of ours whose silence would be odd. */
	ledger_tick(fixture->ledger, time(NULL) + 100000);
	assert_shown(fixture, BY_MAC, "error", "");
	assert_shown(fixture, BY_UUID, "error", "");
}

/* A person who changes the lab file between two servers means it; what is installed stays so. */
static void the_lab_file_may_change(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_INSTALL);
	fixture->machines[BY_MAC].boot = LAB_BOOT_LOCAL;
	reopen(fixture);
	assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_LOCAL);
	fixture->machines[BY_MAC].boot = LAB_BOOT_INSTALL;
	reopen(fixture);
	assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_INSTALL);
	ledger_installed(fixture->ledger, of(fixture, BY_MAC), NULL);
	fixture->machines[BY_MAC].boot = LAB_BOOT_RESCUE;
	reopen(fixture);
	assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_LOCAL);
	fixture->machines[BY_MAC].boot = LAB_BOOT_INSTALL;
	reopen(fixture);
	assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_LOCAL);
}

static void silence_shows(void **state)
{
	struct fixture *fixture = *state;
	const struct lab_machine *machine = of(fixture, BY_MAC);
	time_t now = time(NULL);

	boot(fixture, LISTED_MAC);
	ledger_progress(fixture->ledger, machine, 1, 2, "", NULL);
	ledger_tick(fixture->ledger, now + 60);
	assert_shown(fixture, BY_MAC, "error", "");
	ledger_tick(fixture->ledger, now + 700);
	assert_in(fixture, BY_MAC, "error", "silent for 11 minutes");
	assert_shown(fixture, BY_MAC, "stage", "installing");
	assert_shown(fixture, BY_UUID, "error", "");
	ledger_progress(fixture->ledger, machine, 2, 2, "", NULL);
	assert_shown(fixture, BY_MAC, "error", "");
}

static void the_console_keeps_its_end(void **state)
{
	struct fixture *fixture = *state;
	char line[64];

	for (int i = 0; i < 1000; i++) {
		snprintf(line, sizeof line, "line %d\x07 of its console\n", i);
		ledger_console(fixture->ledger, of(fixture, BY_MAC), line, strlen(line));
	}
	CLEANUP(free_cleanup) char *console = shown(fixture, BY_MAC, "console");
	assert_true(strlen(console) <= 4096);
	assert_non_null(strstr(console, "line 999  of its console\n"));
	assert_true(str_starts(console, "line "));
	CLEANUP(free_cleanup) char *much = mem_alloc(100001);
	memset(much, 'x', 100000);
	ledger_console(fixture->ledger, of(fixture, BY_MAC), much, 100000);
	free(take(&console));
	console = shown(fixture, BY_MAC, "console");
	assert_true(strlen(console) <= 4096 && str_ends(console, "xxx"));
}

/* A lab of answers alone has no netboot system. */
static void rescue_needs_a_rescue_system(void **state)
{
	struct fixture *fixture = *state;
	struct err err = { 0 };

	assert_int_equal(ledger_decide(fixture->ledger, "r1", DECISION_RESCUE, NULL), 0);
	for (size_t i = 0; i < MACHINES; i++)
		fixture->machines[i].way = LAB_ANSWERS;
	/* What was decided before: offer.c tells it. */
	assert_int_equal(boot(fixture, LISTED_MAC).decision, DECISION_RESCUE);
	assert_in(fixture, BY_MAC, "text", "no rescue system");
	assert_int_equal(ledger_decide(fixture->ledger, "r1", DECISION_RESCUE, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "boot: rescue"));
	err_clear(&err);
	fixture->machines[BY_UUID].boot = LAB_BOOT_RESCUE;
	assert_int_equal(ledger_decide(fixture->ledger, "r1", DECISION_RESCUE, NULL), 0);
}

/* --- the end -----------------------------------------------------------------------------------
 */

static void prove(struct fixture *fixture, size_t machine)
{
	const struct lab_machine *which = of(fixture, machine);

	assert_int_equal(ledger_installed(fixture->ledger, which, NULL), 0);
	assert_int_equal(ledger_levels(fixture->ledger, which, MATRIX, true, NULL), 0);
}

static void all_are_proven_without_those_left_alone(void **state)
{
	struct fixture *fixture = *state;

	fixture->machines[BY_UUID].boot = LAB_BOOT_RESCUE;
	reopen(fixture);
	assert_false(ledger_all_proven(fixture->ledger));
	boot(fixture, LISTED_MAC);
	prove(fixture, BY_MAC);
	assert_true(ledger_all_proven(fixture->ledger)); /* no place of `any` is taken */
	boot_from(fixture, "", LISTED_UUID, HERE, FIRMWARE_BIOS);
	assert_true(ledger_all_proven(fixture->ledger));
	boot(fixture, "52:54:00:00:01:01");
	assert_false(ledger_all_proven(fixture->ledger));
	prove(fixture, ANY_1);
	assert_true(ledger_all_proven(fixture->ledger));
	/* A person wants it installed. */
	ledger_decide(fixture->ledger, "r2", DECISION_INSTALL, NULL);
	assert_false(ledger_all_proven(fixture->ledger));
	boot_from(fixture, "", LISTED_UUID, HERE, FIRMWARE_BIOS);
	ledger_installed(fixture->ledger, of(fixture, BY_UUID), NULL);
	assert_false(ledger_all_proven(fixture->ledger));
	prove(fixture, BY_UUID);
	assert_true(ledger_all_proven(fixture->ledger));
	reopen(fixture);
	assert_true(ledger_all_proven(fixture->ledger));
}

static void one_machine_at_least_is_proven(void **state)
{
	struct fixture *fixture = *state;

	fixture->machines[BY_MAC].boot = LAB_BOOT_LOCAL;
	fixture->machines[BY_UUID].boot = LAB_BOOT_LOCAL;
	reopen(fixture);
	assert_false(ledger_all_proven(fixture->ledger));
	boot(fixture, LISTED_MAC);
	assert_false(ledger_all_proven(fixture->ledger));
	boot(fixture, "52:54:00:00:01:01");
	assert_false(ledger_all_proven(fixture->ledger));
	prove(fixture, ANY_1);
	assert_true(ledger_all_proven(fixture->ledger));
}

/* One that could not be installed is not passed over. */
static void what_failed_is_not_proven(void **state)
{
	struct fixture *fixture = *state;

	fixture->machines[BY_UUID].boot = LAB_BOOT_LOCAL;
	reopen(fixture);
	boot(fixture, "52:54:00:00:01:01");
	prove(fixture, ANY_1);
	for (int i = 0; i < LEDGER_ATTEMPTS; i++) {
		assert_true(opens(fixture, boot(fixture, LISTED_MAC).token, HERE));
		ledger_failed(fixture->ledger, of(fixture, BY_MAC), "no disk", NULL);
	}
	assert_shown(fixture, BY_MAC, "decision", "local");
	assert_false(ledger_all_proven(fixture->ledger));
}

/* --- the disk ----------------------------------------------------------------------------------
 */

static void a_second_ledger_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct ledger *second = NULL;
	struct err err = { 0 };

	assert_int_equal(ledger_open(fixture->folder, &fixture->lab, &second, &err), -EBUSY);
	assert_non_null(strstr(err.text, fixture->folder));
	err_clear(&err);
}

static void assert_refused(struct fixture *fixture, const char *file, const char *content,
			   const char *why)
{
	CLEANUP(free_cleanup) char *path = str_format("%s/%s", fixture->folder, file);
	struct ledger *ledger = NULL;
	struct err err = { 0 };

	assert_int_equal(file_write(path, content, strlen(content), 0600, NULL), 0);
	assert_int_equal(ledger_open(fixture->folder, &fixture->lab, &ledger, &err), -EBADMSG);
	if (!strstr(err.text, why) || !strstr(err.text, path) || !strstr(err.text, "remove it"))
		fail_msg("%s", err.text);
	err_clear(&err);
	assert_int_equal(unlink(path), 0);
}

static void damage_is_named(void **state)
{
	struct fixture *fixture = *state;

	boot(fixture, LISTED_MAC);
	CLEANUP(free_cleanup) char *path = str_format("%s/machines/r1.json", fixture->folder);
	CLEANUP(free_cleanup) char *good = NULL;
	size_t length;
	assert_int_equal(file_read(path, 65536, &good, &length, NULL), 0);
	ledger_free(take(&fixture->ledger));

	assert_refused(fixture, "machines/r2.json", good, "is of the machine \"r1\"");
	assert_refused(fixture, "machines/r1.json", "", "is damaged");
	assert_refused(fixture, "machines/r1.json", "{\"format\":1,\"lab\":\"rack\"}", "\"mac\"");
	assert_refused(fixture, "lab.json", "{\"format\":1,\"lab\":\"other\"}",
		       "is of the lab \"other\"");
	assert_refused(fixture, "lab.json", "{\"format\":2,\"lab\":\"rack\"}", "another format");
	assert_refused(fixture, "strangers.json",
		       "{\"format\":1,\"lab\":\"rack\",\"strangers\":[{}]}", "\"mac\"");
	/* Every cut of a good file is refused or means the same. */
	for (size_t cut = 0; cut + 2 < length; cut += 7) {
		CLEANUP(free_cleanup) char *part = str_format("%.*s", (int)cut, good);
		assert_refused(fixture, "machines/r1.json", part, "");
	}
	reopen(fixture);
}

static void other_hardware_begins_anew(void **state)
{
	struct fixture *fixture = *state;

	boot(fixture, LISTED_MAC);
	ledger_installed(fixture->ledger, of(fixture, BY_MAC), NULL);
	fixture->machines[BY_MAC].uuid = LISTED_UUID; /* more is known: the same machine */
	fixture->machines[BY_UUID].uuid = "";
	reopen(fixture);
	assert_shown(fixture, BY_MAC, "stage", "installed");
	fixture->machines[BY_MAC].uuid = "";
	fixture->machines[BY_MAC].mac = "52:54:00:00:00:99";
	reopen(fixture);
	assert_shown(fixture, BY_MAC, "stage", "unseen");
	fixture->machines[BY_MAC].mac = LISTED_MAC;
}

/* A server that is killed at any moment: what it had answered for is there again. */
static void kill_loses_nothing(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned round = 0; round < 20; round++) {
		int told[2];
		unsigned char last = 0, next;

		ledger_free(take(&fixture->ledger));
		assert_int_equal(pipe(told), 0);
		pid_t child = fork();
		if (child == 0) {
			reopen(fixture);
			for (unsigned char i = 1;; i++) {
				char text[16];

				ledger_decide(fixture->ledger, "r1", DECISION_INSTALL, NULL);
				boot(fixture, LISTED_MAC);
				snprintf(text, sizeof text, "%u", i);
				ledger_failed(fixture->ledger, of(fixture, BY_MAC), text, NULL);
				if (write(told[1], &i, 1) != 1)
					_exit(1);
			}
		}
		close(told[1]);
		assert_int_equal(read(told[0], &next, 1), 1);
		usleep(1000 * (round % 7));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		last = next;
		while (read(told[0], &next, 1) == 1)
			last = next;
		close(told[0]);
		reopen(fixture);
		/* Between two words any of the four steps may have been reached. */
		CLEANUP(free_cleanup) char *stage = shown(fixture, BY_MAC, "stage");
		CLEANUP(free_cleanup) char *error = shown(fixture, BY_MAC, "error");
		if (str_equal(stage, "failed"))
			assert_true(atoi(error) == last ||
				    atoi(error) == (unsigned char)(last + 1));
		else
			assert_true(str_equal(stage, "unseen") || str_equal(stage, "booting"));
		CLEANUP(free_cleanup)
		char *machines = path_join(fixture->folder, "machines/r1.json.tmp-");
		CLEANUP(free_cleanup) char *left = str_format("%s%d", machines, (int)child);
		assert_false(path_exists(left));
	}
}

static void a_folder_that_cannot_be_written_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *machines = path_join(fixture->folder, "machines");
	struct boot_answer answer;
	const struct boot_client client = { LISTED_MAC, "", HERE, FIRMWARE_BIOS };
	struct err err = { 0 };

	assert_int_equal(tree_remove(machines, NULL), 0);
	assert_true(ledger_boot(fixture->ledger, &client, &answer, &err) < 0);
	assert_non_null(strstr(err.text, "r1.json"));
	assert_shown(fixture, BY_MAC, "stage", "unseen");
	err_clear(&err);
}

/* --- threads -----------------------------------------------------------------------------------
 */

static void changed(void *context)
{
	__atomic_add_fetch((unsigned *)context, 1, __ATOMIC_RELAXED);
}

static void *hammer(void *context)
{
	struct fixture *fixture = context;
	char mac[18];

	for (unsigned i = 0; i < 100; i++) {
		struct boot_answer answer = boot(fixture, LISTED_MAC);

		opens(fixture, answer.token, HERE);
		ledger_progress(fixture->ledger, of(fixture, BY_MAC), i, 100, "on its way", NULL);
		ledger_console(fixture->ledger, of(fixture, BY_MAC), "line\n", 5);
		snprintf(mac, sizeof mac, "52:54:00:77:%02x:%02x", i & 255,
			 (unsigned)gettid() & 255);
		boot(fixture, mac);
		ledger_tick(fixture->ledger, time(NULL) + 5000);
		free(ledger_json(fixture->ledger));
		ledger_decide(fixture->ledger, "r1", DECISION_INSTALL, NULL);
		ledger_levels(fixture->ledger, of(fixture, BY_UUID), MATRIX, i & 1, NULL);
		ledger_all_proven(fixture->ledger);
	}
	return NULL;
}

static void threads_do_not_meet(void **state)
{
	struct fixture *fixture = *state;
	unsigned changes = 0;
	pthread_t threads[2];
	uint64_t before = ledger_version(fixture->ledger);

	ledger_on_change(fixture->ledger, changed, &changes);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, fixture), 0);
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_true(changes > 600);
	assert_int_equal(ledger_version(fixture->ledger) - before, changes);
	/* Two strangers at once never get one place. */
	CLEANUP(free_cleanup) char *one = shown(fixture, ANY_1, "mac");
	CLEANUP(free_cleanup) char *two = shown(fixture, ANY_2, "mac");
	assert_string_not_equal(one, two);
	reopen(fixture);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identities_have_one_form),
		CASE(machines_are_known_by_either),
		CASE(strangers_take_free_places),
		CASE(a_person_frees_a_place),
		CASE(a_stranger_may_have_a_uuid_alone),
		CASE(a_stack_goes_by_its_own_name),
		CASE(strangers_are_bounded_and_last),
		CASE(the_later_of_two_wins_and_it_shows),
		CASE(a_token_opens_for_one_address),
		CASE(the_fixed_address_of_l1_is_its_own),
		CASE(tokens_are_on_no_disk_and_no_page),
		CASE(the_agent_token_lasts),
		CASE(a_boot_that_installs_nothing_withdraws_the_token),
		CASE(an_install_ends_in_local_for_ever),
		CASE(an_install_without_an_end_is_tried_three_times),
		CASE(what_failed_is_tried_again_and_told),
		CASE(a_used_token_ends_the_boot),
		CASE(a_boot_without_a_text_is_one_attempt),
		CASE(a_disk_that_the_firmware_cannot_start_is_not_made),
		CASE(the_old_system_says_nothing_of_the_new),
		CASE(the_lab_file_may_ask_for_other_boots),
		CASE(the_lab_file_may_change),
		CASE(silence_shows),
		CASE(the_console_keeps_its_end),
		CASE(rescue_needs_a_rescue_system),
		CASE(all_are_proven_without_those_left_alone),
		CASE(one_machine_at_least_is_proven),
		CASE(what_failed_is_not_proven),
		CASE(a_second_ledger_is_refused),
		CASE(damage_is_named),
		CASE(other_hardware_begins_anew),
		CASE(kill_loses_nothing),
		CASE(a_folder_that_cannot_be_written_changes_nothing),
		CASE(threads_do_not_meet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
