/* What a lab file becomes; what is refused is in tests/fail. */
#include "pxe/lab.h"
#include "folder_fixture.h"

/* With a sound stack beside it, of a host and as many leaves as asked for. */
static struct lab *load(const char *folder, unsigned leaves, const char *text)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, "rack.yaml");
	CLEANUP(buf_done) struct buf stack = { 0 };
	struct lab *lab = NULL;
	struct err err = { 0 };

	buf_text(
		&stack,
		"name: xen\nlayers:\n  - name: host\n    role: host\n    hypervisor: xen\n"
		"    pattern: xen-host\n    host_name: another\n"
		"    machine: {memory: 64GiB, nested: true}\n"
		"    disk: {size: 8GiB, partitions: [{size: rest, filesystem: ext4, mount: /}]}\n");
	for (unsigned i = 1; i <= leaves; i++)
		buf_format(&stack,
			   "  - name: l2-%u\n    inside: host\n    role: guest\n    pattern: leaf\n"
			   "    machine: {type: pv, memory: 64MiB, disk_bus: xen, nic: netfront}\n"
			   "    boot: {loader: direct}\n",
			   i);
	put(folder, "stack.yaml", buf_str(&stack));
	put(folder, "rack.yaml", text);
	if (lab_load(path, &lab, &err) < 0)
		fail_msg("%s", err.text);
	return lab;
}

static void what_is_not_given_has_a_default(void **state)
{
	CLEANUP(lab_cleanup)
	struct lab *lab = load(*state, 0,
			       "network: {interface: br-lab}\n"
			       "machines:\n  - {name: r1, any: 1, stack: stack.yaml}\n");
	const struct lab_machine *machine = &lab->machines[0];

	assert_string_equal(lab->name, "rack");
	assert_string_equal(lab->interface, "br-lab");
	assert_string_equal(lab->address, "");
	assert_int_equal(lab->dhcp, LAB_DHCP_PROXY);
	assert_string_equal(lab->range_first, "");
	assert_string_equal(lab->range_last, "");
	assert_string_equal(lab->gateway, "");
	assert_int_equal(lab->lease_seconds, 3600);
	assert_int_equal(lab->ports.boot, 8080);
	assert_int_equal(lab->ports.status, 8088);
	assert_string_equal(lab->status_address, "127.0.0.1");
	assert_int_equal(lab->mirrors.count, 0);
	assert_int_equal(lab->sources.count, 2);
	assert_string_equal(machine->name, "r1-1");
	assert_string_equal(machine->mac, "");
	assert_string_equal(machine->uuid, "");
	assert_int_equal(machine->way, LAB_IMAGE);
	assert_int_equal(machine->boot, LAB_BOOT_INSTALL);
	assert_int_equal(machine->disk.pick, LAB_DISK_ONLY);
	assert_true(machine->disk.max_bytes == LAB_DISK_MAX);
	assert_string_equal(machine->disk.text, "");
	assert_false(machine->disk.wipe);
}

static void what_is_given_is_taken(void **state)
{
	CLEANUP(lab_cleanup)
	struct lab *lab =
		load(*state, 1,
		     "name: east\n"
		     "network: {interface: br-lab, address: 10.20.0.1, dhcp: full,\n"
		     "  range: 10.20.0.100-10.20.0.199, lease: 600, gateway: 10.20.0.254,\n"
		     "  dns: [10.20.0.1, 10.20.0.2]}\n"
		     "ports: {boot: 80, secure: 443}\nstatus: {address: 10.20.0.1}\n"
		     "mirrors: [http://10.20.0.5/lab]\n"
		     "machines:\n"
		     "  - {name: r1, mac: 52:54:00:AB:CD:EF, stack: stack.yaml, boot: local,\n"
		     "     disk: {size: 20GiB..2TiB, wipe: true}}\n"
		     "  - {name: r2, uuid: 4C4C4544-0047-3510-8054-B7C04F4E3732,\n"
		     "     stack: stack.yaml, disk: {size: 20GiB..}, boot: rescue}\n"
		     "  - {name: r3, any: 1, stack: stack.yaml, disk: {serial: WD-1 X}}\n"
		     "  - {name: r4, any: 1, stack: stack.yaml, disk: {by_id: ata-x_1}}\n"
		     "  - {name: r5, any: 1, stack: stack.yaml, disk: {size: ..20GiB}}\n");
	const struct lab_machine *machines = lab->machines;

	assert_string_equal(lab->name, "east");
	assert_int_equal(lab->dhcp, LAB_DHCP_FULL);
	assert_string_equal(lab->range_first, "10.20.0.100");
	assert_string_equal(lab->range_last, "10.20.0.199");
	assert_int_equal(lab->lease_seconds, 600);
	assert_string_equal(lab->gateway, "10.20.0.254");
	assert_int_equal(lab->dns.count, 2);
	assert_int_equal(lab->ports.boot, 80);
	assert_int_equal(lab->ports.secure, 443);
	assert_string_equal(lab->status_address, "10.20.0.1");
	assert_string_equal(lab->mirrors.items[0], "http://10.20.0.5/lab");
	assert_int_equal(lab->machine_count, 5);
	assert_string_equal(machines[0].mac, "52:54:00:ab:cd:ef");
	assert_int_equal(machines[0].boot, LAB_BOOT_LOCAL);
	assert_int_equal(machines[0].disk.pick, LAB_DISK_SIZE);
	assert_true(machines[0].disk.min_bytes == UINT64_C(20) << 30);
	assert_true(machines[0].disk.max_bytes == UINT64_C(2) << 40);
	assert_true(machines[0].disk.wipe);
	assert_string_equal(machines[1].uuid, "4c4c4544-0047-3510-8054-b7c04f4e3732");
	assert_int_equal(machines[1].boot, LAB_BOOT_RESCUE);
	assert_true(machines[1].disk.max_bytes == LAB_DISK_MAX);
	assert_false(machines[1].any);
	assert_true(machines[2].any);
	assert_int_equal(machines[2].disk.pick, LAB_DISK_SERIAL);
	assert_string_equal(machines[2].disk.text, "WD-1 X");
	assert_int_equal(machines[3].disk.pick, LAB_DISK_BY_ID);
	assert_string_equal(machines[3].disk.text, "ata-x_1");
	assert_true(machines[4].disk.min_bytes == 0);
}

