#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/fs.h"
#include "packages/repository.h"
#include "store/packages.h"

#define HASH	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define CONTROL "Package: a\nVersion: 1\nDescription: x\n y\n"
#define SECONDS 1700000000

struct fixture {
	char *folder, *repository, *deb;
	struct store *store;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);
	int lock = -1;

	*state = fixture;
	if (!fixture || temp_dir(NULL, &fixture->folder, NULL) < 0 ||
	    store_open(fixture->folder, &fixture->store, NULL) < 0 ||
	    store_packages_hold(fixture->store, &lock, NULL) < 0)
		return -1;
	close(lock);
	fixture->repository = path_join(fixture->folder, "repository");
	fixture->deb = store_package_path(fixture->store, HASH);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	store_close(fixture->store);
	tree_remove(fixture->folder, NULL);
	free(fixture->folder);
	free(fixture->repository);
	free(fixture->deb);
	free(fixture);
	return 0;
}

static void entry_put(struct archive *archive, const char *name, const void *data, size_t length)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_mtime(entry, SECONDS, 0);
	archive_entry_set_size(entry, (la_int64_t)length);
	assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(archive, data, length), (la_ssize_t)length);
	archive_entry_free(entry);
}

/* A package whose control.tar.gz has one file. member: the name of control.tar.gz itself. */
static void deb_make(const char *path, const char *member, const char *file, const char *text,
		     size_t length)
{
	size_t room = length + 65536, used = 0;
	CLEANUP(free_cleanup) char *tar = mem_alloc(room);
	struct archive *archive = archive_write_new();

	archive_write_set_format_ustar(archive);
	archive_write_add_filter_gzip(archive);
	assert_int_equal(archive_write_open_memory(archive, tar, room, &used), ARCHIVE_OK);
	entry_put(archive, "./control.md5", "no", 2);
	entry_put(archive, file, text, length);
	archive_write_close(archive);
	archive_write_free(archive);
	archive = archive_write_new();
	archive_write_set_format_ar_bsd(archive);
	assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
	entry_put(archive, "debian-binary", "2.0\n", 4);
	entry_put(archive, member, tar, used);
	archive_write_close(archive);
	archive_write_free(archive);
}

static int make(const struct fixture *fixture, int64_t *seconds, struct err *err)
{
	CLEANUP(package_list_done) struct package_list list = { 0 };
	struct package *package = package_list_add(&list);

	tree_remove(fixture->repository, NULL);
	package->size_bytes = 77;
	memcpy(package->sha256, HASH, sizeof package->sha256);
	return repository_make(fixture->store, &list, fixture->repository, seconds, err);
}

static void index_has_what_the_package_says(void **state)
{
	const struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *index = path_join(fixture->repository, "Packages");
	CLEANUP(free_cleanup) char *copy = path_join(fixture->repository, HASH ".deb");
	CLEANUP(free_cleanup) char *text = NULL;
	char hashes[2][HASH_HEX_LENGTH + 1] = { "", "" };
	int64_t seconds = 0;

	deb_make(fixture->deb, "control.tar.gz", "./control", CONTROL "\n\n", strlen(CONTROL) + 2);
	assert_int_equal(make(fixture, &seconds, NULL), 0);
	assert_int_equal(seconds, SECONDS);
	assert_int_equal(file_read(index, 4096, &text, NULL, NULL), 0);
	assert_string_equal(text,
			    CONTROL "Filename: ./" HASH ".deb\nSize: 77\nSHA256: " HASH "\n\n");
	assert_int_equal(hash_file(fixture->deb, hashes[0], NULL), 0);
	assert_int_equal(hash_file(copy, hashes[1], NULL), 0);
	assert_string_equal(hashes[0], hashes[1]);
}

static void refused(const struct fixture *fixture, const char *why)
{
	CLEANUP(free_cleanup) char *index = path_join(fixture->repository, "Packages");
	CLEANUP(free_cleanup) char *expected = str_format("%s: %s", fixture->deb, why);
	struct err err = { 0 };
	int64_t seconds = 0;

	assert_int_equal(make(fixture, &seconds, &err), -EBADMSG);
	assert_string_equal(err.text, expected);
	assert_int_equal(err_exit_status(&err), 3);
	assert_false(path_exists(index));
	err_clear(&err);
}

static void what_is_no_package_is_refused(void **state)
{
	const struct fixture *fixture = *state;
	size_t large = ((size_t)1 << 20) + 1;
	CLEANUP(free_cleanup) char *text = mem_alloc(large);

	memset(text, 'x', large);
	assert_int_equal(file_write(fixture->deb, text, 5000, 0600, NULL), 0);
	refused(fixture, "is no sound package: Unrecognized archive format");
	deb_make(fixture->deb, "data.tar.gz", "./control", CONTROL, strlen(CONTROL));
	refused(fixture, "is no sound package: it has no control.tar");
	deb_make(fixture->deb, "control.tar.gz", "./controls", CONTROL, strlen(CONTROL));
	refused(fixture, "is no sound package: it has no control file");
	deb_make(fixture->deb, "control.tar.gz", "./control", text, large);
	refused(fixture, "its description is too large");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(index_has_what_the_package_says),
		cmocka_unit_test(what_is_no_package_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
