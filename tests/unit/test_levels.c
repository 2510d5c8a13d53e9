/* What the levels of a run become as their agents speak, fall silent and end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "run/levels.h"
#include "run/levels_report.h"
#include "run_fixture.h"

#define NONCE "00112233445566778899aabbccddeeff"

struct place {
	struct fixture fixture;
	struct levels levels;
};

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof *place);
	struct err err = { 0 };

	*state = place;
	fixture_make(&place->fixture);
	return levels_init(&place->levels, &place->fixture.stack, NONCE, L0_TCG, NULL, &err);
}

static int tear_down(void **state)
{
	struct place *place = *state;

	levels_done(&place->levels);
	free(place);
	return 0;
}

/* For a row of a table: a place of its own, which the row tears down. */
static struct levels *powered_on(void **ret_place)
{
	assert_int_equal(set_up(ret_place), 0);
	struct levels *levels = &((struct place *)*ret_place)->levels;

	levels_power_on(levels, 0);
	return levels;
}

static void say(struct level *level, const char *text)
{
	console_add(&level->console, text, strlen(text));
}

static void up_to_l2(struct levels *levels)
{
	levels_power_on(levels, 0);
	levels_spoke(levels, "l1", 10);
	levels_event(levels, "l1", "guest-started", "l1/l2", "", 12);
	levels_spoke(levels, "l1/l2", 30);
	levels->items[0].state = LEVEL_PROVEN;
	levels->items[1].state = LEVEL_PROVEN;
}

static void what_ended_is_not_proven_nor_what_is_inside(void **state)
{
	struct levels *levels = &((struct place *)*state)->levels;

	up_to_l2(levels);
	levels->items[2].state = LEVEL_PROVEN;
	levels_event(levels, "l1", "guest-ended", "l1/l2", "domain 1 is gone", 40);
	levels_event(levels, "l1", "note", "l1/l2", "something else", 41);
	assert_false(level_is_gone(levels, &levels->items[0]));
	assert_true(level_is_gone(levels, &levels->items[1]));
	assert_true(level_is_gone(levels, &levels->items[2]));
	levels_event(levels, "l1", "guest-started", "l1/l2", "started again", 50);
	assert_false(level_is_gone(levels, &levels->items[2]));
}

static void a_dead_host_decides_its_guests_at_once(void **state)
{
	struct levels *levels = &((struct place *)*state)->levels;

	up_to_l2(levels);
	levels_event(levels, "l1", "guest-ended", "l1/l2", "domain 1 is gone", 40);
	levels_tick(levels, 41, 60);
	assert_int_equal(levels->items[2].state, LEVEL_NOT_REACHED);
	assert_true(levels_decided(levels));
}

/* Once it may, with all of its time again; what is inside waits on. */
static void a_reset_while_booting_begins_anew(void **state)
{
	struct levels *levels = &((struct place *)*state)->levels;
	struct level *l2 = &levels->items[1];

	levels_power_on(levels, 0);
	levels_spoke(levels, "l1", 10);
	levels_event(levels, "l1", "guest-started", "l1/l2", "", 12);
	levels->items[0].state = LEVEL_PROVEN;
	say(l2, "GRUB\nLinux version 6.1.0\nlast words\n");
	levels_event(levels, "l1", "guest-ended", "l1/l2", "domain 1 is gone", 40);
	levels_tick(levels, 41, 60);
	assert_int_equal(l2->state, LEVEL_STARTING);
	assert_int_equal(levels->items[2].state, LEVEL_WAITING);
	levels_event(levels, "l1", "guest-started", "l1/l2", "domain 2, started again", 44);
	assert_true(l2->started == 44);
	assert_string_equal(l2->reset_step, "in the kernel's start, 28.0 s after its start");
	assert_int_equal(l2->reset_tail.count, 3);
	assert_string_equal(l2->reset_tail.items[2], "last words");
	CLEANUP(free_cleanup) char *doing = level_doing(l2);
	assert_string_equal(doing, "boots: before the first word on the console");
	levels_event(levels, "l1", "guest-ended", "l1/l2", "domain 2 is gone", 70);
	assert_int_equal(l2->state, LEVEL_FAILED);
	assert_string_equal(l2->message, "domain 2 is gone");
	assert_int_equal(l2->resets, 1);
}

