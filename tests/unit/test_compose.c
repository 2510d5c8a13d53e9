#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/data.h"
#include "compose/names.h"
#include "compose/overlay.h"
#include "compose/system.h"

/* The shipped three-level stack, and the files that its layers get. */
struct fixture {
	struct stack *stack;
	struct overlay files;
};

static const struct boot_names names = { "6.1.0-1-amd64", "xen-4.17-amd64.gz" };

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);
	struct err err = { 0 };

	*state = fixture;
	if (stack_load("profiles/xen-l3.yaml", &fixture->stack, &err) < 0)
		return -1;
	return system_overlay("xen-l3", fixture->stack->layers[0], &names, &fixture->files, &err);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	overlay_done(&fixture->files);
	stack_free(fixture->stack);
	free(fixture);
	return 0;
}

static const char *content(const struct overlay *files, const char *path)
{
	for (size_t i = 0; i < files->count; i++)
		if (strcmp(files->entries[i].path, path) == 0)
			return files->entries[i].data;
	fail_msg("there is no %s", path);
	return NULL;
}

static void xen_is_the_default_by_title(void **state)
{
	struct fixture *fixture = *state;
	const char *menu = content(&fixture->files, "/boot/grub/grub.cfg");

	assert_non_null(strstr(menu, "set default=\"Xen 4.17 -- Debian GNU/Linux, with Linux "
				     "6.1.0-1-amd64\"\n"));
	assert_non_null(strstr(menu, "menuentry \"Xen 4.17 -- Debian GNU/Linux, with Linux "
				     "6.1.0-1-amd64\""));
	assert_null(strchr(menu, '@'));
	const char *dom0 = strstr(menu, "module2 /boot/vmlinuz");
	assert_non_null(dom0);
	CLEANUP(free_cleanup) char *line = str_format("%.*s", (int)strcspn(dom0, "\n"), dom0);
	assert_non_null(strstr(line, "root=UUID="));
	assert_non_null(strstr(line, "console=hvc0"));
	assert_null(strstr(line, "ttyS0"));
}

static void dom0_gets_its_memory(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(free_cleanup) char *args = hypervisor_arguments(fixture->stack->layers[0]);

	assert_non_null(strstr(args, "dom0_mem=768M,max:768M"));
	assert_non_null(strstr(args, "console=com1 com1=115200,8n1"));
}

/* A machine inside another one ticks while it is idle: emulated SVM loses wake-ups. */
static void inner_machines_have_what_emulation_needs(void **state)
{
	struct fixture *fixture = *state;
	const struct layer *outer = fixture->stack->layers[0], *inner = fixture->stack->layers[1];
	CLEANUP(free_cleanup) char *outer_xen = hypervisor_arguments(outer);
	CLEANUP(free_cleanup) char *inner_xen = hypervisor_arguments(inner);
	CLEANUP(free_cleanup) char *outer_linux = linux_arguments(outer);
	CLEANUP(free_cleanup) char *inner_linux = linux_arguments(inner);
	CLEANUP(free_cleanup) char *outer_dom0 = dom0_arguments(outer);
	CLEANUP(free_cleanup) char *inner_dom0 = dom0_arguments(inner);

	assert_null(strstr(outer_xen, "hpet="));
	assert_non_null(strstr(inner_xen, " hpet=legacy-replacement=1"));
	assert_null(strstr(outer_linux, "nohz="));
	assert_non_null(strstr(inner_linux, " nohz=off"));
	assert_null(strstr(outer_dom0, "pci="));
	assert_non_null(strstr(inner_dom0, " pci=nomsi"));
}

static void the_address_is_the_profiles(void **state)
{
	struct fixture *fixture = *state;
	const char *network = content(&fixture->files, "/etc/systemd/network/30-address.network");

	assert_non_null(strstr(network, "Address=10.0.2.10/24\nGateway=10.0.2.2\nDNS=10.0.2.3\n"));
	assert_non_null(strstr(content(&fixture->files, "/etc/systemd/network/10-bridge.netdev"),
			       "Name=br0\nKind=bridge\nMACAddress=00:16:3e:1e:73:af\n"));
}

/* With an address and with DHCP. */
static void routes_and_services_arrive(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < 2; i++) {
		struct layer *layer = fixture->stack->layers[i];
		CLEANUP(overlay_done) struct overlay files = { 0 };
		struct err err = { 0 };

		strv_add(&layer->network.routes, "10.1.0.0/16 via 10.0.2.3");
		strv_add(&layer->services, "nfs-server");
		strv_add(&layer->services, "fstrim.timer");
		strv_add(&layer->services, "php8.2-fpm");
		if (layer->network.dns.count == 0)
			strv_add(&layer->network.dns, "10.0.2.4");
		assert_int_equal(system_overlay("xen-l3", layer, &names, &files, &err), 0);
		const char *network = content(&files, "/etc/systemd/network/30-address.network");
		assert_non_null(
			strstr(network, "\n[Route]\nDestination=10.1.0.0/16\nGateway=10.0.2.3\n"));
		assert_non_null(strstr(network, "DNS=10.0.2."));
		assert_string_equal(
			content(&files,
				"/etc/systemd/system/multi-user.target.wants/nfs-server.service"),
			"/lib/systemd/system/nfs-server.service");
		assert_string_equal(
			content(&files,
				"/etc/systemd/system/multi-user.target.wants/php8.2-fpm.service"),
			"/lib/systemd/system/php8.2-fpm.service");
		assert_string_equal(
			content(&files, "/etc/systemd/system/multi-user.target.wants/fstrim.timer"),
			"/lib/systemd/system/fstrim.timer");
	}
}

