#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json.h"

/* The text in a block of exactly its size, so that a sanitizer sees a step beyond it. */
static bool reads(const char *text, size_t length, struct json_object *object, char **ret_copy)
{
	char *copy = malloc(length ? length : 1);

	memcpy(copy, text, length);
	bool good = json_read(copy, length, object);
	if (ret_copy)
		*ret_copy = copy;
	else
		free(copy);
	return good;
}

static void members_are_found(void **state)
{
	static const char text[] =
		" { \"t\" : \"exec\", \"id\": 7, \"x\":[1,{\"t\":2}],\"n\":-1.5e3 ,"
		"\"argv\":[\"a\\u0041\\n\", \"\\ud83d\\ude00\"], \"b\":true } ";
	struct json_object object;
	struct buf argv = { 0 };
	char value[16], *copy;
	unsigned id = 0;

	(void)state;
	assert_true(reads(text, strlen(text), &object, &copy));
	assert_int_equal(object.count, 6);
	assert_true(json_get_text(&object, "t", value, sizeof value));
	assert_string_equal(value, "exec");
	assert_true(json_get_unsigned(&object, "id", 10, &id));
	assert_int_equal(id, 7);
	assert_false(json_get_unsigned(&object, "id", 6, &id));
	assert_false(json_get_unsigned(&object, "n", 10, &id));
	assert_false(json_get_unsigned(&object, "t", 10, &id));
	assert_false(json_get_text(&object, "id", value, sizeof value));
	assert_false(json_get_text(&object, "absent", value, sizeof value));
	assert_false(json_get_text(&object, "t", value, 4));
	assert_string_equal(value, "");
	assert_int_equal(json_get_texts(&object, "argv", &argv), 2);
	assert_int_equal(argv.length, 4 + 5);
	assert_memory_equal(argv.data, "aA\n\0\xf0\x9f\x98\x80", 9);
	assert_int_equal(json_get_texts(&object, "x", &argv), -1);
	assert_int_equal(json_get_texts(&object, "t", &argv), -1);
	buf_done(&argv);
	free(copy);
}

static void wrong_texts_are_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"{",
		"}",
		"[]",
		"\"t\"",
		"{\"t\"}",
		"{\"t\":}",
		"{\"t\":1,}",
		"{,}",
		"{t:1}",
		"{\"t\":1}x",
		"{\"t\":1}{\"t\":2}",
		"{\"t\":01}",
		"{\"t\":+1}",
		"{\"t\":1.}",
		"{\"t\":.5}",
		"{\"t\":1e}",
		"{\"t\":nul}",
		"{\"t\":tru",
		"{\"t\":\"a}",
		"{\"t\":\"\\x\"}",
		"{\"t\":\"\\u12\"}",
		"{\"t\":\"\\u0000\"}",
		"{\"t\":\"\\ud800\"}",
		"{\"t\":\"\\ud800\\u0041\"}",
		"{\"t\":\"\\udc00\"}",
		"{\"t\":\"\n\"}",
		"{\"t\":\"\xff\"}",
		"{\"t\":\"\xc0\xaf\"}",
		"{\"t\":\"\xed\xa0\x80\"}",
		"{\"t\":\"\xf4\x90\x80\x80\"}",
		"{\"t\":\"\xe2\x82\"}",
		"{\"t\":[1,]}",
		"{\"t\":[1 2]}",
		"{\"t\":1,\"t\":2}",
		"{\"path\":\"a\",\"p\\u0061th\":\"b\"}",
	};
	struct json_object object;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (reads(wrong[i], strlen(wrong[i]), &object, NULL))
			fail_msg("taken: %s", wrong[i]);
	assert_false(reads("{\"t\":\"a\0b\"}", 11, &object, NULL));
}

