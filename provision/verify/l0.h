/* What L0 can be, as far as a proof cares: how it shows itself to a guest, and what it is called.
 */
#pragma once

enum l0_kind {
	L0_TCG,
	L0_KVM,
	L0_XEN,
	L0_ANY, /* a machine that somebody else powers on: bare, or of a hypervisor that nobody told
		 * us of */
};

struct l0_nature {
	const char *accelerator; /* "tcg", "kvm", "xen", "any" */
	const char *guest_type;	 /* of L1: "QEMU TCG", "HVM", "machine" */
	const char *hypervisor;	 /* CPUID signature that L1 sees, "TCGTCGTCGTCG"; NULL: whatever it
				  * sees is right */
};

const struct l0_nature *l0_nature(enum l0_kind kind);
