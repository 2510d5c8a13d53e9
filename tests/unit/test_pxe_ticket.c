/* What an installer is told: good ones as they are meant, everything else refused by its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "pxe/ticket.h"

#define TOKEN "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA_"
#define HASH  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define IMAGE "\"image\": {\"disk_bytes\": 1048576, \"stream_bytes\": 77, \"sha256\": \"" HASH "\"}"
#define DISK                                                                                       \
	"\"disk\": {\"pick\": \"serial\", \"min\": 0, \"max\": 5, \"text\": \"S 1\", "             \
	"\"wipe\": true}"
#define AGENT "\"agent\": {\"server\": \"10.0.0.1:7071\", \"token\": \"" TOKEN "\"}"
#define NAMES "\"machine\": \"r1\", \"host_name\": \"r1.lab\""

static void test_ticket(void **state)
{
	CLEANUP(ticket_done) struct ticket ticket = { 0 };

	(void)state;
	assert_int_equal(ticket_parse("{" NAMES "," IMAGE "," DISK "," AGENT
				      ", \"mirrors\": [\"http://10.0.0.5/lab/r1\"], \"new\": 1, "
				      "\"boot_uuid\": \"AB12-CD34\"}",
				      &ticket, NULL),
			 0);
	assert_string_equal(ticket.machine, "r1");
	assert_string_equal(ticket.host_name, "r1.lab");
	assert_int_equal(ticket.image.disk_bytes, 1048576);
	assert_int_equal(ticket.image.stream_bytes, 77);
	assert_string_equal(ticket.image.sha256, HASH);
	assert_string_equal(ticket.boot_uuid, "AB12-CD34");
	assert_int_equal(ticket.disk.pick, LAB_DISK_SERIAL);
	assert_string_equal(ticket.disk.text, "S 1");
	assert_int_equal(ticket.disk.max_bytes, 5);
	assert_true(ticket.disk.wipe);
	assert_string_equal(ticket.agent_server, "10.0.0.1:7071");
	assert_string_equal(ticket.agent_token, TOKEN);
	assert_int_equal(ticket.mirrors.count, 1);
}

static void test_no_agent_no_mirrors(void **state)
{
	CLEANUP(ticket_done) struct ticket ticket = { 0 };

	(void)state;
	assert_int_equal(ticket_parse("{" NAMES "," IMAGE "," DISK "}", &ticket, NULL), 0);
	assert_string_equal(ticket.agent_server, "");
	assert_string_equal(ticket.boot_uuid, "");
	assert_int_equal(ticket.mirrors.count, 0);
}

static void refused(const char *json, const char *message)
{
	CLEANUP(ticket_done) struct ticket ticket = { 0 };
	CLEANUP(err_clear) struct err err = { 0 };

	assert_int_equal(ticket_parse(json, &ticket, &err), -EBADMSG);
	assert_string_equal(err.text, message);
}

#define IMAGE_OF(disk, stream, hash)                                                               \
	"{" NAMES "," DISK ",\"image\": {\"disk_bytes\": " disk ", \"stream_bytes\": " stream      \
	", \"sha256\": " hash "}}"
#define DISK_OF(pick, min, text, wipe)                                                             \
	"{" NAMES "," IMAGE ",\"disk\": {\"pick\": " pick ", \"min\": " min                        \
	", \"max\": 0, \"text\": " text ", \"wipe\": " wipe "}}"
#define REST_OF(rest) "{" NAMES "," IMAGE "," DISK "," rest "}"

static void test_refused(void **state)
{
	static const struct {
		const char *json, *key;
	} cases[] = {
		{ "{}", "machine" },
		{ "{\"machine\": 1}", "machine" },
		{ "{\"machine\": \"../r1\", \"host_name\": \"\"}", "machine" },
		{ "{\"machine\": \"r1\", \"host_name\": \"a\\nb\"}", "host_name" },
		{ "{" NAMES "}", "disk_bytes" },
		{ IMAGE_OF("-512", "1", "\"" HASH "\""), "disk_bytes" },
		{ IMAGE_OF("9223372036854775807", "1", "\"" HASH "\""), "disk_bytes" },
		{ IMAGE_OF("1.5", "1", "\"" HASH "\""), "disk_bytes" },
		{ IMAGE_OF("1000", "1", "\"" HASH "\""), "image" },
		{ IMAGE_OF("0", "1", "\"" HASH "\""), "image" },
		{ IMAGE_OF("512", "0", "\"" HASH "\""), "image" },
		{ IMAGE_OF("512", "1", "\"abc\""), "sha256" },
		{ IMAGE_OF("512", "1", "null"), "sha256" },
		{ DISK_OF("\"any\"", "0", "\"\"", "true"), "pick" },
		{ DISK_OF("\"only\"", "-1", "\"\"", "true"), "min" },
		{ DISK_OF("\"only\"", "0", "7", "true"), "text" },
		{ DISK_OF("\"only\"", "0", "\"\"", "\"yes\""), "wipe" },
		{ DISK_OF("\"only\"", "0", "\"\"", "null"), "wipe" },
		{ REST_OF("\"boot_uuid\": 1"), "boot_uuid" },
		{ REST_OF("\"boot_uuid\": \"../x\""), "boot_uuid" },
		{ REST_OF("\"agent\": {}"), "token" },
		{ REST_OF("\"agent\": {\"server\": \"1.2.3.4:5\", \"token\": \"short\"}"),
		  "token" },
		{ REST_OF("\"agent\": {\"server\": \"1.2.3.4:5\\nx\", \"token\": \"" TOKEN "\"}"),
		  "server" },
		{ REST_OF("\"mirrors\": [\"file:///etc/passwd\"]"), "mirrors" },
		{ REST_OF("\"mirrors\": [\"http://a b\"]"), "mirrors" },
		{ REST_OF("\"mirrors\": [1]"), "mirrors" },
		{ REST_OF("\"mirrors\": [\"https://mirror.lan/r1\"]"), "mirrors" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP(free_cleanup)
		char *message = str_format("the ticket's \"%s\" is missing or wrong", cases[i].key);

		refused(cases[i].json, message);
	}
	refused("[]", "the ticket is no JSON object");
	refused("{\"machine\": \"a\", \"machine\": \"b\"}", "the ticket is no JSON object");
	refused("", "the ticket is no JSON object");
}

static void test_call(void **state)
{
	CLEANUP(lab_call_done) struct lab_call call = { 0 };

	(void)state;
	assert_int_equal(lab_call_parse("BOOT_IMAGE=x nestctl.server=https://10.0.0.1:8443 quiet "
					"nestctl.token=" TOKEN "\n",
					&call, NULL),
			 0);
	CLEANUP(free_cleanup) char *url = lab_call_url(&call, "ticket");
	assert_string_equal(url, "https://10.0.0.1:8443/" TOKEN "/ticket");
}

static void test_call_refused(void **state)
{
	static const struct {
		const char *line, *message;
	} cases[] = {
		{ "quiet", "the kernel's command line has no nestctl.server=" },
		{ "nestctl.server=https://a", "the kernel's command line has no nestctl.token=" },
		{ "nestctl.server=http://a nestctl.token=" TOKEN,
		  "nestctl.server on the kernel's command line is no https://ADDRESS:PORT" },
		{ "nestctl.server=https://a/b nestctl.token=" TOKEN,
		  "nestctl.server on the kernel's command line is no https://ADDRESS:PORT" },
		{ "nestctl.server=https:// nestctl.token=" TOKEN,
		  "nestctl.server on the kernel's command line is no https://ADDRESS:PORT" },
		{ "nestctl.server=https://a nestctl.token=" TOKEN "x",
		  "nestctl.token on the kernel's command line is no token" },
		{ "nestctl.server=https://a nestctl.token=../AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		  "nestctl.token on the kernel's command line is no token" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP(lab_call_done) struct lab_call call = { 0 };
		CLEANUP(err_clear) struct err err = { 0 };

		assert_int_equal(lab_call_parse(cases[i].line, &call, &err), -EINVAL);
		assert_string_equal(err.text, cases[i].message);
	}
}

/* A panic must not wait for somebody to press reset, a rescue's neither. */
static void test_call_text(void **state)
{
	CLEANUP(free_cleanup) char *install = lab_call_text("https://10.0.0.1:8443", TOKEN, "");
	CLEANUP(free_cleanup) char *rescue = lab_call_text(NULL, NULL, "");
	CLEANUP(lab_call_done) struct lab_call call = { 0 };

	(void)state;
	assert_non_null(strstr(install, " panic=30 "));
	assert_non_null(strstr(rescue, " panic=30 "));
	assert_int_equal(lab_call_parse(install, &call, NULL), 0);
	assert_string_equal(call.token, TOKEN);
}

/* ---- what the server writes is what the installer reads ---- */

static struct ticket sample(void)
{
	struct ticket ticket = {
		.machine = str_copy("r1"),
		.host_name = str_copy("r1"),
		.image = { .disk_bytes = UINT64_C(20) << 30, .stream_bytes = 174312325 },
		.boot_uuid = str_copy("c1b9d5a2-f162-11cf-9ece-0020afc76f16"),
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
	assert_string_equal(back.boot_uuid, ticket.boot_uuid);
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
		cmocka_unit_test(test_call_text),
		cmocka_unit_test(test_ticket),
		cmocka_unit_test(test_no_agent_no_mirrors),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_call_refused),
		cmocka_unit_test(all_of_it_comes_back),
		cmocka_unit_test(every_pick_comes_back),
		cmocka_unit_test(nobody_is_reported_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
