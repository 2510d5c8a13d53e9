#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "answers/escape.h"
#include "answers/formats.h"
#include "answers/values.h"
#include "answers/xml.h"
#include "pattern/pattern.h"

static void expect(void (*escape)(const char *text, struct buf *out), const char *text,
		   const char *wanted)
{
	CLEANUP(buf_done) struct buf out = { 0 };

	buf_text(&out, "");
	escape(text, &out);
	assert_string_equal(buf_str(&out), wanted);
}

static void xml_escapes_its_five_characters(void **state)
{
	(void)state;
	expect(escape_xml, "", "");
	expect(escape_xml, "a b/ü", "a b/ü");
	expect(escape_xml, "<a b='c' d=\"e\">&amp;",
	       "&lt;a b=&apos;c&apos; d=&quot;e&quot;&gt;&amp;amp;");
	expect(escape_xml, "]]>", "]]&gt;");
}

static void kickstart_words_stay_one_word(void **state)
{
	(void)state;
	expect(escape_kickstart, "", "\"\"");
	expect(escape_kickstart, "ja_JP.UTF-8", "ja_JP.UTF-8");
	expect(escape_kickstart, "#a", "\"#a\"");
	expect(escape_kickstart, "a \"b\" 'c' \\", "\"a \\\"b\\\" 'c' \\\\\"");
	/* Python's shlex gives $ no meaning. */
	expect(escape_kickstart, "$6$salt$hash", "\"$6$salt$hash\"");
}

static void toml_strings_are_basic_ones(void **state)
{
	(void)state;
	expect(escape_toml, "", "\"\"");
	expect(escape_toml, "a'b", "\"a'b\"");
	expect(escape_toml, "a\"b\\c", "\"a\\\"b\\\\c\"");
	expect(escape_toml, "a\n\t\x7f", "\"a\\u000A\\u0009\\u007F\"");
}

static void preseed_takes_plain_words_only(void **state)
{
	static const char *const odd[] = { "", "a b", "a}", "a\\", "a\"", "ü", "a/b", "$a" };

	(void)state;
	assert_true(escape_not_needed("root-1_2.3:4"));
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
		assert_false(escape_not_needed(odd[i]));
}

static void xml_is_written_level_by_level(void **state)
{
	CLEANUP(xml_done) struct xml xml = { 0 };

	(void)state;
	xml_begin(&xml, "c", "a");
	xml_open(&xml, "a", XML_ATTRIBUTES("x", "\"<&'", "y", "2"));
	xml_text(&xml, "b", NULL, "");
	xml_text(&xml, "b", XML_ATTRIBUTES("z", "1"), "<c>");
	xml_close(&xml);
	assert_string_equal(buf_str(&xml.text),
			    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- c -->\n<!DOCTYPE a>\n"
			    "<a x=\"&quot;&lt;&amp;&apos;\" y=\"2\">\n  <b/>\n"
			    "  <b z=\"1\">&lt;c&gt;</b>\n</a>\n");
}

static void addresses_are_taken_apart(void **state)
{
	char address[] = "10.0.2.10/23";
	const struct network_spec network = { .mode = ADDRESS_STATIC, .address = address };

	(void)state;
	CLEANUP(free_cleanup) char *ip = address_ip(&network);
	CLEANUP(free_cleanup) char *netmask = address_netmask(&network);
	CLEANUP(route_done) struct route route = route_parse("10.1.0.0/16 via 10.0.2.3");

	assert_string_equal(ip, "10.0.2.10");
	assert_int_equal(address_bits(&network), 23);
	assert_string_equal(netmask, "255.255.254.0");
	assert_string_equal(route.cidr, "10.1.0.0/16");
	assert_string_equal(route.network, "10.1.0.0");
	assert_string_equal(route.netmask, "255.255.0.0");
	assert_string_equal(route.gateway, "10.0.2.3");
}

static void keyboards_have_names_or_none(void **state)
{
	(void)state;
	assert_string_equal(keyboard_name("us", KEYBOARD_SUSE), "english-us");
	assert_string_equal(keyboard_name("de", KEYBOARD_CONSOLE), "de-latin1");
	assert_null(keyboard_name("nl", KEYBOARD_ESXI));
	assert_null(keyboard_name("dvorak", KEYBOARD_SUSE));
}

static void plain_locales_become_one_that_all_have(void **state)
{
	static const struct {
		char locale[16];
		const char *wanted;
	} rows[] = { { "C", "en_US.UTF-8" },
		     { "C.UTF-8", "en_US.UTF-8" },
		     { "POSIX", "en_US.UTF-8" },
		     { "ja_JP.UTF-8", "ja_JP.UTF-8" },
		     { "Chr_US.UTF-8", "Chr_US.UTF-8" } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char locale[16];

		memcpy(locale, rows[i].locale, sizeof locale);
		const struct layer layer = { .locale = locale };
		assert_string_equal(installed_locale(&layer), rows[i].wanted);
	}
}

static void every_family_has_a_format_with_releases(void **state)
{
	(void)state;
	for (int family = OS_DEBIAN; family <= OS_PROXMOX; family++) {
		const struct answers_format *format = answers_format_of((enum os_family_id)family);

		assert_int_equal(format->family, family);
		assert_non_null(format->release(0));
		assert_non_null(format->limits);
		assert_true(answers_format_is_local(format) || str_equal(format->name, "xcp-ng"));
	}
	assert_null(answers_format_at(6));
}

/* A group has names in every release of a family that takes packages. */
static void every_group_is_known_to_every_release(void **state)
{
	static const char *const groups[] = { "file-server", "web-server", "development" };
	const struct answers_format *format;
	const struct answers_release *release;

	(void)state;
	for (size_t i = 0; (format = answers_format_at(i)); i++)
		for (size_t j = 0; format->partitions && (release = format->release(j)); j++)
			for (size_t k = 0; k < sizeof groups / sizeof *groups; k++)
				assert_non_null(
					package_group(groups[k], format->family, release->name));
}

static void formats_are_found_by_name_and_family(void **state)
{
	char name[] = "l1";
	const struct layer layer = { .name = name, .os_family = OS_SUSE };
	const struct answers_format *format = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(answers_format_find(&layer, NULL, &format, &err), 0);
	assert_string_equal(format->name, "autoyast");
	assert_int_equal(answers_format_find(&layer, "autoyast", &format, &err), 0);
	assert_int_equal(answers_format_find(&layer, "preseed", &format, &err), -EINVAL);
	assert_string_equal(err.text, "l1 is a layer of family suse, whose installer reads "
				      "autoyast, not preseed");
	assert_int_equal(answers_format_find(&layer, "x", &format, &err), -EINVAL);
	assert_string_equal(err.text, "\"x\" is no format of answer files; there are autoyast, "
				      "kickstart, preseed, esxi, xcp-ng, proxmox");
	err_clear(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xml_escapes_its_five_characters),
		cmocka_unit_test(kickstart_words_stay_one_word),
		cmocka_unit_test(toml_strings_are_basic_ones),
		cmocka_unit_test(preseed_takes_plain_words_only),
		cmocka_unit_test(xml_is_written_level_by_level),
		cmocka_unit_test(addresses_are_taken_apart),
		cmocka_unit_test(keyboards_have_names_or_none),
		cmocka_unit_test(plain_locales_become_one_that_all_have),
		cmocka_unit_test(every_family_has_a_format_with_releases),
		cmocka_unit_test(every_group_is_known_to_every_release),
		cmocka_unit_test(formats_are_found_by_name_and_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
