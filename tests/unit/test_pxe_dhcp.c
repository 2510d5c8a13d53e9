#include "pxe/dhcp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static char interface[] = "br0", first[] = "10.77.0.100", last[] = "10.77.0.150", none[] = "";

static struct lab lab_of(enum lab_dhcp dhcp)
{
	return (struct lab){
		.interface = interface,
		.dhcp = dhcp,
		.range_first = first,
		.range_last = last,
		.lease_seconds = 600,
		.gateway = none,
		.ports = { .boot = 8080 },
	};
}

static char *config_of(const struct lab *lab, const char *folder)
{
	const struct dhcp_request request = { lab, "10.77.0.1", folder };
	struct err err = { 0 };
	char *text = NULL;

	assert_int_equal(dhcp_config(&request, &text, &err), 0);
	return text;
}

static void has(const char *text, const char *line)
{
	CLEANUP(free_cleanup) char *whole = str_format("\n%s\n", line);

	if (!strstr(text, whole))
		fail_msg("no line \"%s\" in:\n%s", line, text);
}

static void test_full(void **state)
{
	struct lab lab = lab_of(LAB_DHCP_FULL);
	CLEANUP(free_cleanup) char *text = config_of(&lab, "/nowhere/lab");

	(void)state;
	has(text, "port=0");
	has(text, "interface=br0");
	has(text, "except-interface=lo");
	has(text, "bind-interfaces");
	has(text, "tftp-root=\"/nowhere/lab/tftp\"");
	has(text, "dhcp-range=10.77.0.100,10.77.0.150,600s");
	has(text, "dhcp-lease-max=114");
	/* Empty options: else dnsmasq names itself. */
	has(text, "dhcp-option=option:router");
	has(text, "dhcp-option=option:dns-server");
}

static void test_full_options(void **state)
{
	struct lab lab = lab_of(LAB_DHCP_FULL);
	char gateway[] = "10.77.0.254";
	char *servers[] = { (char[]){ "10.77.0.2" }, (char[]){ "10.77.0.3" }, NULL };

	(void)state;
	lab.gateway = gateway;
	lab.dns = (struct strv){ .items = servers, .count = 2 };
	CLEANUP(free_cleanup) char *text = config_of(&lab, "/nowhere/lab");
	has(text, "dhcp-option=option:router,10.77.0.254");
	has(text, "dhcp-option=option:dns-server,10.77.0.2,10.77.0.3");
}

static void test_proxy(void **state)
{
	struct lab lab = lab_of(LAB_DHCP_PROXY);
	CLEANUP(free_cleanup) char *text = config_of(&lab, "/nowhere/lab");

	(void)state;
	has(text, "dhcp-range=10.77.0.1,proxy");
	assert_null(strstr(text, first));
	assert_null(strstr(text, "authoritative"));
}

static void test_none(void **state)
{
	struct lab lab = lab_of(LAB_DHCP_NONE);
	CLEANUP(free_cleanup) char *text = config_of(&lab, "/nowhere/lab");

	(void)state;
	assert_null(strstr(text, "dhcp-range"));
	has(text, "enable-tftp=br0");
}

/* dnsmasq keeps 127 bytes of a boot file's name. */
static void test_script_fits(void **state)
{
	struct lab lab = lab_of(LAB_DHCP_FULL);
	const struct dhcp_request request = { &lab, "255.255.255.255", "/nowhere" };
	CLEANUP(free_cleanup) char *text = NULL;
	struct err err = { 0 };

	(void)state;
	lab.ports.boot = 65535;
	assert_int_equal(dhcp_config(&request, &text, &err), 0);
	const char *script = strstr(text, "dhcp-boot=tag:ipxe,\"");
	assert_non_null(script);
	script = strchr(script, '"') + 1;
	assert_in_range(strcspn(script, "\""), 50, 127);
}

static void refused(struct lab *lab, const char *folder, const char *message)
{
	const struct dhcp_request request = { lab, "10.77.0.1", folder };
	char *text = NULL;
	struct err err = { 0 };

	assert_int_equal(dhcp_config(&request, &text, &err), -EINVAL);
	assert_null(text);
	assert_string_equal(err.text, message);
	err_clear(&err);
}

/* No value becomes a line or an option of its own. */
static void test_hostile_values(void **state)
{
	struct lab lab = lab_of(LAB_DHCP_FULL);
	char line[] = "10.77.0.9\ndhcp-script=/bin/sh", option[] = "br0,eth0";
	char *servers[] = { (char[]){ "10.77.0.2 # x" }, NULL };

	(void)state;
	lab.gateway = line;
	refused(&lab, "/nowhere",
		"dhcp.gateway: \"10.77.0.9\ndhcp-script=/bin/sh\" cannot stand in dnsmasq.conf");
	lab.gateway = none;
	lab.interface = option;
	refused(&lab, "/nowhere", "interface: \"br0,eth0\" cannot stand in dnsmasq.conf");
	lab.interface = interface;
	lab.dns = (struct strv){ .items = servers, .count = 1 };
	refused(&lab, "/nowhere", "dhcp.dns: \"10.77.0.2 # x\" cannot stand in dnsmasq.conf");
	lab.dns = (struct strv){ 0 };
	refused(&lab, "/no\"where", "/no\"where: such a path cannot stand in dnsmasq.conf");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),	    cmocka_unit_test(test_full_options),
		cmocka_unit_test(test_proxy),	    cmocka_unit_test(test_none),
		cmocka_unit_test(test_script_fits), cmocka_unit_test(test_hostile_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
