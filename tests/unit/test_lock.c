#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fs.h"
#include "packages/lock.h"

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HASH_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define ANEW   "make the file anew with nestctl lock"

#define PACKAGE(name, version, architecture, suite, path, size, hash)                              \
	"{\"name\": \"" name "\", \"version\": \"" version "\", \"architecture\": \"" architecture \
	"\", \"suite\": \"" suite "\", \"path\": \"" path "\", \"size\": " size                    \
	", \"sha256\": \"" hash "\"}"
#define SOUND	   PACKAGE("bash", "5.2.15-2+b7", "amd64", "bookworm", "pool/b/bash.deb", "10", HASH_B)
#define TREE(list) "{\"tree\": \"t1\", \"request\": \"" HASH_A "\", \"packages\": [" list "]}"
#define LOCK(list) "{\"nestctl lock\": 1, \"trees\": [" list "]}"
#define ONE(list)  LOCK(TREE(list))

struct fixture {
	char *folder, *path;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);

	*state = fixture;
	if (!fixture || temp_dir(NULL, &fixture->folder, NULL) < 0)
		return -1;
	fixture->path = path_join(fixture->folder, "lab.lock");
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	tree_remove(fixture->folder, NULL);
	free(fixture->folder);
	free(fixture->path);
	free(fixture);
	return 0;
}

static void fill(struct lock *lock)
{
	struct lock_tree *tree = lock_add(lock, "t1", HASH_A);
	struct package *package = package_list_add(&tree->packages);

	*package = (struct package){
		.name = str_copy("bash"),
		.version = str_copy("1:5.2~rc1+b7"),
		.architecture = str_copy("amd64"),
		.suite = str_copy("bookworm-security"),
		.path = str_copy("pool/updates/main/b/bash/bash_5.2_amd64.deb"),
		.size_bytes = 12345678901,
	};
	memcpy(package->sha256, HASH_B, sizeof package->sha256);
}

static void what_is_written_is_read(void **state)
{
	const struct fixture *fixture = *state;
	CLEANUP(lock_done) struct lock lock = { 0 }, read = { 0 };
	struct err err = { 0 };

	fill(&lock);
	assert_int_equal(lock_write(fixture->path, &lock, &err), 0);
	assert_int_equal(lock_read(fixture->path, &read, &err), 0);
	assert_string_equal(read.path, fixture->path);
	assert_int_equal(read.count, 1);
	assert_string_equal(read.trees[0].name, "t1");
	assert_string_equal(read.trees[0].request, HASH_A);
	assert_int_equal(read.trees[0].packages.count, 1);
	const struct package *package = &read.trees[0].packages.items[0];
	assert_string_equal(package->name, "bash");
	assert_string_equal(package->version, "1:5.2~rc1+b7");
	assert_string_equal(package->architecture, "amd64");
	assert_string_equal(package->suite, "bookworm-security");
	assert_string_equal(package->path, "pool/updates/main/b/bash/bash_5.2_amd64.deb");
	assert_true(package->size_bytes == 12345678901);
	assert_string_equal(package->sha256, HASH_B);
	assert_ptr_equal(lock_find(&read, HASH_A), &read.trees[0]);
	assert_null(lock_find(&read, HASH_B));
}

/* The order in which packages stand there says nothing. */
static void order_does_not_matter(void **state)
{
	static const char *const texts[] = {
		ONE(SOUND ", " PACKAGE("zlib", "1", "amd64", "s", "p/z.deb", "3", HASH_C)),
		ONE(PACKAGE("zlib", "1", "amd64", "s", "p/z.deb", "3", HASH_C) ", " SOUND),
	};
	const struct fixture *fixture = *state;
	char hashes[2][HASH_HEX_LENGTH + 1] = { "", "" };

	for (size_t i = 0; i < 2; i++) {
		CLEANUP(lock_done) struct lock lock = { 0 };

		assert_int_equal(file_write(fixture->path, texts[i], strlen(texts[i]), 0600, NULL),
				 0);
		assert_int_equal(lock_read(fixture->path, &lock, NULL), 0);
		package_list_hash(&lock.trees[0].packages, hashes[i]);
	}
	assert_string_equal(hashes[0], hashes[1]);
}

