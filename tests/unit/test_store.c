#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fs.h"
#include "store/gc.h"
#include "store/inputs.h"
#include "store/packages.h"
#include "store/store.h"

struct fixture {
	char *folder;
	struct store *store;
};

static const struct inputs no_inputs;

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);
	struct err err = { 0 };

	*state = fixture;
	if (temp_dir(NULL, &fixture->folder, &err) < 0)
		return -1;
	return store_open(fixture->folder, &fixture->store, &err);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	store_close(fixture->store);
	tree_remove(fixture->folder, NULL);
	free(fixture->folder);
	free(fixture);
	return 0;
}

static void publishing_gives_the_name(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(store_object_done) struct store_object object = STORE_OBJECT_INIT;
	struct err err = { 0 };
	bool exists = true;

	assert_false(store_has(fixture->store, "base", "k1", NULL));
	assert_int_equal(store_begin(fixture->store, "base", "k1", &object, &exists, &err), 0);
	assert_false(exists);
	assert_false(store_has(fixture->store, "base", "k1", NULL));
	CLEANUP(free_cleanup) char *file = path_join(object.folder, "f");
	assert_int_equal(file_write(file, "x", 1, 0600, &err), 0);
	assert_int_equal(store_publish(&object, "a step", &no_inputs, &err), 0);
	assert_true(store_has(fixture->store, "base", "k1", NULL));
}

static void an_abandoned_object_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct store_object object = STORE_OBJECT_INIT;
	struct err err = { 0 };
	bool exists;

	assert_int_equal(store_begin(fixture->store, "base", "k2", &object, &exists, &err), 0);
	CLEANUP(free_cleanup) char *folder = str_copy(object.folder);
	assert_true(path_exists(folder));
	store_object_done(&object);
	assert_false(path_exists(folder));
	assert_false(store_has(fixture->store, "base", "k2", NULL));
}

