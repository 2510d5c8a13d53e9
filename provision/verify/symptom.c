#include "verify/symptom.h"

#include <regex.h>
#include <string.h>
#include <stdlib.h>

#include "base/str.h"

static bool matches(const char *pattern, const char *text)
{
	regex_t expression;

	if (regcomp(&expression, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE) != 0)
		return false;
	bool found = regexec(&expression, text, 0, NULL, 0) == 0;

	regfree(&expression);
	return found;
}

static bool config_line_matches(const struct layer *layer, const char *pattern)
{
	for (size_t i = 0; i < layer->guest_config_lines.count; i++)
		if (matches(pattern, layer->guest_config_lines.items[i]))
			return true;
	return false;
}

static bool is_inner_xen(const struct layer *layer)
{
	return layer->depth > 1 && layer->hypervisor == HYPERVISOR_XEN;
}

/* A PV NIC reaches its back end through the outer xenstore, which a dom0 inside cannot see. */
static bool netfront_given(const struct symptom_input *input)
{
	const struct layer *layer = input->layer;

	return is_inner_xen(layer) && input->booted && !input->network &&
	       (layer->machine.nic == NIC_NETFRONT ||
		config_line_matches(layer, "type *= *[\"']?(netfront|vif)([^a-z]|$)"));
}

static bool no_nic_seen(const struct symptom_input *input)
{
	return input->layer->depth > 1 && input->booted && !input->network && !*input->driver &&
	       matches("no NIC|no interface|no such device|not found|no carrier", input->message);
}

static bool inside_without_network(const struct symptom_input *input)
{
	return input->layer->depth > 1 && input->booted && !input->network;
}

static bool bridged_without_link(const struct symptom_input *input)
{
	return input->booted && !input->network && input->layer->role == ROLE_HOST &&
	       *input->driver;
}

static bool bridge_without_address(const struct symptom_input *input)
{
	return bridged_without_link(input) && matches("no address|DHCP|no lease", input->message);
}

static bool outer_offline(const struct symptom_input *input)
{
	return input->booted && !input->network && input->outer_offline;
}

static bool ide_in_boot_loader(const struct symptom_input *input)
{
	const struct layer *layer = input->layer;

	return layer->depth > 1 && layer->machine.type == MACHINE_HVM && !input->booted &&
	       (layer->machine.disk_bus == DISK_BUS_IDE ||
		config_line_matches(layer, "hdtype *= *[\"']ide")) &&
	       stage_seen(input->console) <= STAGE_XEN;
}

static bool silent(const struct symptom_input *input)
{
	/* "Loading Xen" is the boot loader's own last word. */
	return !input->booted && stage_seen(input->console) <= STAGE_XEN &&
	       !strstr(input->console, "(XEN)") && !strstr(input->console, "Xen version");
}

static bool xen_host(const struct symptom_input *input)
{
	return input->layer->hypervisor == HYPERVISOR_XEN;
}

static bool under_kvm(const struct symptom_input *input)
{
	return input->l0 == L0_KVM;
}

static bool under_tcg(const struct symptom_input *input)
{
	return input->l0 == L0_TCG;
}

/* Machines that run on emulated SVM themselves, not paravirtualized ones inside them. */
static bool inside_tcg(const struct symptom_input *input)
{
	const struct layer *layer = input->layer;

	return input->l0 == L0_TCG && layer->depth > 1 && layer->machine.type == MACHINE_HVM &&
	       !input->booted;
}

