/* Every row of the symptom table is found by a console or message that shows it, and by nothing
 * harmless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "run_fixture.h"
#include "verify/symptom.h"

struct sample {
	const char *id;
	const char *console, *message;
	unsigned level; /* 0: L1 */
	bool booted, network, kvm, outer_offline;
	const char *driver;
	const char *line; /* of the guest config */
	enum disk_bus bus;
};

static const struct sample samples[] = {
	{ .id = "netfront-inside", .level = 1, .booted = true, .line = "vif=['type=netfront']" },
	{ .id = "netfront-inside",
	  .level = 1,
	  .booted = true,
	  .line = "vif = [ 'mac=00:16:3e:1e:73:af,bridge=br0,type=vif' ]",
	  .message = "no network: no address" },
	{ .id = "root-name",
	  .console = "Could not find /dev/hda2.\nCould not find /dev/hda2. Want me to fall back to "
		     "/dev/disk/by-id? (Y/n)" },
	{ .id = "root-driver",
	  .console = "ALERT!  UUID=1234 does not exist.  Dropping to a shell!" },
	{ .id = "vif-type", .message = "libxl: Invalid parameter `type'." },
	{ .id = "no-hap", .message = "Nested virt not supported without HAP" },
	{ .id = "altp2m", .message = "nestedhvm and altp2mhvm cannot be used together" },
	{ .id = "nested-unavailable", .console = "(XEN) Nested virt requested but not available" },
	{ .id = "nested-vmexit", .console = "(XEN) Unexpected nested vmexit: reason 0x7b" },
	{ .id = "smap", .console = "(XEN) d0v0 Unhandled: vec 14, #PF[0001]" },
	{ .id = "cpu-family", .console = "(XEN) GPF (0000): wrmsr c0010015 in init_amd" },
	{ .id = "timer-check",
	  .console =
		  "Kernel panic - not syncing: IO-APIC + timer doesn't work!  Boot with apic=debug" },
	{ .id = "monitor", .console = "(XEN) RIP: e008:mwait_idle_with_hints+0x8a" },
	{ .id = "rdtscp", .console = "(XEN) SVM Insn len emulation failed (1): d2v0" },
	{ .id = "avx", .console = "[ 2.1] invalid opcode: 0000 [#1] SMP NOPTI aesni_init" },
	{ .id = "multiboot1", .console = "error: no console will be available to OS" },
	{ .id = "dom0-holds-memory", .message = "xl: can't allocate low memory for domain" },
	{ .id = "pod", .console = "(XEN) p2m_pod_demand_populate: Dom1 out of PoD memory!" },
	{ .id = "dom0-too-small",
	  .level = 1,
	  .console = "Kernel panic - not syncing: System is deadlocked on memory" },
	{ .id = "libvirt-subnet",
	  .message = "internal error: Network is already in use by "
		     "interface virbr0" },
	{ .id = "no-svm-kvm", .kvm = true, .console = "(XEN) HVM: SVM is not supported" },
	{ .id = "no-vmx-tcg", .console = "(XEN) VMX is not supported on this CPU" },
	{ .id = "esxi-mac",
	  .level = 1,
	  .booted = true,
	  .driver = "e1000",
	  .message = "the port group refuses promiscuous mode" },
	{ .id = "hyperv-mac",
	  .booted = true,
	  .driver = "hv_netvsc",
	  .console = "hv_netvsc: probe" },
	{ .id = "kvm-msr",
	  .kvm = true,
	  .console = "qemu: kvm_buf_set_msrs: Assertion `ret == cpu->kvm_msr_buf->nmsrs' failed" },
	{ .id = "plain-linux",
	  .booted = true,
	  .network = true,
	  .message = "plain Linux runs, not Xen (no /sys/hypervisor)" },
	{ .id = "same-mac", .console = "br0: eth1 has the same hardware address" },
	{ .id = "stale-config", .message = "Error: Domain 'l2' already exists" },
	{ .id = "slow-pio", .level = 1, .bus = DISK_BUS_IDE, .console = "GRUB loading." },
	{ .id = "slow-pio", .level = 1, .line = "hdtype='ide'", .console = "Loading Xen 4.17 ..." },
	{ .id = "lost-wakeup",
	  .level = 1,
	  .console = "mapping kernel into physical memory\nabout to get started..." },
	{ .id = "console-left", .console = "Booting `Debian, with Xen'\n" },
	{ .id = "console-left", .console = "Loading Xen ...\nLoading Linux 6.1 ...\n" },
	{ .id = "root-driver",
	  .console = "initramfs: the root file system /dev/hda2 was not found; block devices:" },
	{ .id = "outer-offline",
	  .level = 2,
	  .booted = true,
	  .outer_offline = true,
	  .driver = "xen-netfront",
	  .message = "no network: no address" },
	{ .id = "no-nic", .level = 1, .booted = true, .message = "no network: no interface br0" },
	{ .id = "bridge", .booted = true, .driver = "e1000", .message = "no network: no address" },
};

static const struct symptom *find(const struct sample *sample)
{
	struct fixture fixture;

	fixture_make(&fixture);
	struct layer *layer = &fixture.layers[sample->level];
	layer->machine.disk_bus = sample->bus;
	if (sample->line)
		strv_add(&layer->guest_config_lines, sample->line);
	struct symptom_input input = {
		.layer = layer,
		.console = sample->console ? sample->console : "",
		.message = sample->message ? sample->message : "",
		.driver = sample->driver ? sample->driver : "",
		.booted = sample->booted,
		.network = sample->network,
		.outer_offline = sample->outer_offline,
		.l0 = sample->kvm ? L0_KVM : L0_TCG,
	};
	const struct symptom *found = symptom_find(&input);
	strv_done(&layer->guest_config_lines);
	return found;
}

static void each_sample_finds_its_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		const struct symptom *found = find(&samples[i]);

		if (!found)
			fail_msg("no row for sample %s", samples[i].id);
		assert_string_equal(found->id, samples[i].id);
		assert_true(*found->symptom && *found->cause && *found->cure);
	}
}

static void each_row_has_a_sample(void **state)
{
	const struct symptom *row;

	(void)state;
	for (size_t i = 0; (row = symptom_at(i)); i++) {
		bool has = false;

		for (size_t j = 0; j < sizeof samples / sizeof *samples; j++)
			has |= str_equal(samples[j].id, row->id);
		if (!has)
			fail_msg("row %s has no sample", row->id);
	}
}

/* A boot that went well, and a failure that shows nothing known. */
static void a_healthy_console_shows_nothing(void **state)
{
	const struct sample healthy = {
		.console =
			"SeaBIOS\nGRUB loading.\n(XEN) Xen version 4.17.7\n(XEN) HVM: SVM enabled\n"
			"(XEN) HVM: Hardware Assisted Paging (HAP) detected\n"
			"[    0.000000] Linux version 6.1.0\nsystemd[1]: Hostname set\n",
		.booted = true,
		.network = true,
	};

	(void)state;
	const struct symptom *found = find(&healthy);
	if (found)
		fail_msg("a healthy console was taken for %s", found->id);
}

static void a_vif_with_ioemu_is_not_blamed(void **state)
{
	const struct sample sample = { .level = 1,
				       .booted = true,
				       .driver = "e1000",
				       .line = "vif=['mac=1,bridge=br0,model=e1000,type=ioemu']" };

	(void)state;
	assert_null(find(&sample));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_sample_finds_its_row),
		cmocka_unit_test(each_row_has_a_sample),
		cmocka_unit_test(a_healthy_console_shows_nothing),
		cmocka_unit_test(a_vif_with_ioemu_is_not_blamed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
