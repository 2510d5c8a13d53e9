#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/spawn.h"
#include "pxe/web_tls.h"

struct place {
	char *base, *folder;
};

static int set_up(void **state)
{
	struct place *place = mem_alloc(sizeof *place);
	struct err err = { 0 };

	if (temp_dir(NULL, &place->base, &err) < 0)
		return -1;
	place->folder = path_join(place->base, "tls");
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;
	struct err err = { 0 };

	tree_remove(place->base, &err);
	err_clear(&err);
	free(place->base);
	free(place->folder);
	free(place);
	return 0;
}

static struct web_tls opened(const struct place *place, const char *address)
{
	struct web_tls tls = { 0 };
	struct err err = { 0 };

	if (web_tls_open(place->folder, "rack", address, &tls, &err) < 0)
		fail_msg("%s", err.text);
	return tls;
}

static void made_once(void **state)
{
	struct place *place = *state;
	static const char *const names[] = { "ca.key", "server.key" };
	struct web_tls first = opened(place, "10.0.0.1");
	struct web_tls second = opened(place, "10.0.0.1");

	assert_string_equal(first.ca, second.ca);
	assert_string_equal(first.certificate, second.certificate);
	assert_string_equal(first.key, second.key);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		CLEANUP(free_cleanup) char *path = path_join(place->folder, names[i]);
		struct stat status;

		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 0777, 0600);
	}
	web_tls_done(&first);
	web_tls_done(&second);
}

static void another_address_another_certificate(void **state)
{
	struct place *place = *state;
	struct web_tls first = opened(place, "10.0.0.1");
	struct web_tls second = opened(place, "10.0.0.2");

	assert_string_equal(first.ca, second.ca);
	assert_string_not_equal(first.certificate, second.certificate);
	web_tls_done(&first);
	web_tls_done(&second);
}

static void openssl_agrees(void **state)
{
	struct place *place = *state;
	CLEANUP(free_cleanup) char *program = program_find("openssl");
	CLEANUP(free_cleanup) char *ca = path_join(place->folder, "ca.pem");
	CLEANUP(free_cleanup) char *server = path_join(place->folder, "server.pem");
	CLEANUP(free_cleanup) char *output = NULL;
	struct web_tls tls = opened(place, "10.0.0.1");
	struct err err = { 0 };

	web_tls_done(&tls);
	if (!program)
		skip();
	const char *argv[] = { "openssl", "verify", "-x509_strict", "-purpose", "sslserver",
			       "-CAfile", ca,	    "-verify_ip",   "10.0.0.1", server,
			       NULL };
	struct spawn_options options = { .argv = argv, .purpose = "verifying" };
	if (spawn_run(&options, &output, &err) < 0)
		fail_msg("%s", err.text);
	/* A machine without a clock battery. */
	argv[7] = "-attime";
	argv[8] = "86400";
	free(take(&output));
	if (spawn_run(&options, &output, &err) < 0)
		fail_msg("%s", err.text);
	argv[7] = "-verify_ip";
	argv[8] = "10.0.0.2";
	assert_true(spawn_run(&options, NULL, &err) < 0);
	err_clear(&err);
}

/* A crash between key and certificate, a bad disk. */
static void damaged_server_is_made_again(void **state)
{
	struct place *place = *state;
	CLEANUP(free_cleanup) char *path = path_join(place->folder, "server.key");
	struct web_tls first = opened(place, "10.0.0.1");
	struct err err = { 0 };

	assert_int_equal(file_write(path, "x", 1, 0600, &err), 0);
	struct web_tls second = opened(place, "10.0.0.1");
	assert_string_equal(first.ca, second.ca);
	assert_string_not_equal(first.key, second.key);
	web_tls_done(&first);
	web_tls_done(&second);
}

static void damaged_authority_stays(void **state)
{
	struct place *place = *state;
	CLEANUP(free_cleanup) char *path = path_join(place->folder, "ca.key");
	CLEANUP(free_cleanup) char *left = NULL;
	struct web_tls tls = opened(place, "10.0.0.1");
	struct err err = { 0 };

	web_tls_done(&tls);
	assert_int_equal(file_write(path, "x", 1, 0600, &err), 0);
	assert_int_equal(web_tls_open(place->folder, "rack", "10.0.0.1", &tls, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "certificate authority"));
	err_clear(&err);
	assert_int_equal(file_read(path, 100, &left, NULL, &err), 0);
	assert_string_equal(left, "x");
}

static void names_of_any_length(void **state)
{
	struct place *place = *state;
	struct web_tls tls = { 0 };
	struct err err = { 0 };
	char name[200] = "";

	for (size_t i = 0; i + 2 < sizeof name; i += 2)
		memcpy(name + i, "\xc3\xa9", 3);
	assert_int_equal(web_tls_open(place->folder, name, "10.0.0.1", &tls, &err), 0);
	web_tls_done(&tls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(made_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_address_another_certificate, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(openssl_agrees, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damaged_server_is_made_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damaged_authority_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_of_any_length, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
