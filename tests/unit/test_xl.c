#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "guest/xl.h"

static char name[] = "l2", host[] = "l1", mac[] = "00:16:3e:1e:73:af", bridge[] = "br0";

static void machine_make(struct layer *outer, struct layer *layer, enum machine_type type)
{
	*outer = (struct layer){ .name = host, .network.bridge = bridge };
	*layer = (struct layer){
		.name = name,
		.outer = outer,
		.machine = { .type = type,
			     .vcpus = 1,
			     .memory_bytes = UINT64_C(2) << 30,
			     .nested = true,
			     .mac = mac },
		.disk.size_bytes = UINT64_C(12) << 30,
	};
}

static bool has_line(const char *config, const char *line)
{
	CLEANUP(free_cleanup) char *whole = str_format("%s\n", line);
	const char *found = strstr(config, whole);

	return found && (found == config || found[-1] == '\n');
}

static void a_nested_machine_nests(void **state)
{
	struct layer outer, layer;

	(void)state;
	machine_make(&outer, &layer, MACHINE_HVM);
	CLEANUP(free_cleanup) char *config = guest_xl_config(&layer, "");
	assert_true(has_line(config, "type = \"hvm\""));
	assert_true(has_line(config, "hap = 1"));
	assert_true(has_line(config, "nestedhvm = 1"));
	assert_true(has_line(config, "tsc_mode = \"native\""));
	assert_true(has_line(config, "hdtype = \"ahci\""));
	assert_true(has_line(config, "memory = 2048"));
	assert_true(has_line(config, "maxmem = 2048"));
	assert_true(has_line(
		config, "vif = [ 'mac=00:16:3e:1e:73:af,bridge=br0,model=e1000,type=ioemu' ]"));
	assert_null(strstr(config, "netfront"));
	assert_null(strstr(config, "kernel ="));
}

static void a_pv_machine_is_booted_directly(void **state)
{
	struct layer outer, layer;

	(void)state;
	machine_make(&outer, &layer, MACHINE_PV);
	CLEANUP(free_cleanup) char *config = guest_xl_config(&layer, "console=hvc0 ro");
	assert_true(has_line(config, "type = \"pv\""));
	assert_true(has_line(config, "kernel = \"/var/lib/xen/images/l2/vmlinuz\""));
	assert_true(has_line(config, "extra = \"console=hvc0 ro\""));
	assert_true(has_line(config, "vif = [ 'mac=00:16:3e:1e:73:af,bridge=br0' ]"));
	assert_null(strstr(config, "hap"));
	assert_null(strstr(config, "serial"));
}

static void raw_lines_replace_or_add(void **state)
{
	struct layer outer, layer;

	(void)state;
	machine_make(&outer, &layer, MACHINE_HVM);
	strv_add(&layer.guest_config_lines, "nestedhvm=0");
	strv_add(&layer.guest_config_lines, "acpi = 1");
	CLEANUP(free_cleanup) char *config = guest_xl_config(&layer, "");
	assert_true(has_line(config, "nestedhvm=0"));
	assert_false(has_line(config, "nestedhvm = 1"));
	assert_true(has_line(config, "acpi = 1"));
	strv_done(&layer.guest_config_lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_nested_machine_nests),
		cmocka_unit_test(a_pv_machine_is_booted_directly),
		cmocka_unit_test(raw_lines_replace_or_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
