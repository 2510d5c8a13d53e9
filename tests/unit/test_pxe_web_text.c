#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "pxe/web_text.h"

static void targets(void **state)
{
	static const struct {
		const char *target, *path, *query;
	} good[] = {
		{ "/", "", "" },
		{ "/boot/ipxe?mac=1&uuid=2", "boot/ipxe", "mac=1&uuid=2" },
		{ "//media///r1//x", "media/r1/x", "" },
		{ "/media/r1/", "media/r1/", "" },
		{ "/libstdc%2b%2B6_12%3a1.deb", "libstdc++6_12:1.deb", "" },
		{ "/a%20b?c%00d?e", "a b", "c%00d?e" },
		{ "/...", "...", "" },
		{ "/.a/..b/c..", ".a/..b/c..", "" },
		{ "/?/../x", "", "/../x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		CLEANUP(free_cleanup) char *path = NULL;
		CLEANUP(free_cleanup) char *query = NULL;

		assert_int_equal(web_target_parse(good[i].target, &path, &query), 0);
		assert_string_equal(path, good[i].path);
		assert_string_equal(query, good[i].query);
	}
}

static void targets_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"*",
		"boot/ipxe",
		"http://10.0.0.1/boot/ipxe",
		"/..",
		"/../etc/passwd",
		"/netboot/../../etc/passwd",
		"/netboot/..",
		"/netboot/./x",
		"/.",
		"/netboot/%2e%2e/x",
		"/netboot/.%2E/x",
		"/netboot/..%2fx",
		"/netboot%2fx",
		"/netboot/%5c..%5cx",
		"/netboot\\x",
		"/netboot/x%00",
		"/netboot/%00/x",
		"/netboot/%0d%0aX",
		"/netboot/%7f",
		"/netboot/\x01",
		"/netboot/%",
		"/netboot/%4",
		"/netboot/%4?1",
		"/netboot/%zz",
		"/netboot/%-1",
	};
	char endless[2000];

	(void)state;
	memset(endless, 'a', sizeof endless);
	endless[0] = '/';
	endless[sizeof endless - 1] = '\0';
	for (size_t i = 0; i <= sizeof bad / sizeof *bad; i++) {
		const char *target = i < sizeof bad / sizeof *bad ? bad[i] : endless;
		char *path = NULL, *query = NULL;

		if (web_target_parse(target, &path, &query) != -EINVAL)
			fail_msg("%s became %s", target, path);
		assert_null(path);
	}
}

static void query_values(void **state)
{
	const char *query = "mac=52%3A54&uuid=&xmac=no&arch=x86_64-efi&a+b=c&bad=%4&nul=%00&p=a+b";
	char value[16];

	(void)state;
	web_query_value(query, "mac", value, sizeof value);
	assert_string_equal(value, "52:54");
	web_query_value(query, "uuid", value, sizeof value);
	assert_string_equal(value, "");
	web_query_value(query, "arch", value, sizeof value);
	assert_string_equal(value, "x86_64-efi");
	web_query_value(query, "arch", value, 5);
	assert_string_equal(value, ""); /* does not fit */
	web_query_value(query, "bad", value, sizeof value);
	assert_string_equal(value, "");
	web_query_value(query, "nul", value, sizeof value);
	assert_string_equal(value, "");
	web_query_value(query, "p", value, sizeof value);
	assert_string_equal(value, "a b");
	web_query_value(query, "none", value, sizeof value);
	assert_string_equal(value, "");
}

static void query_of_any_size_fits_exactly(void **state)
{
	char value[4];

	(void)state;
	web_query_value("a=123", "a", value, sizeof value);
	assert_string_equal(value, "123");
	web_query_value("a=1234", "a", value, sizeof value);
	assert_string_equal(value, "");
}

static void tokens(void **state)
{
	const char *good = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123-_9";
	char path[128], token[TOKEN_LENGTH + 1];
	const char *rest = NULL;

	(void)state;
	assert_int_equal(strlen(good), TOKEN_LENGTH);
	snprintf(path, sizeof path, "%s/ticket", good);
	assert_true(web_token_split(path, token, &rest));
	assert_string_equal(token, good);
	assert_string_equal(rest, "ticket");
	snprintf(path, sizeof path, "%sx/ticket", good);
	assert_false(web_token_split(path, token, &rest));
	assert_false(web_token_split(good, token, &rest));
	assert_false(web_token_split("", token, &rest));
	assert_false(web_token_split("short/ticket", token, &rest));
}

