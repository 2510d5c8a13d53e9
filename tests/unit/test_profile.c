/* Merging and defaults; what is refused is in tests/fail. */
#include "pattern/pattern.h"
#include "profile/schema.h"
#include "profile/stack.h"
#include "folder_fixture.h"

static struct stack *load(const char *folder)
{
	CLEANUP(free_cleanup) char *path = path_join(folder, "lab.yaml");
	struct stack *stack = NULL;
	struct err err = { 0 };

	if (stack_load(path, &stack, &err) < 0)
		fail_msg("%s", err.text);
	return stack;
}

#define HOST "role: host\nhypervisor: xen\npattern: xen-host\n"
#define DISK "disk:\n  size: 8GiB\n  partitions:\n    - {size: rest, filesystem: ext4, mount: /}\n"

static void stack_wins_over_profile_wins_over_include(void **state)
{
	put(*state, "base.yaml",
	    HOST DISK "machine: {vcpus: 4, memory: 2GiB}\ntime_zone: Asia/Tokyo\n"
		      "os: {packages: [vim, less]}\n");
	put(*state, "host.yaml",
	    "include: base.yaml\nmachine: {memory: 3GiB}\nlocale: ja_JP.UTF-8\n");
	put(*state, "lab.yaml",
	    "layers:\n  - profile: host.yaml\n    name: one\n"
	    "    locale: C.UTF-8\n    os: {packages: [mc]}\n");
	CLEANUP(stack_cleanup) struct stack *stack = load(*state);
	const struct layer *layer = stack->layers[0];

	assert_int_equal(layer->machine.vcpus, 4);
	assert_true(layer->machine.memory_bytes == UINT64_C(3) << 30);
	assert_string_equal(layer->time_zone, "Asia/Tokyo");
	assert_string_equal(layer->locale, "C.UTF-8");
	assert_int_equal(layer->packages.count, 1);
	assert_string_equal(layer->packages.items[0], "mc");
}

static void what_is_not_given_has_a_default(void **state)
{
	put(*state, "lab.yaml",
	    "layers:\n  - name: one\n    role: host\n    hypervisor: xen\n"
	    "    pattern: xen-host\n    disk:\n      size: 8GiB\n"
	    "      partitions: [{size: rest, filesystem: ext3, mount: /}]\n");
	CLEANUP(stack_cleanup) struct stack *stack = load(*state);
	const struct layer *layer = stack->layers[0];

	assert_string_equal(stack->name, "lab");
	assert_string_equal(layer->host_name, "one");
	assert_string_equal(layer->release, "bookworm");
	assert_int_equal(layer->machine.type, MACHINE_HVM);
	assert_int_equal(layer->machine.vcpus, 1);
	assert_int_equal(layer->network.mode, ADDRESS_DHCP);
	assert_int_equal(layer->disk.table, TABLE_MBR);
	assert_int_equal(layer->disk.partitions[0].filesystem, FILESYSTEM_EXT3);
	assert_true(layer->dom0_memory_bytes == UINT64_C(768) << 20);
}

static void a_default_may_stand_where_it_means_nothing(void **state)
{
	put(*state, "lab.yaml",
	    "layers:\n  - {name: one, role: host, hypervisor: xen, pattern: xen-host, disk: {size: 8GiB,\n"
	    "      partitions: [{size: rest, filesystem: ext4, mount: /}]}}\n"
	    "  - name: two\n    role: guest\n    pattern: leaf\n"
	    "    machine: {type: pv, memory: 64MiB, nested: false, disk_bus: xen, nic: netfront}\n"
	    "    disk: {size: 0, table: mbr, partitions: []}\n"
	    "    boot: {loader: direct, hypervisor_args: \"\", dom0_memory: 768MiB, menu_timeout: 0}\n"
	    "    os: {packages: [], groups: []}\n    domain: \"\"\n    locale: C.UTF-8\n"
	    "    time_zone: UTC\n    keymap: us\n"
	    "    network: {bridge: br0, dns: [], routes: []}\n"
	    "    services: []\n    root_password_hash: \"\"\n    ssh_keys: []\n");
	stack_free(load(*state));
}

static void a_mac_is_derived_and_stays(void **state)
{
	put(*state, "lab.yaml",
	    "layers:\n  - name: one\n    role: host\n    hypervisor: xen\n"
	    "    pattern: xen-host\n    disk:\n      size: 8GiB\n"
	    "      partitions: [{size: rest, filesystem: ext4, mount: /}]\n"
	    "  - name: two\n    role: guest\n    pattern: leaf\n"
	    "    machine: {type: pv, memory: 64MiB, disk_bus: xen, nic: netfront}\n"
	    "    boot: {loader: direct}\n");
	CLEANUP(stack_cleanup) struct stack *first = load(*state);
	CLEANUP(stack_cleanup) struct stack *second = load(*state);

	assert_memory_equal(first->layers[0]->machine.mac, "00:16:3e:", 9);
	assert_string_equal(first->layers[0]->machine.mac, second->layers[0]->machine.mac);
	assert_string_not_equal(first->layers[0]->machine.mac, first->layers[1]->machine.mac);
}

