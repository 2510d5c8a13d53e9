#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

static void sizes_parse(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t bytes;
	} cases[] = {
		{ "0", 0, 0 },
		{ "1000", 0, 1000 },
		{ "4KiB", 0, 4096 },
		{ "512MiB", 0, UINT64_C(512) << 20 },
		{ "12GiB", 0, UINT64_C(12) << 30 },
		{ "1TiB", 0, UINT64_C(1) << 40 },
		{ "2GB", -EINVAL, 0 },
		{ "2 GiB", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "GiB", -EINVAL, 0 },
		{ "1.5GiB", -EINVAL, 0 },
		{ "8388608TiB", -ERANGE, 0 },
		{ "99999999999999999999", -ERANGE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t bytes = 0;

		assert_int_equal(size_parse(cases[i].text, &bytes), cases[i].r);
		assert_int_equal(bytes, cases[i].bytes);
	}
}

static void sizes_format_exactly(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = { { 0, "0" },
		      { 1000, "1000" },
		      { 1536, "1536" },
		      { 2048, "2KiB" },
		      { UINT64_C(12) << 30, "12GiB" },
		      { UINT64_C(1536) << 20, "1536MiB" } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP(free_cleanup) char *text = size_format(cases[i].bytes);

		assert_string_equal(text, cases[i].text);
	}
}

static void lists_sort_without_duplicates(void **state)
{
	CLEANUP(strv_done) struct strv list = { 0 };

	(void)state;
	strv_add(&list, "b");
	strv_add(&list, "a");
	strv_format(&list, "%s", "b");
	strv_sort(&list);
	CLEANUP(free_cleanup) char *joined = strv_join(&list, ",");
	assert_string_equal(joined, "a,b");
	assert_null(list.items[list.count]);
	assert_true(strv_has(&list, "a"));
	assert_false(strv_has(&list, "c"));
}

static void buffers_hold_nuls(void **state)
{
	CLEANUP(buf_done) struct buf buf = { 0 };

	(void)state;
	assert_string_equal(buf_str(&buf), "");
	for (int i = 0; i < 1000; i++)
		buf_add(&buf, "x\0", 2);
	assert_int_equal(buf.length, 2000);
	assert_memory_equal(buf.data + 1998, "x\0\0", 3);
}

static void errors_gain_context(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(err_errno(&err, ENOENT, "%s: cannot be opened", "a.yaml"), -ENOENT);
	assert_int_equal(err_wrap(&err, -ENOENT, "reading the stack"), -ENOENT);
	assert_string_equal(
		err.text, "reading the stack: a.yaml: cannot be opened: No such file or directory");
	assert_int_equal(err_exit_status(&err), 1);
	err_set(&err, -EINVAL, "bad");
	assert_int_equal(err_exit_status(&err), 2);
	err_set(&err, -EBADMSG, "bad");
	assert_int_equal(err_exit_status(&err), 3);
	err_clear(&err);
	assert_null(err.text);
	assert_int_equal(err_set(NULL, -EIO, "nobody listens"), -EIO);
}

static int evaluations;

static char **counted(char **pointer)
{
	evaluations++;
	return pointer;
}

static void take_evaluates_once(void **state)
{
	char *owned = str_copy("x");

	(void)state;
	evaluations = 0;
	CLEANUP(free_cleanup) char *taken = take(counted(&owned));
	assert_int_equal(evaluations, 1);
	assert_null(owned);
	assert_string_equal(taken, "x");
}

static void shell_words_stay_one_word(void **state)
{
	CLEANUP(buf_done) struct buf out = { 0 };

	(void)state;
	buf_shell(&out, "");
	assert_string_equal(buf_str(&out), "''");
	buf_text(&out, " ");
	buf_shell(&out, "it's $HOME `x` \\");
	assert_string_equal(buf_str(&out), "'' 'it'\\''s $HOME `x` \\'");
}

static void characters_are_not_cut(void **state)
{
	(void)state;
	assert_int_equal(str_cut("abc", 10), 3);
	assert_int_equal(str_cut("abc", 2), 2);
	assert_int_equal(str_cut("a\xc3\xa9", 2), 1);
	assert_int_equal(str_cut("a\xc3\xa9", 3), 3);
	assert_int_equal(str_cut("\xe3\x81\x82", 2), 0);
	assert_int_equal(str_cut("\x81\x82\x83", 2), 0);
}

static void texts_from_elsewhere_are_tamed(void **state)
{
	char line[] = "a\033[2J\tb\x7f\xc2\x9b"
		      "c\n\xc3\xa9";
	char lines[] = "one\033\n\ntwo\r\n\x07";

	(void)state;
	str_tame(line);
	assert_string_equal(line, "a [2J b   c \xc3\xa9");
	str_tame_lines(lines);
	assert_string_equal(lines, "one \n\ntwo \n ");
}

static void escapes_become_bytes(void **state)
{
	char text[] = "a\\040b\\134\\0401 \\x20c\\x2fd \\04 \\000 \\777 \\x2 \\xg0 \\x00 \\";

	(void)state;
	str_unescape(text);
	assert_string_equal(text, "a b\\ 1  c/d \\04 \\000 \\777 \\x2 \\xg0 \\x00 \\");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_parse),
		cmocka_unit_test(sizes_format_exactly),
		cmocka_unit_test(lists_sort_without_duplicates),
		cmocka_unit_test(buffers_hold_nuls),
		cmocka_unit_test(errors_gain_context),
		cmocka_unit_test(take_evaluates_once),
		cmocka_unit_test(shell_words_stay_one_word),
		cmocka_unit_test(characters_are_not_cut),
		cmocka_unit_test(texts_from_elsewhere_are_tamed),
		cmocka_unit_test(escapes_become_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