static const struct symptom symptoms[] = {
	{ "netfront-inside", NULL, netfront_given, "no NIC under the inner Xen kernel",
	  "the guest config gives the NIC type=netfront (xl: type=vif), which is PV only: a dom0 "
	  "inside a guest cannot reach the outer netfront back end",
	  "xm: type=ioemu; xl: drop the type key, keep model=e1000" },
	{ "root-name", "Could not find /dev/[a-z0-9]+\\. *Want me to fall back", NULL,
	  "the initrd waits for a root device",
	  "the Xen entry's root= has a name that exists only under PV drivers",
	  "root= by UUID or LABEL; mend resume= and fstab too" },
	{ "root-driver",
	  "(ALERT! .* does not exist|Gave up waiting for root|VFS: (Cannot open root|Unable to "
	  "mount root)|Waiting for root device|the root file system [^ ]+ was not found)",
	  NULL, "the root device does not appear",
	  "the initrd lacks the driver of the emulated disk (ata_piix, ahci), or root= names a disk "
	  "that exists only under PV drivers",
	  "root= by UUID (nestctl fix IMAGE), and an initrd with ahci, ata_piix and sd_mod" },
	{ "vif-type", "Invalid parameter [`'\"]?type", NULL, "xl refuses the guest config's type",
	  "xm syntax given to xl 4.6 or later",
	  "translate: type=netfront becomes type=vif, type=ioemu stays; or drop the key" },
	{ "no-hap", "Nested virt not supported without HAP", NULL, "the guest is refused",
	  "hap=0, or L0 offers no NPT/EPT", "hap=1 in the guest config" },
	{ "altp2m", "nestedhvm and altp2mhvm cannot be used together", NULL, "the guest is refused",
	  "nestedhvm and altp2m are both set", "drop altp2m" },
	{ "nested-unavailable", "Nested virt requested but not available", NULL,
	  "the guest is refused",
	  "Xen 4.19 and later want LBRV, NRIPS, FlushByASID and DecodeAssists of SVM, which TCG does "
	  "not offer",
	  "an older Xen, real hardware, or PV-only nesting (nested: false)" },
	{ "nested-vmexit", "Unexpected nested vmexit", NULL, "the domain crashed",
	  "Xen's nested SVM does not carry HVM at this depth",
	  "KVM in the place of the outer Xen, or PV guests at this level" },
	{ "smap", "d0v0 Unhandled: vec 14, #PF|Unhandled page fault.*create_bounce_frame", NULL,
	  "dom0 dies at once",
	  "SMAP in the CPU model: QEMU before 9.1 treats an IRET to ring 3 wrongly",
	  "-smap in the CPU model, or smap=0 for Xen" },
	{ "cpu-family", "GPF.*c0010015|init_amd.*GPF|MSR.*c0010015", NULL,
	  "the inner Xen panics in init_amd", "a CPU model whose family is not 0x17",
	  "the CPU model EPYC-v1" },
	{ "monitor", "mwait_idle_with_hints", NULL, "the inner Xen panics in its idle loop",
	  "MONITOR/MWAIT in the CPU model", "-monitor in the CPU model" },
	{ "timer-check", "IO-APIC \\+ timer doesn't work", NULL,
	  "the kernel panics in its timer check",
	  "an emulated timer that comes too late for it: the L0 is busy with other work",
	  "boot.kernel_args: no_timer_check, or a second try (Xen: a second try)" },
	{ "rdtscp", "SVM Insn len emulation failed|Insn mismatch", NULL,
	  "programs crash at random in the inner level",
	  "QEMU's RDTSCP leaves the guest with RDTSC's exit code", "-rdtscp in the CPU model" },
	{ "avx", "invalid opcode.*(aesni|avx)|(aesni|avx)[^\n]*\n[^\n]*invalid opcode", NULL,
	  "invalid opcode in the inner dom0", "AVX or XSAVE in the CPU model",
	  "-avx,-avx2,-f16c,-fma,-xsave,-xsaveopt,-xgetbv1 in the CPU model" },
	{ "multiboot1", "no console will be available to OS", NULL,
	  "nothing follows the EFI boot loader", "GRUB EFI loads Xen by multiboot 1",
	  "multiboot2, or xen.efi" },
	{ "dom0-holds-memory",
	  "can't allocate low memory for domain|failed to free memory for the domain", NULL,
	  "the guest cannot be built", "dom0 holds the memory",
	  "dom0_mem=N,max:N for Xen and autoballoon=\"off\" in xl.conf" },
	{ "pod", "PoD|populate-on-demand", NULL, "the guest runs out of memory at its start",
	  "memory differs from maxmem", "make memory and maxmem equal" },
	{ "dom0-too-small",
	  "(Domain 0 allocation is too small|Not enough RAM for (DOM0|domain 0)|System is deadlocked "
	  "on memory|not syncing: Out of memory|Out of memory: Killed process)",
	  NULL, "memory runs out inside the level",
	  "the machine (or dom0's share of it) has too little memory for what it runs",
	  "more memory for the level, at least 512MiB for a dom0 and what its guests take on top" },
	{ "libvirt-subnet", "Network is already in use by interface", NULL,
	  "the inner libvirt network does not start", "the same subnet at two levels",
	  "one subnet a level" },
	{ "no-svm-kvm",
	  "(HVM: (VMX|SVM)[^\n]*not|hvm[^\n]*not (supported|available)|No HVM|VMX/SVM)", under_kvm,
	  "L1 has no vmx or svm", "nested=0 of kvm_intel or kvm_amd, or a CPU model without it",
	  "nested=1, -cpu host" },
	{ "no-vmx-tcg", "(VMX[^\n]*not (supported|available)|vmx[^\n]*(missing|not supported))",
	  under_tcg, "no VMX", "TCG emulates SVM only", "an AMD CPU model with svm (EPYC-v1)" },
	{ "esxi-mac", "(VMware[^\n]*promiscuous|port group[^\n]*promiscuous|[Ff]orged transmit)",
	  inside_without_network, "the nested VM cannot be reached behind ESXi",
	  "the vSwitch does not learn MACs",
	  "promiscuous mode and forged transmits, or MAC learning" },
	{ "hyperv-mac", "(hv_netvsc|Microsoft Hv)", bridged_without_link,
	  "the nested VM cannot be reached behind Hyper-V", "MAC address spoofing is off",
	  "turn MAC address spoofing on, with NAT too" },
	{ "kvm-msr", "kvm_buf_set_msrs|KVM: entry failed|KVM internal error", NULL,
	  "QEMU gives up under KVM", "/dev/kvm is there, but this machine cannot run guests on it",
	  "--accel tcg" },
	{ "plain-linux", "plain Linux runs, not Xen", xen_host, "plain Linux boots instead of Xen",
	  "Xen is not the boot loader's default entry", "choose it by title, never by number" },
	{ "same-mac", "(duplicate MAC|renamed from eth[0-9]: .*exists|same hardware address)", NULL,
	  "two NICs with one MAC under the plain kernel",
	  "the emulated and the PV NIC are both there", "unplug one (xen_emul_unplug=nics)" },
	{ "stale-config", "Domain .* already exists", NULL, "an edited guest config has no effect",
	  "xend keeps a copy of its own of the guest config",
	  "delete the domain and create it again" },
	{ "slow-pio", NULL, ide_in_boot_loader, "the boot loader does not come to its end",
	  "an IDE disk is read by PIO through the outer device model",
	  "hdtype=\"ahci\" (machine.disk_bus: ahci)" },
	{ "lost-wakeup",
	  "(about to get started\\.\\.\\.[ \t\r]*$|soft lockup|detected stalls|rcu_[a-z]+ "
	  "self-detected)",
	  inside_tcg, "the inner machine hangs, or stalls for long",
	  "QEMU's emulated SVM can lose a wake-up (before 9.1) or deliver an interrupt twice; or L0 "
	  "has too little processor time",
	  "hpet=legacy-replacement=1 for the inner Xen (4.15 and later), pci=nomsi for its dom0, "
	  "nohz=off for Linux" },
	{ "console-left", "(Loading Xen|Loading initial ramdisk|Booting `)", silent,
	  "silence on the serial line after the boot loader",
	  "perhaps console=ttyS0 was left for dom0, or Xen got no console; if both are right, it "
	  "hangs or is slow before its first line",
	  "Xen: console=com1 com1=115200,8n1; dom0: console=hvc0; else more time (timeouts.boot)" },
	{ "outer-offline", NULL, outer_offline, "no network in the layer around it either",
	  "this layer's network goes through that one's bridge", "cure the outer layer first" },
	{ "no-nic", NULL, no_nic_seen, "the level has no NIC",
	  "the kernel lacks the driver of the emulated NIC, or the guest config gives a PV NIC",
	  "vif model=e1000 without type=vif or type=netfront; e1000 in the initrd" },
	{ "bridge", NULL, bridge_without_address, "no link or address after bridging",
	  "spanning tree, or a bridge with a MAC of its own",
	  "bridge_stp off, MACAddressPolicy=none" },
};

#define SYMPTOMS (sizeof symptoms / sizeof *symptoms)

static bool fits(const struct symptom *row, const struct symptom_input *input)
{
	if (row->pattern && !matches(row->pattern, input->console) &&
	    !matches(row->pattern, input->message))
		return false;
	return !row->holds || row->holds(input);
}

const struct symptom *symptom_find(const struct symptom_input *input)
{
	for (size_t i = 0; i < SYMPTOMS; i++)
		if (fits(&symptoms[i], input))
			return &symptoms[i];
	return NULL;
}

const struct symptom *symptom_more_specific(const struct symptom *one, const struct symptom *other)
{
	if (!one || !other)
		return one ? one : other;
	return one < other ? one : other;
}

const struct symptom *symptom_at(size_t index)
{
	return index < SYMPTOMS ? &symptoms[index] : NULL;
}