static void a_source_is_relative_to_the_file_that_names_it(void **state)
{
	CLEANUP(free_cleanup) char *inner = path_join(*state, "layers");

	put(inner, "motd", "from the profile\n");
	put(inner, "host.yaml", HOST DISK "files: [{path: /etc/motd, source: motd}]\n");
	put(*state, "motd", "from the stack\n");
	put(*state, "lab.yaml", "layers:\n  - profile: layers/host.yaml\n    name: one\n");
	CLEANUP(stack_cleanup) struct stack *profiles = load(*state);
	assert_string_equal(profiles->layers[0]->files[0].content, "from the profile\n");

	put(*state, "lab.yaml",
	    "layers:\n  - profile: layers/host.yaml\n    name: one\n"
	    "    files: [{path: /etc/motd, source: motd, mode: 0600}]\n");
	CLEANUP(stack_cleanup) struct stack *stacks = load(*state);
	assert_string_equal(stacks->layers[0]->files[0].content, "from the stack\n");
	assert_int_equal(stacks->layers[0]->files[0].mode, 0600);
}

static void a_layer_is_inside_the_nearest_host_or_the_named_one(void **state)
{
	(void)state;
	CLEANUP(stack_cleanup) struct stack *stack = NULL;
	struct err err = { 0 };

	assert_int_equal(stack_load("profiles/xen-l2.yaml", &stack, &err), 0);
	assert_int_equal(stack->layer_count, 3);
	assert_int_equal(stack->layers[0]->inner_count, 2);
	assert_ptr_equal(stack->layers[1]->outer, stack->layers[0]);
	assert_ptr_equal(stack->layers[2]->outer, stack->layers[0]);
}

static void shipped_stacks_are_sound(void **state)
{
	static const char *const stacks[] = { "profiles/xen-l3.yaml", "profiles/xen-l2.yaml",
					      "profiles/xen-l1.yaml", "profiles/xen-guest.yaml",
					      "profiles/xen-trixie.yaml" };

	(void)state;
	for (size_t i = 0; i < sizeof stacks / sizeof *stacks; i++) {
		CLEANUP(stack_cleanup) struct stack *stack = NULL;
		struct err err = { 0 };

		if (stack_load(stacks[i], &stack, &err) < 0)
			fail_msg("%s", err.text);
	}
}

/* The procedure's own names, sizes and addresses. */
static void the_published_lab_is_shipped(void **state)
{
	CLEANUP(stack_cleanup) struct stack *stack = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(stack_load("profiles/xen-l3.yaml", &stack, &err), 0);
	const struct layer *l1 = stack_layer(stack, "xensles11xstest");
	const struct layer *l2 = stack_layer(stack, "l2xensles11xs");

	assert_non_null(l1);
	assert_non_null(l2);
	assert_string_equal(l1->machine.mac, "00:16:3e:1e:73:af");
	assert_string_equal(l1->network.bridge, "br0");
	assert_true(l2->machine.memory_bytes == UINT64_C(2) << 30);
	assert_true(l2->disk.size_bytes == UINT64_C(12) << 30);
	assert_int_equal(l2->disk.partitions[0].filesystem, FILESYSTEM_SWAP);
	assert_true(l2->disk.partitions[0].size_bytes == UINT64_C(512) << 20);
	assert_string_equal(l2->disk.partitions[1].mount_point, "/");
}

static void the_schema_knows_every_group(void **state)
{
	CLEANUP(free_cleanup) char *schema = schema_json();

	(void)state;
	for (const char *const *key =
		     (const char *const[]){ "\"machine\"", "\"partitions\"",
					    "\"root_password_hash\"", "\"include\"", "\"inside\"",
					    "\"xen-host\"", NULL };
	     *key; key++)
		if (!strstr(schema, *key))
			fail_msg("%s is missing", *key);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_set_up, folder_tear_down)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(stack_wins_over_profile_wins_over_include),
		IN_FOLDER(what_is_not_given_has_a_default),
		IN_FOLDER(a_default_may_stand_where_it_means_nothing),
		IN_FOLDER(a_mac_is_derived_and_stays),
		IN_FOLDER(a_source_is_relative_to_the_file_that_names_it),
		cmocka_unit_test(a_layer_is_inside_the_nearest_host_or_the_named_one),
		cmocka_unit_test(shipped_stacks_are_sound),
		cmocka_unit_test(the_published_lab_is_shipped),
		cmocka_unit_test(the_schema_knows_every_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