/* Whatever the end: no prefix of an object is one, and none is read beyond. */
static void every_prefix_is_refused(void **state)
{
	static const char text[] = "{\"t\":\"\\u00e9\\ud83d\\ude00\xc3\xa9\",\"a\":[{},[],-1.5e+3,"
				   "true,null],\"o\":{\"k\":\"v\"}}";
	struct json_object object;

	(void)state;
	for (size_t length = 0; length < strlen(text); length++)
		assert_false(reads(text, length, &object, NULL));
	assert_true(reads(text, strlen(text), &object, NULL));
}

static void size_is_bounded(void **state)
{
	struct buf deep = { 0 }, wide = { 0 };
	struct json_object object;

	(void)state;
	buf_text(&deep, "{\"t\":");
	for (int i = 0; i < 20000; i++)
		buf_text(&deep, "[");
	assert_false(reads(deep.data, deep.length, &object, NULL));
	buf_text(&wide, "{\"k\":0");
	for (int i = 1; i < JSON_MEMBERS; i++)
		buf_format(&wide, ",\"k%d\":0", i);
	buf_text(&wide, "}");
	assert_true(reads(wide.data, wide.length, &object, NULL));
	wide.length--;
	buf_text(&wide, ",\"more\":0}");
	assert_false(reads(wide.data, wide.length, &object, NULL));
	buf_done(&deep);
	buf_done(&wide);
}

static void written_is_read(void **state)
{
	static const char nasty[] = "q\" b\\ n\n t\t e\x1b d\x7f u\xc3\xa9 x\xff r\x1e";
	struct json_object object;
	struct buf out = { 0 };
	char value[64];

	(void)state;
	json_begin(&out, "event");
	json_text(&out, "text", nasty);
	json_number(&out, "id", 42);
	json_seconds(&out, "seconds", 1.256);
	json_data(&out, "data", "\0\1", 2);
	json_open(&out, "list", '[');
	json_element(&out, "a");
	json_element(&out, "{");
	json_close(&out, ']');
	json_open(&out, "empty", '{');
	json_close(&out, '}');
	json_close(&out, '}');
	buf_add(&out, "", 1);
	assert_string_equal(out.data,
			    "{\"t\":\"event\",\"text\":\"q\\\" b\\\\ n\\n t\\t e\\u001b d\\u007f "
			    "u\xc3\xa9 x\xef\xbf\xbd r\\u001e\",\"id\":42,\"seconds\":1.26,"
			    "\"data\":\"AAE=\",\"list\":[\"a\",\"{\"],\"empty\":{}}");
	assert_true(json_read(out.data, out.length - 1, &object));
	assert_true(json_get_text(&object, "text", value, sizeof value));
	assert_string_equal(value, "q\" b\\ n\n t\t e\x1b d\x7f u\xc3\xa9 x\xef\xbf\xbd r\x1e");
	buf_done(&out);
}

/* Mutations of a good message, always the same ones: nothing may be read or written outside. */
static void mutations_do_no_harm(void **state)
{
	static const char text[] =
		"{\"t\":\"exec\",\"path\":\"a/b\",\"id\":1,\"argv\":[\"ls\",\"\\u00e9\"],"
		"\"data\":\"AAAA\"}";
	struct json_object object;
	struct buf texts = { 0 };
	char value[32], *copy;
	uint32_t seed = 1;
	unsigned id;

	(void)state;
	for (int round = 0; round < 50000; round++) {
		char changed[sizeof text];

		memcpy(changed, text, sizeof text);
		for (int i = 0; i < 3; i++) {
			seed = seed * 1664525 + 1013904223;
			changed[(seed >> 16) % (sizeof text - 1)] = (char)(seed >> 8);
		}
		if (reads(changed, sizeof text - 1, &object, &copy)) {
			json_get_text(&object, "path", value, sizeof value);
			json_get_unsigned(&object, "id", 100, &id);
			json_get_texts(&object, "argv", &texts);
			json_get_bytes(&object, "data", &texts);
			texts.length = 0;
		}
		free(copy);
	}
	buf_done(&texts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found),
		cmocka_unit_test(wrong_texts_are_refused),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(written_is_read),
		cmocka_unit_test(mutations_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
