/* What the outer end of a channel answers, and whom it tells. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "run/conversation.h"
#include "run_fixture.h"

#define NONCE "00112233445566778899aabbccddeeff"

struct place {
	struct fixture fixture;
	struct levels levels;
	struct conversation_host host;
	struct conversation conversation;
	char told[128]; /* what the host heard last */
};

static double now(void *context)
{
	(void)context;
	return 7;
}

static void echo(void *context, const char *path, char ret_hex[ECHO_HEX_LENGTH + 1])
{
	(void)context;
	(void)path;
	strcpy(ret_hex, "aa11");
}

static void console(void *context, const struct level *level, const char *data, size_t length)
{
	struct place *place = context;

	snprintf(place->told, sizeof place->told, "%s: %.*s", level->layer->name, (int)length,
		 data);
}

static void command(void *context, const struct message *message)
{
	struct place *place = context;

	snprintf(place->told, sizeof place->told, "%s %u", message->path, message->status);
}

static int set_up(void **state)
{
	struct place *place = mem_alloc(sizeof *place);
	struct err err = { 0 };

	fixture_make(&place->fixture);
	place->host = (struct conversation_host){ place, now, echo, console, command };
	*state = place;
	int r = levels_init(&place->levels, &place->fixture.stack, NONCE, L0_TCG, NULL, &err);
	levels_power_on(&place->levels, 0);
	conversation_begin(&place->conversation, &place->levels, &place->host, "10.0.2.2:99");
	return r;
}

static int tear_down(void **state)
{
	struct place *place = *state;

	conversation_done(&place->conversation);
	levels_done(&place->levels);
	free(place);
	return 0;
}

static void hears(struct place *place, const char *text)
{
	conversation_feed(&place->conversation, text, strlen(text));
}

static const char *says(struct place *place)
{
	return buf_str(&place->conversation.out);
}

static void ready_gets_a_hello(void **state)
{
	struct place *place = *state;

	hears(place, "noise\x1e{\"t\":\"ready\",");
	assert_string_equal(says(place), "");
	hears(place, "\"agent\":1,\"layer\":\"l1\"}\n");
	assert_string_equal(says(place), "\x1e{\"t\":\"hello\",\"path\":\"l1\",\"nonce\":\"" NONCE
					 "\",\"echo\":\"10.0.2.2:99\"}\n");
	assert_int_equal(place->levels.items[0].state, LEVEL_BOOTED);
	assert_true(place->levels.items[0].booted == 7);
}

static void a_record_that_counts_gets_an_ack(void **state)
{
	struct place *place = *state;

	hears(place, "\x1e{\"t\":\"record\",\"path\":\"l1\",\"nonce\":\"ff\"}\n");
	hears(place, "\x1e{\"t\":\"record\",\"path\":\"l9\",\"nonce\":\"" NONCE "\"}\n");
	hears(place, "\x1e{\"t\":\"record\"}\n");
	assert_string_equal(says(place), "");
	hears(place, "\x1e{\"t\":\"record\",\"path\":\"l1/l2\",\"nonce\":\"" NONCE "\",\"depth\":2,"
		     "\"hypervisor\":{\"cpuid\":\"XenVMMXenVMM\"},\"xen\":{\"type\":\"xen\","
		     "\"role\":\"dom0\",\"guest_type\":\"PV\"},\"network\":{\"address\":"
		     "\"10.0.2.16/24\",\"echo\":\"aa11\"}}\n");
	assert_string_equal(says(place),
			    "\x1e{\"t\":\"ack\",\"path\":\"l1/l2\",\"nonce\":\"" NONCE "\"}\n");
	assert_int_equal(place->levels.items[1].state, LEVEL_PROVEN);
}

/* The outermost console does not come this way. */
static void consoles_and_commands_are_passed_on(void **state)
{
	struct place *place = *state;

	hears(place, "\x1e{\"t\":\"console\",\"path\":\"l1\",\"data\":\"bm8=\"}\n");
	assert_string_equal(place->told, "");
	hears(place, "\x1e{\"t\":\"console\",\"path\":\"l1/l2\",\"data\":\"R1JVQg==\"}\n");
	assert_string_equal(place->told, "l2: GRUB");
	assert_string_equal(place->levels.items[1].console.text, "GRUB");
	hears(place, "\x1e{\"t\":\"exit\",\"path\":\"l1/l2\",\"id\":1,\"status\":3}\n");
	assert_string_equal(place->told, "l1/l2 3");
	place->host.command = NULL;
	hears(place, "\x1e{\"t\":\"exit\",\"path\":\"l1/l2\",\"id\":1,\"status\":4}\n");
	assert_string_equal(place->told, "l1/l2 3");
}

static void what_nobody_takes_is_dropped(void **state)
{
	struct place *place = *state;
	int ends[2];
	char byte;

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	assert_int_equal(conversation_events(&place->conversation), POLLIN);
	for (int i = 0; i < 20000; i++)
		conversation_hello(&place->conversation);
	assert_int_equal(conversation_events(&place->conversation), POLLIN | POLLOUT);
	conversation_write(&place->conversation, ends[1]);
	assert_int_equal(place->conversation.out.length, 0);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(byte, '\x1e');
	assert_true(conversation_read(&place->conversation, ends[0]));
	close(ends[1]);
	while (conversation_read(&place->conversation, ends[0]))
		;
	close(ends[0]);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(ready_gets_a_hello),
		CASE(a_record_that_counts_gets_an_ack),
		CASE(consoles_and_commands_are_passed_on),
		CASE(what_nobody_takes_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