/* The machine says who it is, not the stack file. */
static void outermost_layer_is_the_machine(void **state)
{
	CLEANUP(lab_cleanup)
	struct lab *lab = load(*state, 1,
			       "network: {interface: br-lab}\n"
			       "machines:\n"
			       "  - {name: r1, mac: 52:54:00:AB:CD:EF, stack: stack.yaml}\n"
			       "  - {name: node, any: 2, stack: stack.yaml}\n");
	const struct lab_machine *machines = lab->machines;

	assert_string_equal(machines[0].stack->name, "rack.r1");
	assert_string_equal(machines[0].stack->layers[0]->name, "host");
	assert_string_equal(machines[0].stack->layers[0]->host_name, "r1");
	assert_string_equal(machines[0].stack->layers[0]->machine.mac, "52:54:00:ab:cd:ef");
	assert_string_equal(machines[1].name, "node-1");
	assert_string_equal(machines[2].name, "node-2");
	assert_string_equal(machines[1].stack->layers[0]->host_name, "node-1");
	assert_string_equal(machines[1].stack->layers[1]->host_name, "l2-1");
}

static int by_text(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Of 8000 derived addresses of 23 bits about four pairs would be the same. */
static void no_two_layers_share_a_mac(void **state)
{
	CLEANUP(lab_cleanup)
	struct lab *lab = load(*state, 9,
			       "network: {interface: br-lab}\n"
			       "machines:\n  - {name: node, any: 800, stack: stack.yaml}\n");
	const char **macs = mem_alloc(8000 * sizeof *macs);
	size_t count = 0;

	for (size_t i = 0; i < lab->machine_count; i++)
		for (size_t j = 0; j < lab->machines[i].stack->layer_count; j++)
			macs[count++] = lab->machines[i].stack->layers[j]->machine.mac;
	assert_int_equal(count, 8000);
	qsort(macs, count, sizeof *macs, by_text);
	for (size_t i = 1; i < count; i++)
		assert_string_not_equal(macs[i], macs[i - 1]);
	free(macs);
}

static void lab_is_told_from_stack(void **state)
{
	CLEANUP(lab_cleanup)
	struct lab *lab = load(*state, 0,
			       "network: {interface: br-lab}\n"
			       "machines:\n  - {name: r1, any: 1, stack: stack.yaml}\n");
	CLEANUP(free_cleanup) char *stack = path_join(*state, "stack.yaml");
	CLEANUP(free_cleanup) char *none = path_join(*state, "none.yaml");

	assert_true(lab_is(lab->path));
	assert_false(lab_is(stack));
	assert_false(lab_is(none));
	assert_false(lab_is(*state));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_not_given_has_a_default, folder_set_up,
						folder_tear_down),
		cmocka_unit_test_setup_teardown(what_is_given_is_taken, folder_set_up,
						folder_tear_down),
		cmocka_unit_test_setup_teardown(outermost_layer_is_the_machine, folder_set_up,
						folder_tear_down),
		cmocka_unit_test_setup_teardown(no_two_layers_share_a_mac, folder_set_up,
						folder_tear_down),
		cmocka_unit_test_setup_teardown(lab_is_told_from_stack, folder_set_up,
						folder_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
