#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "packages/proxy.h"

static const char dump[] = "Acquire::http \n"
			   "Acquire::http::Proxy http://all:3128\n"
			   "Acquire::http::Proxy::near.lan DIRECT\n"
			   "Acquire::http::Proxy::far.example http://far:1\n"
			   "Acquire::https::Proxy::far.example http://safe:2\n";

static void each_gets_its_own(void **state)
{
	static const struct {
		const char *uri, *proxy;
	} cases[] = {
		{ "http://deb.example/debian", "http://all:3128" },
		{ "http://near.lan:8080/debian", "" },
		{ "http://nearer.near.lan/debian", "http://all:3128" },
		{ "http://far.example", "http://far:1" },
		{ "https://far.example/debian", "http://safe:2" },
		{ "https://deb.example/debian", "http://all:3128" },
		{ "file:///srv/debian", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP(package_sources_done) struct package_sources sources = { 0 };

		package_sources_add(&sources, cases[i].uri, "s");
		proxies_apply(dump, &sources);
		if (cases[i].proxy)
			assert_string_equal(sources.items[0].proxy, cases[i].proxy);
		else
			assert_null(sources.items[0].proxy);
	}
}

static void none_is_none(void **state)
{
	CLEANUP(package_sources_done) struct package_sources sources = { 0 };

	(void)state;
	package_sources_add(&sources, "http://deb.example/debian", "s");
	proxies_apply("", &sources);
	assert_null(sources.items[0].proxy);
	proxies_apply("Acquire::http::Proxy \nAcquire::http::Proxy-Auto-Detect x\n", &sources);
	assert_null(sources.items[0].proxy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_gets_its_own),
		cmocka_unit_test(none_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
