#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/fs.h"
#include "packages/index.h"

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HASH_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

#define STANZA(name, path, size, hash)                                                             \
	"Package: " name "\nVersion: 1.0-1\nArchitecture: amd64\nDescription: a text\n Package: "  \
	"in a text\n .\n and more\nFilename: " path "\nSize: " size "\nSHA256: " hash "\n"

/* Reads a text as the index of suite "s"; HASH_A and HASH_C are wanted. */
static int read_text(const char *text, struct package_list *list, struct err *err)
{
	CLEANUP(strv_done) struct strv hashes = { 0 };
	CLEANUP(free_cleanup) char *folder = NULL;

	assert_int_equal(temp_dir(NULL, &folder, NULL), 0);
	CLEANUP(free_cleanup) char *path = path_join(folder, "Packages");
	assert_int_equal(file_write(path, text, strlen(text), 0600, NULL), 0);
	strv_add(&hashes, HASH_C);
	strv_add(&hashes, HASH_A);
	strv_sort(&hashes);
	int r = index_read(path, "s", &hashes, list, err);
	tree_remove(folder, NULL);
	return r;
}

static void wanted_ones_are_taken(void **state)
{
	CLEANUP(package_list_done) struct package_list list = { 0 };

	(void)state;
	assert_int_equal(
		read_text(STANZA("a", "pool/a.deb", "10", HASH_A) "\n" STANZA(
				  "b", "../b", "x",
				  HASH_B) "\n" STANZA("a", "again", "10",
						      HASH_A) "\n\n" STANZA("c", "pool/c.deb", "30",
									    HASH_C),
			  &list, NULL),
		0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].name, "a");
	assert_string_equal(list.items[0].version, "1.0-1");
	assert_string_equal(list.items[0].architecture, "amd64");
	assert_string_equal(list.items[0].suite, "s");
	assert_string_equal(list.items[0].path, "pool/a.deb");
	assert_int_equal(list.items[0].size_bytes, 10);
	assert_string_equal(list.items[0].sha256, HASH_A);
	assert_string_equal(list.items[1].name, "c");
	assert_string_equal(list.items[1].sha256, HASH_C);
}

#define UNSOUND "the mirror's package list of s is not sound: "

static void unsound_ones_are_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ STANZA("a", "../../a.deb", "10", HASH_A),
		  UNSOUND "a has a path that leads out of the mirror" },
		{ STANZA("a", "http://other/a.deb", "10", HASH_A),
		  UNSOUND "a has a path that leads out of the mirror" },
		{ STANZA("a", "a b.deb", "10", HASH_A), UNSOUND "a has a path that is none" },
		{ STANZA("a", "a.deb", "10 MiB", HASH_A),
		  UNSOUND "a has a size that no package has" },
		{ STANZA("a", "a.deb", "-5", HASH_A), UNSOUND "a has a size that no package has" },
		{ STANZA("a", "a.deb", "99999999999999999999999", HASH_A),
		  UNSOUND "a has a size that no package has" },
		{ STANZA("A\033[1m", "a.deb", "10", HASH_A),
		  UNSOUND "A [1m has a name that no package has" },
		{ "Package: a\nSHA256: " HASH_A "\n",
		  UNSOUND "the package of SHA-256 " HASH_A " lacks a field" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP(package_list_done) struct package_list list = { 0 };
		struct err err = { 0 };

		assert_int_equal(read_text(cases[i].text, &list, &err), -EBADMSG);
		assert_string_equal(err.text, cases[i].message);
		err_clear(&err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wanted_ones_are_taken),
		cmocka_unit_test(unsound_ones_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
