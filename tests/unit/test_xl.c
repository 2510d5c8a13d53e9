#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "grubfix/grubfix.h"
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

static void assert_grubfix_reads(const char *config)
{
	struct grubfix_facts facts = { 0 };
	const struct grubfix_request request = { .name = "l2.cfg",
						 .text = config,
						 .length = strlen(config),
						 .type = GRUBFIX_XL,
						 .facts = &facts };
	struct grubfix_result result;
	struct err err = { 0 };
	if (grubfix_run(&request, &result, &err) < 0)
		fail_msg("%s", err.text);
	assert_false(result.changed);
	grubfix_result_done(&result);
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

/* A host that no profile describes: all of it, for the grammar of grubfix to read as well. */
static void the_outermost_on_a_host_of_ones_own(void **state)
{
	const struct guest_place place = { .disk = "/srv/a, b/run/proof.qcow2",
					   .disk_format = "qcow2",
					   .bridge = "xenbr0" };
	struct layer outer, layer;

	(void)state;
	machine_make(&outer, &layer, MACHINE_HVM);
	layer.outer = NULL;
	CLEANUP(free_cleanup) char *config = guest_xl_config_outermost(&layer, &place);
	assert_string_equal(
		config, "name = \"l2\"\n"
			"uuid = \"113636a4-a623-884e-8408-61c404b4466f\"\n"
			"memory = 2048\n"
			"maxmem = 2048\n"
			"vcpus = 1\n"
			"type = \"hvm\"\n"
			"hap = 1\n"
			"nestedhvm = 1\n"
			"tsc_mode = \"native\"\n"
			"hdtype = \"ahci\"\n"
			"boot = \"c\"\n"
			"vga = \"none\"\n"
			"vnc = 0\n"
			"sdl = 0\n"
			"serial = [ \"pty\", \"unix:/run/nestctl/l2.sock,server=on,wait=off\" ]\n"
			"disk = [ 'format=qcow2,vdev=hda,access=rw,backendtype=qdisk,"
			"target=/srv/a, b/run/proof.qcow2' ]\n"
			"vif = [ 'mac=00:16:3e:1e:73:af,bridge=xenbr0,model=e1000,type=ioemu' ]\n"
			"on_reboot = \"destroy\"\n"
			"on_crash = \"destroy\"\n");
	assert_grubfix_reads(config);
}

/* A plain emulated machine, as QEMU's; what the profile adds is for the system that is installed.
 */
static void an_installer(void **state)
{
	static char raw[] = "hap = 0";
	char *lines[] = { raw };
	struct guest_installer installer = { .medium = "/m.iso",
					     .answer_disk = "/x/answers.img",
					     .kernel = "/x/kernel",
					     .initrd = "/x/initrd",
					     .arguments = "a=\"b\\c\" console=ttyS0" };
	const struct guest_place place = { "/x/disk.raw", "raw", "br0", &installer };
	struct layer outer, layer;

	(void)state;
	machine_make(&outer, &layer, MACHINE_HVM);
	layer.guest_config_lines = (struct strv){ lines, 1 };
	CLEANUP(free_cleanup) char *config = guest_xl_config_outermost(&layer, &place);
	assert_true(has_line(config, "xen_platform_pci = 0"));
	assert_true(has_line(config, "boot = \"d\""));
	assert_true(has_line(config, "vga = \"none\""));
	assert_true(has_line(config, "kernel = \"/x/kernel\""));
	assert_true(has_line(config, "ramdisk = \"/x/initrd\""));
	assert_true(has_line(config, "cmdline = \"a=\\\"b\\\\c\\\" console=ttyS0\""));
	assert_true(has_line(
		config,
		"disk = [ 'format=raw,vdev=hda,access=rw,backendtype=qdisk,target=/x/disk.raw'"
		", 'format=raw,vdev=hdb,access=rw,backendtype=qdisk,target=/x/answers.img'"
		", 'format=raw,vdev=hdc,access=ro,devtype=cdrom,backendtype=qdisk,"
		"target=/m.iso' ]"));
	assert_true(has_line(config, "hap = 1"));
	assert_true(has_line(config, "on_reboot = \"destroy\""));
	assert_grubfix_reads(config);
	installer = (struct guest_installer){ .medium = "/x/medium.iso" };
	CLEANUP(free_cleanup) char *by_itself = guest_xl_config_outermost(&layer, &place);
	assert_true(has_line(by_itself, "boot = \"d\""));
	assert_true(has_line(by_itself, "vga = \"stdvga\""));
	assert_null(strstr(by_itself, "kernel"));
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
		cmocka_unit_test(the_outermost_on_a_host_of_ones_own),
		cmocka_unit_test(an_installer),
		cmocka_unit_test(raw_lines_replace_or_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
