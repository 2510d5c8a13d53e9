/* Writes that are gathered on their way to an image, against a plain copy in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "image/gather.h"

#define IMAGE_BYTES (16u << 20)
#define STEPS	    4000

struct fixture {
	struct image *image;
	struct gather *gather;
	unsigned char *plain, *bytes;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);

	fixture->plain = calloc(1, IMAGE_BYTES);
	fixture->bytes = calloc(1, IMAGE_BYTES);
	assert_int_equal(image_create(memfd_create("image", MFD_CLOEXEC), "image", IMAGE_BYTES,
				      &fixture->image, NULL),
			 0);
	fixture->gather = gather_new(fixture->image);
	srandom(1);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	gather_free(fixture->gather);
	image_close(fixture->image);
	free(fixture->plain);
	free(fixture->bytes);
	free(fixture);
	return 0;
}

/* Mostly short and near the one before, now and then longer than anything that is gathered. */
static size_t range_pick(size_t *next)
{
	size_t length = 1 + (size_t)random() % (random() % 20 == 0 ? 3u << 20 : 9000u);

	if (random() % 3 == 0)
		*next = (size_t)random() % IMAGE_BYTES;
	if (*next + length > IMAGE_BYTES)
		*next = IMAGE_BYTES - length;
	return length;
}

static void step(struct fixture *fixture, size_t offset, size_t length)
{
	long kind = random() % 8;

	if (kind == 0) {
		assert_int_equal(gather_read(fixture->gather, offset, fixture->bytes, length, NULL),
				 0);
		assert_memory_equal(fixture->bytes, fixture->plain + offset, length);
	} else if (kind == 1) {
		assert_int_equal(gather_zero(fixture->gather, offset, length, NULL), 0);
		memset(fixture->plain + offset, 0, length);
	} else {
		memset(fixture->plain + offset, (int)(random() % 255) + 1, length);
		assert_int_equal(gather_write(fixture->gather, offset, fixture->plain + offset,
					      length, NULL),
				 0);
	}
}

static void test_as_if_written_at_once(void **state)
{
	struct fixture *fixture = *state;
	size_t next = 0;

	for (int i = 0; i < STEPS; i++) {
		size_t length = range_pick(&next);

		step(fixture, next, length);
		next += length;
		if (i % 500 == 499)
			assert_int_equal(gather_flush(fixture->gather, NULL), 0);
	}
	assert_int_equal(image_read(fixture->image, 0, fixture->bytes, IMAGE_BYTES, NULL), 0);
	assert_memory_equal(fixture->bytes, fixture->plain, IMAGE_BYTES);
}

static void test_late(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(gather_write(fixture->gather, 4096, "late", 4, NULL), 0);
	assert_int_equal(image_read(fixture->image, 4096, fixture->bytes, 4, NULL), 0);
	assert_memory_equal(fixture->bytes, "\0\0\0\0", 4);
	assert_int_equal(gather_flush(fixture->gather, NULL), 0);
	assert_int_equal(image_read(fixture->image, 4096, fixture->bytes, 4, NULL), 0);
	assert_memory_equal(fixture->bytes, "late", 4);
}

/* An offset beyond the image comes to light when it is written, at the latest. */
static void test_outside(void **state)
{
	struct fixture *fixture = *state;
	struct err err = { 0 };

	assert_int_equal(gather_write(fixture->gather, IMAGE_BYTES, "x", 1, &err), 0);
	assert_int_equal(gather_flush(fixture->gather, &err), -EBADMSG);
	assert_string_equal(err.text, "image: bytes 16777216 to 16777217 lie outside the image of "
				      "16777216 bytes: it is cut short");
	err_clear(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_as_if_written_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_outside, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