static void ranges(void **state)
{
	static const struct {
		const char *header;
		uint64_t size;
		enum web_range kind;
		uint64_t first, length;
	} cases[] = {
		{ NULL, 10, WEB_RANGE_WHOLE, 0, 10 },
		{ "bytes=0-0", 10, WEB_RANGE_PART, 0, 1 },
		{ "bytes=2-5", 10, WEB_RANGE_PART, 2, 4 },
		{ "bytes=2-", 10, WEB_RANGE_PART, 2, 8 },
		{ "bytes=2-99", 10, WEB_RANGE_PART, 2, 8 },
		{ "bytes=-3", 10, WEB_RANGE_PART, 7, 3 },
		{ "bytes=-30", 10, WEB_RANGE_PART, 0, 10 },
		{ "bytes=9-", 10, WEB_RANGE_PART, 9, 1 },
		{ "bytes=10-", 10, WEB_RANGE_BEYOND, 0, 10 },
		{ "bytes=-0", 10, WEB_RANGE_BEYOND, 0, 10 },
		{ "bytes=0-", 0, WEB_RANGE_BEYOND, 0, 0 },
		{ "bytes=-5", 0, WEB_RANGE_BEYOND, 0, 0 },
		{ "bytes=5-2", 10, WEB_RANGE_WHOLE, 0, 10 },
		{ "bytes=", 10, WEB_RANGE_WHOLE, 0, 10 },
		{ "bytes=-", 10, WEB_RANGE_WHOLE, 0, 10 },
		{ "bytes=0-1,3-4", 10, WEB_RANGE_WHOLE, 0, 10 },
		{ "bytes=0-1 ", 10, WEB_RANGE_WHOLE, 0, 10 },
		{ "bytes=--1", 10, WEB_RANGE_WHOLE, 0, 10 },
		{ "bytes=+1-2", 10, WEB_RANGE_WHOLE, 0, 10 },
		{ "chars=0-1", 10, WEB_RANGE_WHOLE, 0, 10 },
		{ "bytes=0-18446744073709551615", 10, WEB_RANGE_PART, 0, 10 },
		{ "bytes=0-18446744073709551616", 10, WEB_RANGE_WHOLE, 0, 10 },
		{ "bytes=18446744073709551615-", 10, WEB_RANGE_BEYOND, 0, 10 },
		{ "bytes=-18446744073709551615", 10, WEB_RANGE_PART, 0, 10 },
		{ "bytes=5000000000-", UINT64_C(5000000001), WEB_RANGE_PART, UINT64_C(5000000000),
		  1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t first, length;

		assert_int_equal(web_range_parse(cases[i].header, cases[i].size, &first, &length),
				 cases[i].kind);
		assert_int_equal(first, cases[i].first);
		assert_int_equal(length, cases[i].length);
	}
}

static void etags(void **state)
{
	(void)state;
	assert_true(web_etag_is("\"abc\"", "abc"));
	assert_false(web_etag_is("W/\"abc\"", "abc")); /* If-Range compares strongly */
	assert_false(web_etag_is("\"abcd\"", "abc"));
	assert_false(web_etag_is("\"abc\" ", "abc"));
	assert_false(web_etag_is("abc", "abc"));
	assert_false(web_etag_is("Wed, 21 Oct 2015 07:28:00 GMT", "abc"));
	assert_true(web_etag_listed("*", "abc"));
	assert_true(web_etag_listed("\"x\", W/\"abc\" , \"y\"", "abc"));
	assert_false(web_etag_listed("\"x\", \"abcd\"", "abc"));
	assert_false(web_etag_listed("", "abc"));
	assert_false(web_etag_listed(",,, W/", "abc"));
}

static void hosts(void **state)
{
	static const char *const good[] = { "127.0.0.1",   "127.0.0.1:8083", "localhost",
					    "localhost:1", "[::1]",	     "[::1]:8083",
					    "10.0.0.1:80" };
	static const char *const bad[] = {
		"",
		"rebound.example",
		"127.0.0.1.rebound.example",
		"127.0.0.1:",
		"127.0.0.1:x",
		"localhost.rebound.example",
		"[::1",
		"[::1]x",
		"::1",
		"127.0.0.1:80:80",
		"[127.0.0.1]",
		"0x7f.1",
		"1",
		" 127.0.0.1",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		if (!web_host_is_address(good[i]))
			fail_msg("%s is refused", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (web_host_is_address(bad[i]))
			fail_msg("%s is taken", bad[i]);
	assert_false(web_host_is_address(NULL));
	assert_true(web_origin_is_host("http://127.0.0.1:8083", "127.0.0.1:8083"));
	assert_false(web_origin_is_host("https://127.0.0.1:8083", "127.0.0.1:8083"));
	assert_false(web_origin_is_host("http://127.0.0.1:8084", "127.0.0.1:8083"));
	assert_false(web_origin_is_host("null", "127.0.0.1:8083"));
}

static void assert_identity(const char *text, size_t digits, const char *expected)
{
	char value[64];

	snprintf(value, sizeof value, "%s", text);
	web_identity_check(value, digits);
	assert_string_equal(value, expected);
}

static void clients(void **state)
{
	(void)state;
	assert_int_equal(web_firmware("pcbios"), FIRMWARE_BIOS);
	assert_int_equal(web_firmware("EFI"), FIRMWARE_UEFI);
	assert_int_equal(web_firmware("x86_64-efi"), FIRMWARE_UEFI);
	assert_int_equal(web_firmware("x86_64"), FIRMWARE_UNKNOWN);
	assert_int_equal(web_firmware(""), FIRMWARE_UNKNOWN);
	assert_identity("52:54:00:AA:bb:01", 12, "52:54:00:AA:bb:01");
	assert_identity("52-54-00-aa-bb-01", 12, "52-54-00-aa-bb-01");
	assert_identity("52:54:00:aa:bb", 12, "");
	assert_identity("52:54:00:aa:bb:0g", 12, "");
	assert_identity("525400aabb01\n", 12, "");
	assert_identity("", 12, "");
	assert_identity("6c0a4a3c-1111-2222-3333-444455556666", 32,
			"6c0a4a3c-1111-2222-3333-444455556666");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets),	cmocka_unit_test(targets_refused),
		cmocka_unit_test(query_values), cmocka_unit_test(query_of_any_size_fits_exactly),
		cmocka_unit_test(tokens),	cmocka_unit_test(ranges),
		cmocka_unit_test(etags),	cmocka_unit_test(hosts),
		cmocka_unit_test(clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
