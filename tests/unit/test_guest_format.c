#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "guest/format.h"

static char file[] = "file", name[] = "a,b", mac[] = "00:16:3e:1e:73:af";

static struct layer layer_make(enum machine_type type)
{
	return (struct layer){
		.name = name,
		.machine = { .type = type,
			     .vcpus = 1,
			     .memory_bytes = UINT64_C(1) << 30,
			     .mac = mac },
		.mark = { file, 7, 3 },
	};
}

/* No profile gets so far: L1 is an hvm machine by then. */
static void a_pv_machine_is_no_format_s(void **state)
{
	struct layer layer = layer_make(MACHINE_PV);

	(void)state;
	for (size_t i = 0; guest_format_at(i); i++) {
		const struct guest_format *format = guest_format_at(i);
		struct err err = { 0 };
		CLEANUP(free_cleanup)
		char *text = str_format("file:7:3: machine.type: found \"pv\"; allowed for %s is "
					"hvm",
					format->title);

		assert_int_equal(guest_format_check(format, &layer, &err), -EINVAL);
		assert_non_null(strstr(err.text, text));
		err_clear(&err);
	}
}

static void xend_splits_at_commas(void **state)
{
	struct layer layer = layer_make(MACHINE_HVM);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(guest_format_check(&xl_guest, &layer, NULL), 0);
	assert_int_equal(guest_format_check(&xm_guest, &layer, &err), -EINVAL);
	assert_string_equal(err.text,
			    "a,b: 1 error:\nfile:7:3: name: found \"a,b\"; allowed for an xm "
			    "config is a name without ,");
	err_clear(&err);
}

static void geometry_is(uint64_t disk_bytes, enum disk_bus bus, const char *cylinders,
			const char *heads)
{
	struct layer layer = layer_make(MACHINE_HVM);

	layer.machine.disk_bus = bus;
	CLEANUP(free_cleanup) char *text = guest_format_emit(&vmdk_guest, &layer, disk_bytes);
	CLEANUP(free_cleanup)
	char *wanted = str_format("ddb.geometry.cylinders = \"%s\"\nddb.geometry.heads = \"%s\"\n",
				  cylinders, heads);
	assert_non_null(strstr(text, wanted));
}

static void heads_grow_with_the_disk(void **state)
{
	const uint64_t mib = UINT64_C(1) << 20;

	(void)state;
	geometry_is(1023 * mib, DISK_BUS_AHCI, "1023", "64");
	geometry_is(1024 * mib, DISK_BUS_AHCI, "512", "128");
	geometry_is(2048 * mib, DISK_BUS_AHCI, "261", "255");
	geometry_is(mib << 20, DISK_BUS_AHCI, "133674", "255");
	geometry_is(mib << 20, DISK_BUS_IDE, "16383", "16");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pv_machine_is_no_format_s),
		cmocka_unit_test(xend_splits_at_commas),
		cmocka_unit_test(heads_grow_with_the_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