/* The same layer, but SUSE's: another network, other names in /boot, nothing of Debian's. */
static void suse_has_its_own_files(void **state)
{
	struct fixture *fixture = *state;
	struct layer *layer = fixture->stack->layers[0];
	CLEANUP(overlay_done) struct overlay files = { 0 };
	const struct boot_names suse_names = { "6.4.0-1-default", "xen-4.18.2_02-1.gz" };
	struct err err = { 0 };

	layer->os_family = OS_SUSE;
	free(layer->release);
	layer->release = str_copy("tumbleweed");
	strv_add(&layer->services, "nfs-server");
	assert_int_equal(system_overlay("xen-l3", layer, &suse_names, &files, &err), 0);
	const char *bridge = content(&files, "/etc/sysconfig/network/ifcfg-br0");
	assert_non_null(strstr(bridge, "BOOTPROTO='static'\nIPADDR='10.0.2.10/24'\n"));
	assert_non_null(strstr(bridge, "BRIDGE_PORTS='eth0'\n"));
	assert_string_equal(content(&files, "/etc/sysconfig/network/routes"),
			    "default 10.0.2.2 - -\n");
	const char *menu = content(&files, "/boot/grub2/grub.cfg");
	assert_non_null(strstr(menu, "set default=\"Xen 4.18.2_02 -- openSUSE Tumbleweed, with "
				     "Linux 6.4.0-1-default\"\n"));
	assert_non_null(strstr(menu, "module2 --nounzip /boot/initrd-6.4.0-1-default\n"));
	assert_null(strchr(menu, '@'));
	assert_non_null(strstr(content(&files, "/etc/default/grub"),
			       "GRUB_DISTRIBUTOR=\"openSUSE Tumbleweed\"\n"));
	assert_string_equal(
		content(&files, "/etc/systemd/system/multi-user.target.wants/nfs-server.service"),
		"/usr/lib/systemd/system/nfs-server.service");
	for (size_t i = 0; i < files.count; i++) {
		assert_null(strstr(files.entries[i].path, "systemd/network"));
		assert_null(strstr(files.entries[i].path, "/etc/apt"));
		assert_null(strstr(files.entries[i].path, "initrd.img"));
	}
}

static void guests_start_by_themselves(void **state)
{
	struct fixture *fixture = *state;

	assert_string_equal(content(&fixture->files, "/etc/xen/auto/l2xensles11xs"),
			    "../vm/l2xensles11xs");
	assert_non_null(
		strstr(content(&fixture->files, "/etc/xen/vm/l2xensles11xs"), "nestedhvm = 1\n"));
	assert_non_null(strstr(content(&fixture->files, "/etc/nestctl/agent.conf"),
			       "guest l2xensles11xs config=/etc/xen/vm/l2xensles11xs "
			       "channel=socket:/run/nestctl/l2xensles11xs.sock\n"));
}

/* Nothing in it knows how deep it is: the same names, the same files. */
static void identifiers_differ_between_layers_only(void **state)
{
	struct fixture *fixture = *state;
	const struct layer *l1 = fixture->stack->layers[0], *l2 = fixture->stack->layers[1];
	CLEANUP(free_cleanup) char *a = compose_uuid_text("s", l1, "root");
	CLEANUP(free_cleanup) char *again = compose_uuid_text("s", l1, "root");
	CLEANUP(free_cleanup) char *b = compose_uuid_text("s", l2, "root");
	CLEANUP(free_cleanup) char *other = compose_uuid_text("t", l1, "root");

	assert_string_equal(a, again);
	assert_string_not_equal(a, b);
	assert_string_not_equal(a, other);
}

static void a_second_entry_replaces_the_first(void **state)
{
	CLEANUP(overlay_done) struct overlay overlay = { 0 };

	(void)state;
	overlay_text(&overlay, "/etc/x", 0644, "%s", "one");
	overlay_text(&overlay, "/etc/x", 0600, "%s", "two");
	assert_int_equal(overlay.count, 1);
	assert_string_equal(overlay.entries[0].data, "two");
	assert_int_equal(overlay.entries[0].mode, 0600);
}

static void templates_want_every_value(void **state)
{
	const struct template_value none[] = { { NULL, NULL } };
	CLEANUP(free_cleanup) char *text = NULL;
	struct err err = { 0 };

	(void)state;
	assert_true(template_render("system/static.network", none, &text, &err) < 0);
	assert_string_equal(err.text, "templates/system/static.network: @INTERFACE@ has no value");
	err_clear(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(xen_is_the_default_by_title, set_up, tear_down),
		cmocka_unit_test_setup_teardown(inner_machines_have_what_emulation_needs, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(dom0_gets_its_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_address_is_the_profiles, set_up, tear_down),
		cmocka_unit_test_setup_teardown(routes_and_services_arrive, set_up, tear_down),
		cmocka_unit_test_setup_teardown(suse_has_its_own_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(guests_start_by_themselves, set_up, tear_down),
		cmocka_unit_test_setup_teardown(identifiers_differ_between_layers_only, set_up,
						tear_down),
		cmocka_unit_test(a_second_entry_replaces_the_first),
		cmocka_unit_test(templates_want_every_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