/* The second maker waits for the first, then finds what it made. */
static void two_makers_make_one(void **state)
{
	struct fixture *fixture = *state;
	struct store_object object = STORE_OBJECT_INIT;
	struct err err = { 0 };
	bool exists;
	int status;

	assert_int_equal(store_begin(fixture->store, "base", "k3", &object, &exists, &err), 0);
	pid_t child = fork();
	if (child == 0) {
		struct store_object second = STORE_OBJECT_INIT;
		bool found = false;

		close(object.lock); /* another process would not have inherited it */
		int r = store_begin(fixture->store, "base", "k3", &second, &found, &err);

		_exit(r == 0 && found ? 0 : 1);
	}
	usleep(300000);
	assert_int_equal(waitpid(child, &status, WNOHANG), 0);
	CLEANUP(free_cleanup) char *file = path_join(object.folder, "f");
	assert_int_equal(file_write(file, "x", 1, 0600, &err), 0);
	assert_int_equal(store_publish(&object, "a step", &no_inputs, &err), 0);
	store_object_done(&object);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* An object with one file, f, that holds x. */
static void object_make(struct fixture *fixture, const char *key)
{
	CLEANUP(store_object_done) struct store_object object = STORE_OBJECT_INIT;
	struct err err = { 0 };
	bool exists;

	assert_int_equal(store_begin(fixture->store, "base", key, &object, &exists, &err), 0);
	assert_false(exists);
	CLEANUP(free_cleanup) char *file = path_join(object.folder, "f");
	assert_int_equal(file_write(file, "x", 1, 0600, &err), 0);
	assert_int_equal(store_publish(&object, "a step", &no_inputs, &err), 0);
}

/* Who uses an object keeps others from removing it, not from using it. */
static void what_is_held_stays(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(store_object_done) struct store_object again = STORE_OBJECT_INIT;
	struct err err = { 0 };
	int hold, second;
	bool exists = false;

	object_make(fixture, "k5");
	assert_int_equal(store_hold(fixture->store, "base", "k5", &hold, &err), 0);
	assert_int_equal(store_hold(fixture->store, "base", "k5", &second, &err), 0);
	assert_true(hold >= 0 && second >= 0);
	close(second);
	assert_int_equal(store_begin(fixture->store, "base", "k5", &again, &exists, &err), 0);
	assert_true(exists);
	assert_int_equal(store_remove(fixture->store, "base", "k5", &err), -EBUSY);
	assert_string_equal(err.text, "base/k5: is in use by a build");
	err_clear(&err);
	close(hold);
	assert_int_equal(store_remove(fixture->store, "base", "k5", &err), 0);
	assert_false(store_has(fixture->store, "base", "k5", NULL));
}

/* What is made again takes the place of what is there when it is whole, not before. */
static void made_again_replaces(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *published = path_join(fixture->folder, "base/k7/f");
	struct store_object object = { .lock = -1, .again = true };
	CLEANUP(free_cleanup) char *text = NULL;
	struct err err = { 0 };
	bool exists = true;

	object_make(fixture, "k7");
	assert_int_equal(store_begin(fixture->store, "base", "k7", &object, &exists, &err), 0);
	assert_false(exists);
	store_object_done(&object);
	assert_true(store_has(fixture->store, "base", "k7", NULL));
	object.again = true;
	assert_int_equal(store_begin(fixture->store, "base", "k7", &object, &exists, &err), 0);
	CLEANUP(free_cleanup) char *file = path_join(object.folder, "f");
	assert_int_equal(file_write(file, "other", 5, 0600, &err), 0);
	assert_int_equal(store_publish(&object, "a step", &no_inputs, &err), 0);
	store_object_done(&object);
	assert_int_equal(file_read(published, 5, &text, NULL, &err), 0);
	assert_string_equal(text, "other");
	assert_true(store_has(fixture->store, "base", "k7", NULL));
}

static void count_removed(void *context, const struct store_entry *entry)
{
	(void)entry;
	++*(int *)context;
}

/* A build leaves its root when it ends: until then what it uses is needed, packages too. */
static void gc_spares_what_is_used(void **state)
{
	static const char list[] = "{\"trees\": [{\"packages\": [{\"name\": \"p\", \"version\": "
				   "\"1\", \"sha256\": \"aa\"}]}]}";
	struct fixture *fixture = *state;
	CLEANUP(store_object_done) struct store_object object = STORE_OBJECT_INIT;
	CLEANUP(free_cleanup) char *package = store_package_path(fixture->store, "aa");
	int hold, packages, removed = 0;
	struct store_gc gc = { .on_removed = count_removed, .context = &removed };
	struct err err = { 0 };
	bool exists;

	assert_int_equal(store_packages_hold(fixture->store, &packages, &err), 0);
	assert_int_equal(file_write(package, "x", 1, 0600, &err), 0);
	assert_int_equal(store_begin(fixture->store, "base", "k8", &object, &exists, &err), 0);
	CLEANUP(free_cleanup) char *file = path_join(object.folder, "packages.json");
	assert_int_equal(file_write(file, list, strlen(list), 0600, &err), 0);
	assert_int_equal(store_publish(&object, "a step", &no_inputs, &err), 0);
	store_object_done(&object);
	close(packages);
	assert_int_equal(store_hold(fixture->store, "base", "k8", &hold, &err), 0);
	assert_int_equal(store_collect(fixture->store, &gc, &err), 0);
	assert_int_equal(removed, 0);
	assert_true(path_exists(package));
	close(hold);
	assert_int_equal(store_collect(fixture->store, &gc, &err), 0);
	assert_int_equal(removed, 2);
	assert_false(path_exists(package));
}

/* What another build has mended meanwhile stays. */
static void only_damage_is_discarded(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *file = path_join(fixture->folder, "base/k6/f");
	struct err err = { 0 };

	object_make(fixture, "k6");
	assert_int_equal(store_discard(fixture->store, "base", "k6", &err), 0);
	assert_true(store_has(fixture->store, "base", "k6", NULL));
	assert_int_equal(file_write(file, "y", 1, 0600, &err), 0);
	assert_true(store_has(fixture->store, "base", "k6", NULL)); /* by its size */
	assert_int_equal(store_discard(fixture->store, "base", "k6", &err), 0);
	assert_false(store_has(fixture->store, "base", "k6", NULL));
}

/* What a killed build left is taken over, not mistaken for an object. */
static void leftovers_are_cleared(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *left = path_join(fixture->folder, "base/.making-k4");
	CLEANUP(free_cleanup) char *file = path_join(left, "half");
	CLEANUP(store_object_done) struct store_object object = STORE_OBJECT_INIT;
	struct err err = { 0 };
	bool exists;

	assert_int_equal(dir_make(left, 0700, &err), 0);
	assert_int_equal(file_write(file, "x", 1, 0600, &err), 0);
	assert_int_equal(store_begin(fixture->store, "base", "k4", &object, &exists, &err), 0);
	assert_false(exists);
	assert_false(path_exists(file));
}

static void changed_inputs_are_named(void **state)
{
	CLEANUP(inputs_done) struct inputs before = { 0 };
	CLEANUP(inputs_done) struct inputs now = { 0 };
	char a[HASH_HEX_LENGTH + 1], b[HASH_HEX_LENGTH + 1];

	(void)state;
	inputs_add(&before, "base tree", "1");
	inputs_add(&before, "disk", "2");
	inputs_add(&before, "locked packages", "5");
	inputs_add(&now, "base tree", "1");
	inputs_add(&now, "disk", "3");
	inputs_add_number(&now, "time", 4);
	CLEANUP(free_cleanup) char *changed = inputs_changed(&before, &now);
	assert_string_equal(changed, "disk, time, locked packages");
	CLEANUP(free_cleanup) char *none = inputs_changed(&now, &now);
	assert_string_equal(none, "");
	inputs_key(&before, a);
	inputs_key(&now, b);
	assert_string_not_equal(a, b);
}

/* "ab" + "c" and "a" + "bc" must not hash alike. */
static void keys_keep_fields_apart(void **state)
{
	CLEANUP(inputs_done) struct inputs one = { 0 };
	CLEANUP(inputs_done) struct inputs two = { 0 };
	char a[HASH_HEX_LENGTH + 1], b[HASH_HEX_LENGTH + 1];

	(void)state;
	inputs_add(&one, "ab", "c");
	inputs_add(&two, "a", "bc");
	inputs_key(&one, a);
	inputs_key(&two, b);
	assert_string_not_equal(a, b);
}

/* A hole is not read, and hashes as what it reads as. */
static void holes_hash_as_zeros(void **state)
{
	enum { SIZE = 3 << 20, DATA_AT = (1 << 20) + 5 };
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *path = path_join(fixture->folder, "sparse");
	CLEANUP(free_cleanup) char *dense = mem_alloc(SIZE);
	char wanted[HASH_HEX_LENGTH + 1], got[HASH_HEX_LENGTH + 1];
	struct hash *hash = hash_new();
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	dense[0] = 'a';
	memcpy(dense + DATA_AT, "data", 4);
	hash_add(hash, dense, SIZE);
	hash_finish_hex(hash, wanted);
	assert_int_equal(fd_pwrite_all(fd, "a", 1, 0), 0);
	assert_int_equal(fd_pwrite_all(fd, "data", 4, DATA_AT), 0);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	close(fd);
	assert_int_equal(hash_file(path, got, NULL), 0);
	assert_string_equal(got, wanted);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(hash_file(path, got, NULL), 0);
	assert_string_equal(got,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(publishing_gives_the_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_abandoned_object_leaves_nothing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(two_makers_make_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_held_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(made_again_replaces, set_up, tear_down),
		cmocka_unit_test_setup_teardown(gc_spares_what_is_used, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_damage_is_discarded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(leftovers_are_cleared, set_up, tear_down),
		cmocka_unit_test(changed_inputs_are_named),
		cmocka_unit_test(keys_keep_fields_apart),
		cmocka_unit_test_setup_teardown(holes_hash_as_zeros, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
