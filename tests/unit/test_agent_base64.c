#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base64.h"

/* RFC 4648, section 10. */
static const char *const vectors[][2] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

static void vectors_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		const char *plain = vectors[i][0], *coded = vectors[i][1];
		struct buf encoded = { 0 }, decoded = { 0 };

		base64_encode(plain, strlen(plain), &encoded);
		assert_int_equal(encoded.length, strlen(coded));
		assert_true(encoded.length == 0 ||
			    memcmp(encoded.data, coded, encoded.length) == 0);
		assert_true(base64_decode(coded, strlen(coded), &decoded));
		assert_int_equal(decoded.length, strlen(plain));
		assert_true(decoded.length == 0 ||
			    memcmp(decoded.data, plain, decoded.length) == 0);
		buf_done(&encoded);
		buf_done(&decoded);
	}
}

static void all_bytes_survive(void **state)
{
	unsigned char bytes[256];
	struct buf encoded = { 0 }, decoded = { 0 };

	(void)state;
	for (int i = 0; i < 256; i++)
		bytes[i] = (unsigned char)i;
	base64_encode(bytes, sizeof bytes, &encoded);
	assert_true(base64_decode(encoded.data, encoded.length, &decoded));
	assert_int_equal(decoded.length, sizeof bytes);
	assert_memory_equal(decoded.data, bytes, sizeof bytes);
	buf_done(&encoded);
	buf_done(&decoded);
}

static void wrong_text_is_refused(void **state)
{
	static const char *const wrong[] = {
		"Z",	  "Zg",	  "Zg=",  "Zg==Zg==", "Z===",  "====",
		"Zm9v\n", "Zm 9", "Zm9-", "=m9v",     "Zm9vZ", "Z=9v"
	};
	struct buf decoded = { 0 };

	(void)state;
	buf_text(&decoded, "kept");
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(base64_decode(wrong[i], strlen(wrong[i]), &decoded));
	assert_false(base64_decode("Zm\0v", 4, &decoded));
	assert_int_equal(decoded.length, 4);
	buf_done(&decoded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_hold),
		cmocka_unit_test(all_bytes_survive),
		cmocka_unit_test(wrong_text_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
