#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conf.h"
#include "guest.h"

#define BASE  "layer a\nchannel /dev/ttyS1\n"
#define TOKEN "-AZaz09_90123456789012345678901234567890123"

static struct conf conf;
static char problem[256];

/* The example of docs/agent-protocol.md, whole. */
static void example_is_read(void **state)
{
	char page[64 * 1024];
	FILE *file = fopen("docs/agent-protocol.md", "r");

	(void)state;
	if (!file)
		skip();
	page[fread(page, 1, sizeof page - 1, file)] = '\0';
	fclose(file);
	char *text = strstr(page, "    layer xensles11xstest\n");
	assert_non_null(text);
	for (char *end = text; (end = strchr(end, '\n')); end++)
		if (strncmp(end + 1, "    ", 4) != 0) {
			end[1] = '\0';
			break;
		}
	assert_int_equal(conf_parse(text, &conf, problem, sizeof problem), 0);
	assert_string_equal(conf.layer, "xensles11xstest");
	assert_string_equal(conf.channel, "/dev/ttyS1");
	assert_string_equal(conf.interface, "br0");
	assert_true(conf.init);
	assert_string_equal(conf.host_name, "l3pv");
	assert_int_equal(conf.module_count, 1);
	assert_string_equal(conf.modules[0], "xen-netfront");
	assert_false(conf.has_static_address);
	assert_int_equal(conf.guest_count, 2);
	assert_string_equal(conf.guests[0].name, "l2xensles11xs");
	assert_string_equal(conf.guests[0].config, "/etc/xen/vm/l2xensles11xs");
	assert_string_equal(conf.guests[0].socket, "/run/nestctl/l2xensles11xs.sock");
	assert_string_equal(conf.guests[1].socket, "");
	assert_int_equal(conf.network_timeout_seconds, 60);
}

static void static_address(void **state)
{
	(void)state;
	assert_int_equal(conf_parse(BASE "address 10.0.2.17/24\r\n\n  gateway\t10.0.2.2  \n# end",
				    &conf, problem, sizeof problem),
			 0);
	assert_true(conf.has_static_address);
	assert_int_equal(ntohl(conf.address), 0x0a000211);
	assert_int_equal(ntohl(conf.gateway), 0x0a000202);
	assert_int_equal(conf.prefix_length, 24);
}

static void a_server_can_stand_alone(void **state)
{
	(void)state;
	assert_int_equal(conf_parse("layer a\nserver  10.0.0.1:8022 \t" TOKEN "\n", &conf, problem,
				    sizeof problem),
			 0);
	assert_int_equal(ntohl(conf.server), 0x0a000001);
	assert_int_equal(conf.server_port, 8022);
	assert_string_equal(conf.token, TOKEN);
	assert_string_equal(conf.channel, "");
}

static void problems_name_their_line(void **state)
{
	static const struct {
		const char *text, *problem;
	} cases[] = {
		{ "", "layer is not set" },
		{ "layer a\n", "channel or server is not set" },
		{ BASE "colour red\n", "line 3: colour is no setting" },
		{ BASE "interface\n", "line 3: interface has no value" },
		{ BASE "interface averyveryverylongone\n", "line 3: interface is too long" },
		{ "layer a/b\n", "line 1: layer is no name (letters, digits, - _ .)" },
		{ "layer ..\n", "line 1: layer is no name (letters, digits, - _ .)" },
		{ BASE "init maybe\n", "line 3: init is neither yes nor no" },
		{ BASE "address 10.0.2.17\n",
		  "line 3: address is neither dhcp nor ADDRESS/PREFIX" },
		{ BASE "address 10.0.2/24\n", "line 3: address is no IPv4 address" },
		{ BASE "address 10.0.2.1/33\n", "line 3: address is not a number in range" },
		{ BASE "server 10.0.0.1:8\n", "line 3: server is not ADDRESS:PORT TOKEN" },
		{ BASE "server 10.0.0.1 " TOKEN "\n", "line 3: server is not ADDRESS:PORT TOKEN" },
		{ BASE "server 10.0.0.1:8 " TOKEN " x\n",
		  "line 3: server is not ADDRESS:PORT TOKEN" },
		{ BASE "server lab.example:8 " TOKEN "\n", "line 3: server has no IPv4 address" },
		{ BASE "server 0.0.0.0:8 " TOKEN "\n", "line 3: server has no IPv4 address" },
		{ BASE "server 10.0.0.1:0 " TOKEN "\n", "line 3: server is not a number in range" },
		{ BASE "server 10.0.0.1:65536 " TOKEN "\n",
		  "line 3: server is not a number in range" },
		{ BASE "server 10.0.0.1:8 " TOKEN "x\n",
		  "line 3: server has no token of 43 characters" },
		{ BASE "server 10.0.0.1:8 x\n", "line 3: server has no token of 43 characters" },
		{ BASE "server 10.0.0.1:8 +123456789012345678901234567890123456789_12\n",
		  "line 3: server has no token of 43 characters" },
		{ BASE "gateway x\n", "line 3: gateway is no IPv4 address" },
		{ BASE "network-timeout soon\n",
		  "line 3: network-timeout is not a number in range" },
		{ BASE "guest g\n", "line 3: guest has no config=FILE" },
		{ BASE "guest g config=/c channel=pigeon\n",
		  "line 3: guest has a word that is neither config=FILE nor channel=console nor "
		  "channel=socket:PATH" },
		{ BASE "guest g config=/c\nguest g config=/d\n",
		  "line 4: guest has a name that stands already" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_true(conf_parse(cases[i].text, &conf, problem, sizeof problem) < 0);
		assert_string_equal(problem, cases[i].problem);
	}
}

static void too_much_is_refused(void **state)
{
	char text[16384] = BASE;

	(void)state;
	for (int i = 0; i <= CONF_GUESTS; i++)
		sprintf(text + strlen(text), "guest g%d config=/c\n", i);
	assert_true(conf_parse(text, &conf, problem, sizeof problem) < 0);
	assert_string_equal(problem, "line 19: guest is one guest too many");
	strcpy(text, BASE);
	for (int i = 0; i <= CONF_MODULES; i++)
		sprintf(text + strlen(text), "module m%d\n", i);
	assert_true(conf_parse(text, &conf, problem, sizeof problem) < 0);
	assert_string_equal(problem, "line 35: module is one module too many");
	memset(text, 'x', 600);
	text[600] = '\0';
	assert_true(conf_parse(text, &conf, problem, sizeof problem) < 0);
	assert_string_equal(problem, "line 1: line is too long");
}

static void paths_within(void **state)
{
	(void)state;
	assert_true(path_is_within("a/b", "a", "b", false));
	assert_true(path_is_within("a/b/c", "a", "b", false));
	assert_true(path_is_within("a/b/c", "a", "b", true));
	assert_false(path_is_within("a/b", "a", "b", true));
	assert_false(path_is_within("a/bc", "a", "b", false));
	assert_false(path_is_within("a", "a", "b", false));
	assert_false(path_is_within("a/c", "a", "b", false));
	assert_false(path_is_within("aa/b", "a", "b", false));
	assert_false(path_is_within("", "", "b", false));
	assert_false(path_is_within("/b", "", "b", false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_is_read),
		cmocka_unit_test(static_address),
		cmocka_unit_test(a_server_can_stand_alone),
		cmocka_unit_test(problems_name_their_line),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(paths_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