/* %s: the lock file. */
static const struct {
	const char *text, *message;
} refusals[] = {
	{ "", "%s:1:0: no lock file: '[' or '{' expected near end of file: " ANEW },
	{ "{\"nestctl lock\": 1,",
	  "%s:1:19: no lock file: string or '}' expected near end of file: " ANEW },
	{ "{\"nestctl lock\": 1, \"nestctl lock\": 1}",
	  "%s:1:34: no lock file: duplicate object key near '\"nestctl lock\"': " ANEW },
	{ LOCK(TREE(SOUND)) "\n\033[2J",
	  "%s:2:1: no lock file: end of file expected near ' ': " ANEW },
	{ "[]", "%s: is no lock file of this version of nestctl: " ANEW },
	{ "{\"nestctl lock\": 2, \"trees\": []}",
	  "%s: is no lock file of this version of nestctl: " ANEW },
	{ "{\"nestctl lock\": \"1\", \"trees\": []}",
	  "%s: is no lock file of this version of nestctl: " ANEW },
	{ "{\"nestctl lock\": 1}", "%s: has no list of trees: " ANEW },
	{ "{\"nestctl lock\": 1, \"trees\": {\"a\": 1}}", "%s: has no list of trees: " ANEW },
	{ LOCK(""), "%s: has no list of trees: " ANEW },
	{ LOCK("7"), "%s: tree 1 lacks its name, its request or its packages: " ANEW },
	{ LOCK("{\"tree\": 1, \"request\": \"" HASH_A "\", \"packages\": [" SOUND "]}"),
	  "%s: tree 1 lacks its name, its request or its packages: " ANEW },
	{ LOCK("{\"tree\": \"t\", \"request\": \"../../x\", \"packages\": [" SOUND "]}"),
	  "%s: tree 1 lacks its name, its request or its packages: " ANEW },
	{ LOCK("{\"tree\": \"t\", \"request\": \"" HASH_A "\", \"packages\": \"all\"}"),
	  "%s: tree 1 lacks its name, its request or its packages: " ANEW },
	{ LOCK(TREE(SOUND) ", " TREE(SOUND)),
	  "%s: trees 1 and 2 (t1, t1) are the same request: " ANEW },
	{ ONE(SOUND ", " SOUND), "%s: t1: has bash:amd64 twice: " ANEW },
	{ ONE(SOUND ", " PACKAGE("bash", "6", "amd64", "s", "p/b.deb", "3", HASH_C)),
	  "%s: t1: has bash:amd64 twice: " ANEW },
	{ ONE("[]"), "%s: t1: package 1 lacks a field, or one is of the wrong type: " ANEW },
	{ ONE("{\"name\": \"bash\"}"),
	  "%s: t1: package 1 lacks a field, or one is of the wrong type: " ANEW },
	{ ONE(PACKAGE("bash", "1", "amd64", "s", "p/b.deb", "\"10\"", HASH_B)),
	  "%s: t1: package 1 lacks a field, or one is of the wrong type: " ANEW },
	{ ONE(PACKAGE("bash", "1", "amd64", "s", "p/b.deb", "10.5", HASH_B)),
	  "%s: t1: package 1 lacks a field, or one is of the wrong type: " ANEW },
	{ ONE(PACKAGE("bash", "1", "amd64", "s", "p/b.deb", "-1", HASH_B)),
	  "%s: t1: package 1 has a size that no package has: " ANEW },
	{ ONE(PACKAGE("bash", "1", "amd64", "s", "p/b.deb", "0", HASH_B)),
	  "%s: t1: package 1 has a size that no package has: " ANEW },
	{ ONE(PACKAGE("bash", "1", "amd64", "s", "p/b.deb", "99999999999999", HASH_B)),
	  "%s: t1: package 1 has a size that no package has: " ANEW },
	{ ONE(SOUND ", " PACKAGE("x", "1", "amd64", "s", "pool/../../x.deb", "1", HASH_C)),
	  "%s: t1: package 2 has a path that leads out of the mirror: " ANEW },
	{ ONE(PACKAGE("bash", "1", "amd64", "s", "/etc/passwd", "1", HASH_B)),
	  "%s: t1: package 1 has a path that leads out of the mirror: " ANEW },
	{ ONE(PACKAGE("bash", "1", "amd64", "s", "pool//x.deb", "1", HASH_B)),
	  "%s: t1: package 1 has a path that leads out of the mirror: " ANEW },
	{ ONE(PACKAGE("bash", "1", "amd64", "s", "pool/..", "1", HASH_B)),
	  "%s: t1: package 1 has a path that leads out of the mirror: " ANEW },
	{ ONE(PACKAGE("bash", "1", "amd64", "s", "pool/x.deb?y=1", "1", HASH_B)),
	  "%s: t1: package 1 has a path that is none: " ANEW },
	{ ONE(PACKAGE("bash", "1", "amd64", "s", "pool/%2e%2e/x.deb", "1", HASH_B)),
	  "%s: t1: package 1 has a path that is none: " ANEW },
	{ ONE(PACKAGE("bash", "1", "amd64", "s", "", "1", HASH_B)),
	  "%s: t1: package 1 has a path that is none: " ANEW },
	{ ONE(PACKAGE("../bash", "1", "amd64", "s", "p/b.deb", "1", HASH_B)),
	  "%s: t1: package 1 has a name that no package has: " ANEW },
	{ ONE(PACKAGE("ba\\u001b[2Jsh", "1", "amd64", "s", "p/b.deb", "1", HASH_B)),
	  "%s: t1: package 1 has a name that no package has: " ANEW },
	{ ONE(PACKAGE("bash", "1\\n2", "amd64", "s", "p/b.deb", "1", HASH_B)),
	  "%s: t1: package 1 has a version that no package has: " ANEW },
	{ ONE(PACKAGE("bash", "1", "amd 64", "s", "p/b.deb", "1", HASH_B)),
	  "%s: t1: package 1 has an architecture that is none: " ANEW },
	{ ONE(PACKAGE("bash", "1", "amd64", "a b", "p/b.deb", "1", HASH_B)),
	  "%s: t1: package 1 has a suite that is none: " ANEW },
	{ ONE(PACKAGE("bash", "1", "amd64", "s", "p/b.deb", "1", "abc")),
	  "%s: t1: package 1 has a SHA-256 that is none: " ANEW },
	{ ONE(PACKAGE("bash", "1", "amd64", "s", "p/b.deb", "1",
		      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
	  "%s: t1: package 1 has a SHA-256 that is none: " ANEW },
};

static void what_is_no_lock_file_is_refused(void **state)
{
	const struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		CLEANUP(lock_done) struct lock lock = { 0 };
		CLEANUP(free_cleanup) char *expected = NULL;
		const char *text = refusals[i].text, *rest = refusals[i].message + 2;
		struct err err = { 0 };

		assert_int_equal(file_write(fixture->path, text, strlen(text), 0600, &err), 0);
		assert_int_equal(lock_read(fixture->path, &lock, &err), -EINVAL);
		expected = str_format("%s%s", fixture->path, rest);
		assert_string_equal(err.text, expected);
		assert_int_equal(err_exit_status(&err), 2);
		err_clear(&err);
	}
}

/* A NUL ends no lock file: what stands behind it is looked at too. */
static void a_nul_hides_nothing(void **state)
{
	static const char text[] = LOCK(TREE(SOUND)) "\0}";
	const struct fixture *fixture = *state;
	CLEANUP(lock_done) struct lock lock = { 0 };

	assert_int_equal(file_write(fixture->path, text, sizeof text - 1, 0600, NULL), 0);
	assert_int_equal(lock_read(fixture->path, &lock, NULL), -EINVAL);
}

static void what_cannot_be_read_is_named(void **state)
{
	const struct fixture *fixture = *state;
	CLEANUP(lock_done) struct lock lock = { 0 };
	CLEANUP(free_cleanup) char *expected = NULL;
	struct err err = { 0 };

	unlink(fixture->path);
	assert_int_equal(lock_read(fixture->path, &lock, &err), -EINVAL);
	expected = str_format("reading the lock file: %s: cannot be opened: No such file or "
			      "directory",
			      fixture->path);
	assert_string_equal(err.text, expected);
	err_clear(&err);
}

static void lock_stands_beside_its_stack(void **state)
{
	static const struct {
		const char *stack, *lock;
	} cases[] = {
		{ "lab.yaml", "lab.lock" },
		{ "a.b/lab", "a.b/lab.lock" },
		{ "/x/lab.v2.yml", "/x/lab.v2.lock" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP(free_cleanup) char *lock = lock_path_default(cases[i].stack);

		assert_string_equal(lock, cases[i].lock);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(what_is_no_lock_file_is_refused),
		cmocka_unit_test(a_nul_hides_nothing),
		cmocka_unit_test(what_cannot_be_read_is_named),
		cmocka_unit_test(lock_stands_beside_its_stack),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