/* p: a panic, t: a triple fault that the outer Xen tells of. */
static void triple_faults_are_borne_longer_than_panics(void **state)
{
	static const struct {
		const char *ends;
		unsigned resets;
		enum level_state state;
		enum l0_kind l0;
	} rows[] = {
		{ "t", 1, LEVEL_STARTING, L0_KVM },    { "tt", 1, LEVEL_FAILED, L0_KVM },
		{ "pt", 1, LEVEL_FAILED, L0_KVM },     { "p", 1, LEVEL_STARTING, L0_TCG },
		{ "pp", 1, LEVEL_FAILED, L0_TCG },     { "ptp", 2, LEVEL_FAILED, L0_TCG },
		{ "ttt", 3, LEVEL_STARTING, L0_TCG },  { "tttt", 3, LEVEL_FAILED, L0_TCG },
		{ "tttp", 4, LEVEL_STARTING, L0_TCG }, { "ptttt", 4, LEVEL_FAILED, L0_TCG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		void *fresh = NULL;
		struct levels *levels = powered_on(&fresh);
		struct level *l2 = &levels->items[1];
		double now = 10;
		levels->l0 = rows[i].l0;
		for (unsigned boot = 0; rows[i].ends[boot]; boot++, now += 30) {
			CLEANUP(free_cleanup) char *ended = str_format("domain %u is gone", boot);
			CLEANUP(free_cleanup)
			char *said = str_format("(XEN) d%uv0 Triple fault - invoking HVM\n", boot);

			levels_event(levels, "l1", "guest-started", "l1/l2", "", now);
			say(l2, "one line\n");
			if (rows[i].ends[boot] == 't')
				say(&levels->items[0], said);
			levels_event(levels, "l1", "guest-ended", "l1/l2", ended, now + 20);
		}
		assert_int_equal(l2->resets, rows[i].resets);
		assert_int_equal(l2->state, rows[i].state);
		if (rows[i].resets > 1 && rows[i].state == LEVEL_FAILED)
			assert_int_equal(l2->reset_tail.count, 1);
		bool named = l2->message && strstr(l2->message, "triple fault");
		bool last_is_one = rows[i].ends[strlen(rows[i].ends) - 1] == 't';
		assert_true(named == (rows[i].state == LEVEL_FAILED && last_is_one));
		tear_down(&fresh);
	}
}

/* The second boot may end with fewer words than the first; its cause is the same. */
static void the_symptom_of_a_reset_outlives_a_silent_second_boot(void **state)
{
	static const struct {
		const char *first, *second, *symptom;
	} rows[] = {
		{ "(XEN) Not enough RAM for domain 0 allocation\n", "", "dom0-too-small" },
		{ "(XEN) Not enough RAM for domain 0 allocation\n", "Loading Xen ...\n",
		  "dom0-too-small" },
		{ "Loading Xen ...\n", "(XEN) Not enough RAM for domain 0 allocation\n",
		  "dom0-too-small" },
		{ "", "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		void *fresh = NULL;
		struct levels *levels = powered_on(&fresh);
		struct level *l2 = &levels->items[1];
		levels_event(levels, "l1", "guest-started", "l1/l2", "", 12);
		say(l2, rows[i].first);
		levels_event(levels, "l1", "guest-ended", "l1/l2", "domain 1 is gone", 40);
		levels_event(levels, "l1", "guest-started", "l1/l2", "started again", 44);
		say(l2, rows[i].second);
		levels_event(levels, "l1", "guest-ended", "l1/l2", "domain 2 is gone", 50);
		assert_int_equal(l2->state, LEVEL_FAILED);
		assert_true(!l2->symptom == !rows[i].symptom);
		if (rows[i].symptom)
			assert_string_equal(l2->symptom->id, rows[i].symptom);
		tear_down(&fresh);
	}
}

static void an_agent_that_spoke_outweighs_an_earlier_boot(void **state)
{
	struct levels *levels = &((struct place *)*state)->levels;
	struct level *l2 = &levels->items[1];

	levels_power_on(levels, 0);
	levels_event(levels, "l1", "guest-started", "l1/l2", "", 12);
	say(l2, "(XEN) Not enough RAM for domain 0 allocation\n");
	levels_event(levels, "l1", "guest-ended", "l1/l2", "domain 1 is gone", 40);
	levels_event(levels, "l1", "guest-started", "l1/l2", "started again", 44);
	levels_spoke(levels, "l1/l2", 60);
	levels_end(levels, "the time for the whole run was up", 70);
	assert_int_equal(l2->state, LEVEL_FAILED);
	assert_null(l2->symptom);
}

/* The outer Xen's word counts for the domain that it is about. */
static void a_triple_fault_is_named(void **state)
{
	static const struct {
		const char *said, *step;
	} rows[] = {
		{ "(XEN) d1v0 Triple fault - invoking HVM shutdown action 1\n",
		  "before the first word on the console, 1.0 s after its start (a triple fault, "
		  "says the Xen around it)" },
		{ "(XEN) d7v0 Triple fault - invoking HVM shutdown action 1\n",
		  "before the first word on the console, 1.0 s after its start" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		void *fresh = NULL;
		struct levels *levels = powered_on(&fresh);
		levels_spoke(levels, "l1", 10);
		levels_event(levels, "l1", "guest-started", "l1/l2", "", 12);
		say(&levels->items[0], rows[i].said);
		levels_event(levels, "l1", "guest-ended", "l1/l2", "domain 1 is gone", 13);
		assert_string_equal(levels->items[1].reset_step, rows[i].step);
		tear_down(&fresh);
	}
}

static void a_reset_that_never_starts_again_is_an_end(void **state)
{
	struct levels *levels = &((struct place *)*state)->levels;
	struct level *l2 = &levels->items[1];

	levels_power_on(levels, 0);
	levels_spoke(levels, "l1", 10);
	levels_event(levels, "l1", "guest-started", "l1/l2", "", 12);
	levels->items[0].state = LEVEL_PROVEN;
	levels_event(levels, "l1", "guest-ended", "l1/l2", "domain 1 is gone", 40);
	assert_true(levels_tick(levels, 41, 60) <= 20);
	levels_tick(levels, 61, 60);
	assert_int_equal(l2->state, LEVEL_FAILED);
	assert_string_equal(l2->step, "it ended while booting");
	assert_true(level_is_gone(levels, l2));
	levels_tick(levels, 62, 60);
	assert_true(levels_decided(levels));
	levels_event(levels, "l1", "guest-started", "l1/l2", "started again", 90);
	assert_int_equal(l2->state, LEVEL_FAILED);
}

static void time_that_is_up_blames_nobody(void **state)
{
	struct levels *levels = &((struct place *)*state)->levels;

	levels_power_on(levels, 0);
	levels_spoke(levels, "l1", 10);
	levels_event(levels, "l1", "guest-started", "l1/l2", "", 12);
	levels->items[0].state = LEVEL_PROVEN;
	levels_end(levels, "the time for the whole run was up", 60);
	assert_string_equal(levels->items[1].step,
			    "it was still before the first word on the console");
	assert_string_equal(levels->items[1].message, "the time for the whole run was up");
	assert_int_equal(levels->items[2].state, LEVEL_NOT_REACHED);
	assert_string_equal(levels->items[2].message, "the time for the whole run was up");
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(what_ended_is_not_proven_nor_what_is_inside),
		CASE(a_dead_host_decides_its_guests_at_once),
		CASE(a_reset_while_booting_begins_anew),
		CASE(triple_faults_are_borne_longer_than_panics),
		CASE(the_symptom_of_a_reset_outlives_a_silent_second_boot),
		CASE(an_agent_that_spoke_outweighs_an_earlier_boot),
		CASE(a_triple_fault_is_named),
		CASE(a_reset_that_never_starts_again_is_an_end),
		CASE(time_that_is_up_blames_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
