/* What the server writes is what the installer reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pxe/ticket.h"

#define TOKEN "abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE"

static struct ticket sample(void)
{
	struct ticket ticket = {
		.machine = str_copy("r1"),
		.host_name = str_copy("r1"),
		.image = { .disk_bytes = UINT64_C(20) << 30, .stream_bytes = 174312325 },
		.disk = { .pick = LAB_DISK_SERIAL,
			  .max_bytes = LAB_DISK_MAX,
			  .text = str_copy("WD \"1\""),
			  .wipe = true },
		.agent_server = str_copy("10.20.0.1:7071"),
		.agent_token = TOKEN,
	};

	memset(ticket.image.sha256, 'a', HASH_HEX_LENGTH);
	strv_add(&ticket.mirrors, "http://10.20.0.5/lab/r1/disk.zst");
	strv_add(&ticket.mirrors, "http://10.20.0.6:8080/r1/disk.zst");
	return ticket;
}

static void read_back(const struct ticket *ticket, struct ticket *ret_ticket)
{
	CLEANUP(free_cleanup) char *text = ticket_text(ticket);
	struct err err = { 0 };

	if (ticket_parse(text, ret_ticket, &err) < 0)
		fail_msg("%s: %s", err.text, text);
}

static void all_of_it_comes_back(void **state)
{
	CLEANUP(ticket_done) struct ticket ticket = sample();
	CLEANUP(ticket_done) struct ticket back = { 0 };

	(void)state;
	read_back(&ticket, &back);
	assert_string_equal(back.machine, "r1");
	assert_string_equal(back.host_name, "r1");
	assert_true(back.image.disk_bytes == ticket.image.disk_bytes);
	assert_true(back.image.stream_bytes == ticket.image.stream_bytes);
	assert_string_equal(back.image.sha256, ticket.image.sha256);
	assert_int_equal(back.disk.pick, LAB_DISK_SERIAL);
	assert_true(back.disk.min_bytes == 0);
	assert_true(back.disk.max_bytes == LAB_DISK_MAX);
	assert_string_equal(back.disk.text, "WD \"1\"");
	assert_true(back.disk.wipe);
	assert_string_equal(back.agent_server, "10.20.0.1:7071");
	assert_string_equal(back.agent_token, TOKEN);
	assert_int_equal(back.mirrors.count, 2);
	assert_string_equal(back.mirrors.items[1], ticket.mirrors.items[1]);
}

static void every_pick_comes_back(void **state)
{
	(void)state;
	for (int pick = LAB_DISK_ONLY; pick <= LAB_DISK_BY_ID; pick++) {
		CLEANUP(ticket_done) struct ticket ticket = sample();
		CLEANUP(ticket_done) struct ticket back = { 0 };

		ticket.disk.pick = (enum lab_disk_pick)pick;
		read_back(&ticket, &back);
		assert_int_equal(back.disk.pick, pick);
	}
}

static void nobody_is_reported_to(void **state)
{
	CLEANUP(ticket_done) struct ticket ticket = sample();
	CLEANUP(ticket_done) struct ticket back = { 0 };

	(void)state;
	*ticket.agent_server = '\0';
	read_back(&ticket, &back);
	assert_string_equal(back.agent_server, "");
	assert_string_equal(back.agent_token, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_comes_back),
		cmocka_unit_test(every_pick_comes_back),
		cmocka_unit_test(nobody_is_reported_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
